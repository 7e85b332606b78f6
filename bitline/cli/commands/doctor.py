"""``bitline doctor``: what is installed, what is missing, and how to mend it."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.text import Text

from bitline.cli.terminal import output, print_json, say
from bitline.core.errors import BitlineError

_LIBRARIES = ("numpy", "scipy", "numba", "h5py", "torch", "PySpice", "plotly", "matplotlib", "sklearn")


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is well, what was found, and how to mend it."""

    name: str
    well: bool
    found: str
    mend: str = ""
    needed: bool = True


def doctor(*, as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False) -> None:
    """What is installed, what is missing, how to mend it; exit status 1 if something needed is missing."""
    findings = [_python(), *map(_library, _LIBRARIES), _ngspice(), _shared_library(), _cell(), _mnist()]
    if as_json:
        print_json({f.name: {"well": f.well, "found": f.found, "mend": f.mend} for f in findings})
    else:
        for finding in findings:
            mark = ("ok", "green") if finding.well else ("missing", "red") if finding.needed else ("absent", "yellow")
            spaces = " " * (9 - len(mark[0]))
            output.print(Text.assemble(mark, f"{spaces}{finding.name:<22} {finding.found}"), soft_wrap=True)
            if not finding.well:
                say(f"         mend: {finding.mend}")
    if any(finding.needed and not finding.well for finding in findings):
        raise typer.Exit(1)


def _python() -> Finding:
    return Finding("python", sys.version_info >= (3, 11), platform.python_version(), "install Python 3.11 or newer")


def _library(name: str) -> Finding:
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        return Finding(name, well=False, found=str(error), mend="make setup")
    return Finding(name, well=True, found=str(getattr(module, "__version__", "installed")))


def _ngspice() -> Finding:
    path = shutil.which("ngspice")
    return Finding("ngspice", path is not None, path or "not on PATH", "apt-get install ngspice")


def _looked(name: str, look: Callable[[], str], mend: str, *, needed: bool = True) -> Finding:
    try:
        return Finding(name, well=True, found=look())
    except (BitlineError, ImportError) as error:
        return Finding(name, well=False, found=str(error), mend=mend, needed=needed)


def _shared_library() -> Finding:
    def look() -> str:
        from spice.engine import engine

        return f"ngspice {engine().version}"

    return _looked("libngspice (PySpice)", look, "apt-get install libngspice0")


def _cell() -> Finding:
    """A simulation that has to come out."""

    def look() -> str:
        from bitline.cli.characterise import Work, nominal_figures

        figures = nominal_figures(Work("sram"))
        return f"read SNM {figures['read_snm'].value * 1e3:.1f} mV (sky130, tt, 27 C, 1.8 V)"

    return _looked("a 6T cell in ngspice", look, "see the message above; then run bitline doctor again")


def _mnist() -> Finding:
    def look() -> str:
        from nn.datasets import load

        return load("mnist").source

    return _looked("MNIST", look, "make setup, or python -m nn.datasets.fetch mnist", needed=False)
