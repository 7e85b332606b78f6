"""ngspice in this process, through PySpice: the only module that imports PySpice.

There is one ngspice a process and it holds one circuit at a time: whoever needs a circuit loads it, alters devices and
runs analyses until someone loads another. Parallel work takes processes (`bitline.core.executors`), never threads.

What PySpice's own `NgSpiceShared` does not give and this module adds: the library is found without its -dev package,
benign chatter is no error, errors carry ngspice's own last lines and the netlist line they name, one OpenMP thread (two
make a six-transistor sweep fifteen times slower), no start-up file of the user's that changes results, no log file in
the working directory, and a fresh ngspice after one that stopped for good.
"""

from __future__ import annotations

import contextlib
import ctypes.util
import functools
import logging
import os
import signal
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError, ConvergenceError, NetlistError, SimulationError
from circuits.netlist import Netlist
from spice import messages

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # PySpice's source warns when it is compiled, which is not the user's to mend
    from PySpice.Spice.NgSpice.Shared import NgSpiceShared, ffi, ffi_string_utf8
    from PySpice.Spice.NgSpice.SimulationType import LAST_VERSION, SIMULATION_TYPE

Vectors = dict[str, "np.ndarray[Any, np.dtype[np.float64]]"]

LIBRARY_VARIABLE = "NGSPICE_LIBRARY_PATH"
_LIBRARIES = ("libngspice.so.0", "libngspice.so", "libngspice.0.dylib", "libngspice.dylib")
_SET_UP = ("set num_threads=1", "set ng_nomodcheck", "set nomoremode")

_log = logging.getLogger(__name__)
# A warning for each vector whose type it has no unit for, as that of a transistor's conductance
logging.getLogger("PySpice.Spice.NgSpice.Shared.Vector").setLevel(logging.ERROR)

# PySpice warns of versions newer than itself, whose list is the same
SIMULATION_TYPE.update(dict.fromkeys(range(LAST_VERSION + 1, LAST_VERSION + 100), SIMULATION_TYPE["last"]))


class _Ngspice(NgSpiceShared):  # type: ignore[misc] # PySpice has no types
    """PySpice's ngspice with its output collected instead of judged."""

    def __init__(self, library: str) -> None:
        self.LIBRARY_PATH = library
        self.lines: list[tuple[str, str]] = []
        self.stopped = False
        with _away_from_start_up_files():
            super().__init__()

    def _load_library(self, verbose: bool) -> None:  # noqa: FBT001 - PySpice's signature
        if hasattr(ffi, "_bitline_declared"):
            self._ngspice_shared = ffi.dlopen(self.LIBRARY_PATH)
        else:  # a second declaration raises
            super()._load_library(verbose)
            ffi._bitline_declared = True  # noqa: SLF001 - lives as long as what it tells of

    @staticmethod
    def _send_char(message: Any, _ngspice_id: int, user_data: Any) -> int:
        self = ffi.from_handle(user_data)
        text = ffi_string_utf8(message)
        text = text if isinstance(text, str) else text.decode("latin-1")
        stream, _, line = text.partition(" ")
        self.lines.append((stream, line.rstrip()))
        if stream == "stdout":
            self._stdout.append(line)  # where PySpice finds the version
        return 0

    @staticmethod
    def _exit(_status: int, _immediate: bool, _quit: bool, _ngspice_id: int, user_data: Any) -> int:  # noqa: FBT001
        ffi.from_handle(user_data).stopped = True
        return 0

    def circuit(self, text: str) -> list[tuple[str, str]]:
        """Load a deck; what ngspice said."""
        self.lines = []
        with interrupts_later(), contextlib.suppress(NameError):  # "ngSpice_Circ returned 1": the lines say more
            self.load_circuit(text)
        return self.lines

    def say(self, command: str) -> list[tuple[str, str]]:
        """Execute a command; what ngspice said."""
        self.lines = []
        with interrupts_later(), contextlib.suppress(NameError):
            self.exec_command(command)
        return self.lines

    def close(self) -> None:
        """Unload the library, so that the next one starts with fresh globals; OpenMP threads would not survive it."""
        ffi.dlclose(self._ngspice_shared)


