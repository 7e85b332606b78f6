"""The one tree of errors.

Every error that a user can cause says what is wrong, where (file and line, or key), and what to do next. The command
line prints the message alone; a traceback is reserved for faults of bitline itself.
"""

from __future__ import annotations


class BitlineError(Exception):
    """Base of everything bitline raises on purpose."""


class NetlistError(BitlineError):
    """A netlist, subcircuit or model card that cannot be read or does not fit its use."""


class SimulationError(BitlineError):
    """ngspice could not run or stopped; carries ngspice's own last lines.

    Attributes:
        log: the last lines ngspice printed, oldest first.
    """

    def __init__(self, message: str, log: tuple[str, ...] = ()) -> None:
        self.log = log
        said = "".join(f"\n  ngspice: {line}" for line in log)
        super().__init__(message + said)
        self._message = message

    def __reduce__(self) -> tuple[type[SimulationError], tuple[str, tuple[str, ...]]]:
        return (type(self), (self._message, self.log))


class ConvergenceError(SimulationError):
    """ngspice found no solution of this circuit at this condition."""


class FitError(BitlineError):
    """A model could not be fitted to the samples it was given."""


class ModelRangeError(BitlineError):
    """A fitted model was asked for a point outside the range it was fitted in."""


class ConfigError(BitlineError):
    """A configuration, option or input file that is wrong; names the file and the key."""


class StoreError(BitlineError):
    """A journal or HDF5 file that is damaged, in use, or belongs to another study."""
