"""The 6T cell on its benches in this process's ngspice: the figures of one cell, whatever varies in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bitline.core.executor import Record
from circuits import cells
from circuits.model_card import Card
from circuits.netlist import Netlist
from circuits.process import SCORES, Process
from circuits.technology import Device
from spice import mismatch, write_margin
from spice.butterfly import ONE_STATE, Butterfly
from spice.engine import Engine, Vectors
from spice.mismatch import Floats, Shifts, Variable, apply_vth, model_values, set_model

FIGURES = {
    "hold_snm": "V",
    "read_snm": "V",
    "write_margin_bl": "V",
    "write_margin_wl": "V",
    "read_current": "A",
    "leakage": "A",
}
_WRITTEN = tuple(f"write_margin_{bench}" for bench in cells.WRITES)


@dataclass(frozen=True)
class Bench:
    """What the samples of one condition share.

    Attributes:
        engine: the process's ngspice.
        butterfly: netlist of the butterfly.
        write: netlist of the write benches.
        devices: by instance.
        cards: by instance, where each transistor has a card of its own; else empty.
        vdd: supply, V.
        start: nominal write margins, where they are solved.
        variables: what the samples vary.
        dies: the global process, if they vary it.
    """

    engine: Engine
    butterfly: Netlist
    write: Netlist
    devices: Mapping[str, Device]
    cards: Mapping[str, Card]
    vdd: float
    start: write_margin.Solution | None = None
    variables: Sequence[Variable] = ()
    dies: Process | None = None

    def started(self) -> Bench:
        """With the write margins of the nominal cell."""
        self.engine.load(self.write)
        return replace(self, start=write_margin.solve(self.engine, self.vdd))

    def measure_at(
        self, scores: Floats, die: tuple[float, float] | None, wanted: Collection[str] = tuple(FIGURES)
    ) -> Record:
        """The wanted figures of the cell at the scores of the variables, on a die of these scores, and the shifts."""
        shifts = mismatch.shifts(self.variables, scores)
        thresholds = dict.fromkeys(cells.DEVICES, 0.0) | {name: shift["vth"] for name, shift in shifts.items()}
        record = self.measure(thresholds, self._model_values(shifts, die), wanted)
        record |= {f"die_{name}": value for name, value in zip(SCORES, die or (), strict=False)}
        return record | {v.name: shifts[v.device][v.parameter] for v in self.variables}

    def measure(
        self,
        thresholds: Mapping[str, float],
        model: Mapping[str, Mapping[str, float]] | None = None,
        wanted: Collection[str] = tuple(FIGURES),
    ) -> Record:
        """Figures of one cell.

        Args:
            thresholds: shift of each transistor's, V.
            model: numbers of each transistor's own card, replacing the corner's.
            wanted: figures, of `FIGURES`.
        """
        model = model or {}
        record: Record = {}
        if not {"read_snm", "read_current", "hold_snm", "leakage"}.isdisjoint(wanted):
            self._set(self.butterfly, thresholds, model)
        if not {"read_snm", "read_current"}.isdisjoint(wanted):
            record |= self._read(currents="read_current" in wanted)
        if not {"hold_snm", "leakage"}.isdisjoint(wanted):
            record |= self._hold()
        if not {"write_margin_bl", "write_margin_wl"}.isdisjoint(wanted):
            self._set(self.write, thresholds, model, tuple(f"_{bench}" for bench in cells.WRITES))
            written = write_margin.solve(self.engine, self.vdd, self.start)
            record |= {f"write_margin_{name}": float(v) for name, v in zip(cells.WRITES, written.margin, strict=True)}
            record |= {f"write_margin_{line}": record[f"write_margin_{line}_left"] for line in ("bl", "wl")}
        return record | {"absent": absent(record)}

    def _model_values(self, shifts: Shifts, die: tuple[float, float] | None) -> dict[str, dict[str, float]]:
        """Numbers of each transistor's own card: the die's, and on top of them the transistor's own shifts."""
        values: dict[str, dict[str, float]] = {}
        for name, card in self.cards.items():
            of_die = self.dies.parameters(name, *die) if self.dies and die else {}
            on_die = replace(card, parameters={**card.parameters, **of_die})
            values[name] = of_die | model_values(on_die, shifts.get(name, {}))
        return values

    def _set(
        self,
        netlist: Netlist,
        thresholds: Mapping[str, float],
        model: Mapping[str, Mapping[str, float]],
        suffixes: tuple[str, ...] = ("",),
    ) -> None:
        if self.engine.netlist is not netlist:
            self.engine.load(netlist)
        for suffix in suffixes:
            apply_vth(self.engine, thresholds, suffix)
        for name, values in model.items():
            set_model(self.engine, self.cards[name], name, values)

    def _read(self, *, currents: bool) -> Record:
        swept, curves = self._sweep(self.vdd)
        record: Record = {"vin": curves.vin} | _margins("read", curves)
        if not currents:
            return record
        _, qb = curves.rest(0.0)
        q, _ = curves.rest(self.vdd)
        left, right = _drawn(swept, qb, "vbl"), _drawn(swept, q, "vblb")
        return record | {"read_current": left, "read_current_left": left, "read_current_right": right}

    def _hold(self) -> Record:
        swept, curves = self._sweep(0.0)
        q, qb = curves.rest(0.0)
        leakage = _drawn(swept, qb, "vbl", "vdd_left") + _drawn(swept, q, "vblb", "vdd_right")
        return _margins("hold", curves) | {"leakage": leakage}

    def _sweep(self, word_line: float) -> tuple[Vectors, Butterfly]:
        self.engine.alter("vwl", "dc", word_line)
        swept = self.engine.run(self.butterfly.analyses[0].removeprefix("."))
        return swept, Butterfly(swept["in"], swept["q"], swept["qb"])


def absent(record: Record) -> str:
    """Which figures of a cell do not exist (NaN in its record), and why; "" where all do."""
    said = [
        f"no {name}: {reason}; try a higher vdd, another corner or other sizes"
        for names, reason in ((("hold_snm", "read_snm"), ONE_STATE), (_WRITTEN, write_margin.UNWRITABLE))
        for name in names
        if name in record and np.isnan(float(record[name]))
    ]
    return "; ".join(said)


def transistor_of(instance: str) -> str:
    """Which of the cell's transistors an instance on a bench stands for; itself where it is none of the six."""
    return next((name for name in cells.DEVICES if instance.startswith(name)), instance)


def noise_margins(mode: str, zero: float, one: float) -> Record:
    """Noise margins (V) of a cell storing 0 and 1, under the names of the mode; NaN for a lobe that is not there."""
    smaller = float(np.minimum(zero, one))  # NaN if either is
    return {f"{mode}_snm": smaller, f"{mode}_snm_q0": zero, f"{mode}_snm_q1": one}


def _margins(mode: str, curves: Butterfly) -> Record:
    return noise_margins(mode, *curves.lobes()) | {f"{mode}_q": curves.q, f"{mode}_qb": curves.qb}


def _drawn(swept: Vectors, vin: float, *sources: str) -> float:
    """Sum of the currents (A) out of the sources at input `vin`."""
    return -sum(float(np.interp(vin, swept["in"], swept[f"{source}#branch"])) for source in sources)
