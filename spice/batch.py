"""ngspice as a program of its own (`ngspice -b`): for a netlist that must not share a process, or as a cross-check."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from bitline.core.errors import ConfigError, ConvergenceError, SimulationError
from circuits.netlist import Netlist
from spice import messages
from spice.raw import Plot, read_raw

_SET_UP = "set num_threads=1\nset ng_nomodcheck\n"


def program() -> str:
    """Path of the ngspice program.

    Raises:
        ConfigError: it is not installed.
    """
    found = shutil.which("ngspice")
    if found is None:
        raise ConfigError("the ngspice program is missing: apt-get install ngspice")
    return found


def version() -> str:
    """Version of the ngspice program, as "39".

    Raises:
        ConfigError: it is not installed.
    """
    said = subprocess.run([program(), "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    match = re.search(r"ngspice-(\S+)", said.stdout)
    return match[1] if match else "unknown"


def run_batch(netlist: Netlist, timeout: float | None = None) -> Plot:
    """Run the netlist's one analysis in its own ngspice process.

    Args:
        netlist: with exactly one entry in `analyses`.
        timeout: s after which it is stopped; None waits.

    Returns:
        Vectors by lower-case name, as `spice.engine.Engine.run` gives them.

    Raises:
        ConfigError: ngspice is not installed.
        ConvergenceError: no solution.
        SimulationError: ngspice refused, was too slow or wrote nothing.
    """
    if len(netlist.analyses) != 1:
        raise SimulationError(f"'{netlist.title}': a batch runs one analysis, this netlist has {len(netlist.analyses)}")
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "deck.cir").write_text(netlist.deck(), encoding="utf-8")
        (here / ".spiceinit").write_text(_SET_UP, encoding="utf-8")  # also keeps the user's own from changing results
        command = [program(), "-b", "-r", "out.raw", "deck.cir"]
        environment = os.environ | {"HOME": folder, "SPICE_ASCIIRAWFILE": "0"}
        try:
            ended = subprocess.run(  # noqa: S603
                command, cwd=here, env=environment, capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise SimulationError(f"'{netlist.title}': ngspice was stopped after {timeout} s") from error
        said = [("stderr", line) for line in (ended.stdout + "\n" + ended.stderr).splitlines()]
        written = here / "out.raw"
        if ended.returncode != 0 or not written.exists() or any("aborted" in line for _, line in said):
            kind = ConvergenceError if messages.no_solution(said) else SimulationError
            raise kind(f"'{netlist.title}': ngspice failed at '{netlist.analyses[0]}'", messages.last(said))
        (plot,) = read_raw(written)
    return plot