class Engine:
    """The process's ngspice; use `engine()`.

    Attributes:
        netlist: the loaded circuit, or None.
    """

    netlist: Netlist | None

    def __init__(self) -> None:
        self._library = find_library()
        self._start()

    @property
    def version(self) -> str:
        """Major version, as "39"."""
        return str(self._ngspice.ngspice_version)

    @property
    def library(self) -> str:
        """Name or path of the shared library in use."""
        return self._library

    def load(self, netlist: Netlist) -> None:
        """Replace the loaded circuit.

        Raises:
            NetlistError: ngspice cannot read it; names the offending line.
        """
        self._unload()
        deck = replace(netlist, measures=()).deck()  # measures are for who runs the file alone
        said = self._ngspice.circuit(deck)
        if messages.failed(said) or self._ngspice.stopped:
            self._unload()
            raise NetlistError(messages.unreadable(netlist.title, deck, said))
        self.netlist = netlist

    def alter(self, device: str, parameter: str, value: float) -> None:
        """Set an instance parameter, as `alter("m1", "delvto", 0.01)` or `alter("vdd", "dc", 1.8)`.

        It holds until the circuit is loaded again.

        Raises:
            SimulationError: no such device or parameter.
        """
        self.command(f"alter @{device}[{parameter}] = {float(value)!r}")

    def command(self, text: str) -> list[str]:
        """Execute any ngspice command, as "meas tran t50 when v(out)=0.9"; what it printed.

        Raises:
            SimulationError: ngspice refused.
        """
        said = self._ngspice.say(text)
        if self._ngspice.stopped:
            self._unload()
            raise SimulationError(f"ngspice stopped at '{text}'; the circuit must be loaded again", messages.last(said))
        if messages.failed(said):
            raise SimulationError(f"ngspice refused '{text}'", messages.last(said))
        return [line for stream, line in said if stream == "stdout"]

    def run(self, analysis: str) -> Vectors:
        """Run one analysis of the loaded circuit, as "op", "dc vin 0 1.8 0.01" or "tran 1p 2n".

        Returns:
            Every vector by its lower-case ngspice name ("q", "vin#branch", "v-sweep", "time", "@m1[id]").

        Raises:
            ConvergenceError: no solution.
            SimulationError: nothing is loaded, or ngspice refused.
        """
        if self.netlist is None:
            raise SimulationError(f"no circuit is loaded; load one before '{analysis}'")
        self.clear()
        said = self._ngspice.say(analysis)
        try:
            plot = self._ngspice.last_plot if not self._ngspice.stopped else "const"
            if messages.failed(said) or plot == "const":
                self._refuse(analysis, said)
            plots = [plot]
            if plot.startswith("noise"):  # the last holds totals, the one before it the densities
                plots.append(f"noise{int(plot.removeprefix('noise')) - 1}")
            found = [pair for one in plots for pair in self._ngspice.plot(None, one).items()]
            return {name.lower(): vector._data for name, vector in found}  # noqa: SLF001
        finally:
            if self._ngspice.stopped:
                self._unload()
            self.clear()

    def clear(self) -> None:
        """Free the results of earlier analyses, as of those that `command` ran."""
        self._ngspice.say("destroy all")

    def _refuse(self, analysis: str, said: list[tuple[str, str]]) -> None:
        title = self.netlist.title if self.netlist else ""
        if messages.no_solution(said):
            remedy = "look for floating nodes, voltage loops and extreme values"
            raise ConvergenceError(f"'{title}': no solution for '{analysis}'; {remedy}", messages.last(said))
        raise SimulationError(f"'{title}': ngspice refused '{analysis}'", messages.last(said))

    def _start(self) -> None:
        self._ngspice = _Ngspice(self._library)
        self.netlist = None
        for command in _SET_UP:
            self._ngspice.say(command)

    def _unload(self) -> None:
        """Forget the circuit; after ngspice stopped for good, start a fresh one."""
        if self._ngspice.stopped:
            _log.info("ngspice stopped; starting it again")
            self._ngspice.close()
            self._start()
            return
        self.netlist = None
        self.clear()
        self._ngspice.say("remcirc")


@functools.cache
def engine() -> Engine:
    """The engine of this process, started at the first call.

    Raises:
        ConfigError: ngspice's shared library is missing.
    """
    return Engine()


def find_library() -> str:
    """Name or path of ngspice's shared library: that of NGSPICE_LIBRARY_PATH, else what the loader finds.

    Raises:
        ConfigError: there is none, with what to install.
    """
    own = os.environ.get(LIBRARY_VARIABLE)
    candidates = (own,) if own else (*_LIBRARIES, ctypes.util.find_library("ngspice"))
    for name in candidates:
        if name and _loads(name):
            return name
    if own:
        raise ConfigError(f"{LIBRARY_VARIABLE}={own}: cannot be loaded; unset it, or give the path of libngspice.so.0")
    raise ConfigError(
        f"ngspice's shared library is missing: apt-get install libngspice0 (or set {LIBRARY_VARIABLE} to it)"
    )


def _loads(name: str) -> bool:
    try:
        handle = ffi.dlopen(name)
    except OSError:
        return False
    ffi.dlclose(handle)
    return True


@contextlib.contextmanager
def _away_from_start_up_files() -> Iterator[None]:
    """No .spiceinit of the working or home directory while ngspice starts: it would change results."""
    here, home = os.getcwd(), os.environ.get("HOME")  # noqa: PTH109 - a plain pair with chdir
    with tempfile.TemporaryDirectory() as empty:
        os.chdir(empty)
        os.environ["HOME"] = empty
        try:
            yield
        finally:
            os.chdir(here)
            if home is None:
                del os.environ["HOME"]
            else:
                os.environ["HOME"] = home


@dataclass(frozen=True)
class _Held:
    """Handler that notes an interrupt for later."""

    note: Callable[[tuple[Any, ...]], None]

    def __call__(self, *arguments: Any) -> None:
        self.note(arguments)


@contextlib.contextmanager
def interrupts_later() -> Iterator[None]:
    """Hold Ctrl-C back until ngspice returns: raised in one of its callbacks, the interrupt would be lost.

    Whoever runs many short commands holds it back once for all of them, which costs less.
    """
    handler = signal.getsignal(signal.SIGINT)
    held = isinstance(handler, _Held)
    if held or threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    received: list[tuple[Any, ...]] = []
    signal.signal(signal.SIGINT, _Held(received.append))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if received:
        handler(*received[0])
