"""A netlist: the text that ngspice runs, and its hash, which every number made from it carries."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

# Steps below vntol and a gmin that would add to picoampere leakage are what the defaults get wrong
OPTIONS = ".options reltol=1e-4 gmin=1e-15"


@dataclass(frozen=True)
class Netlist:
    """One circuit as ngspice reads it.

    Args:
        title: one line that says what it is; never part of a path.
        text: element, model and option lines, without the title, ``.control`` and ``.end``.
        analyses: analysis lines for who runs it alone, as ".dc vin 0 1.8 0.01" or ".tran 1p 2n".
        measures: ``.meas`` lines for who runs it alone.
    """

    title: str
    text: str
    analyses: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """SHA-256 of the circuit and its analyses, in hex."""
        return hashlib.sha256(self.deck().encode()).hexdigest()

    def deck(self) -> str:
        """The whole file: title, circuit, analyses, measures, end."""
        lines = ["* " + self.title, self.text.strip(), *self.analyses, *self.measures, ".end"]
        return "\n".join(lines) + "\n"
