"""`.meas` lines: what plain ngspice finds by itself when it runs an exported netlist."""

from __future__ import annotations

from collections.abc import Mapping


def energy(name: str, sources: Mapping[str, float | str], start: float, stop: float) -> str:
    """Energy (J) that sources give between two times (s).

    Args:
        name: of the measure.
        sources: by name, with its voltage (V) or the node that it drives.
        start: from when.
        stop: until when.
    """
    volts = {source: f"v({at})" if isinstance(at, str) else repr(at) for source, at in sources.items()}
    power = "".join(f"-{volt}*i({source})" for source, volt in volts.items())
    return f".meas tran {name} integ par('{power}') from={start!r} to={stop!r}"


def power(name: str, sources: Mapping[str, float], at: float) -> list[str]:
    """Power (W) that sources of constant voltage (V) give at a point of a DC sweep.

    `par('...')` would do it in one line, but adds elements to the circuit, and a sweep then solves it a little
    otherwise: by microvolts.
    """
    currents = [value(f"{name}_{source}", f"i({source})", at, "dc") for source in sources]
    given = "".join(f"-{volts!r}*{name}_{source}" for source, volts in sources.items())
    return [*currents, derived(name, f"0{given}", "dc")]


def delay(name: str, trigger: tuple[str, float, str], target: tuple[str, float, str]) -> str:
    """Time (s) from one crossing to another.

    Args:
        name: of the measure.
        trigger: a vector as "v(clk)" or `par('...')`, its level (V), and "rise" or "fall": its first such crossing.
        target: likewise.
    """
    ends = (
        f"{what} {vector} val={level!r} {edge}=1"
        for what, (vector, level, edge) in (("trig", trigger), ("targ", target))
    )
    return f".meas tran {name} {' '.join(ends)}"


def value(name: str, vector: str, at: float, analysis: str = "tran") -> str:
    """A vector or `par('...')` at a time (s), or at a value of what a sweep sweeps."""
    return f".meas {analysis} {name} find {vector} at={at!r}"


def derived(name: str, expression: str, analysis: str = "tran") -> str:
    """An expression in measures above."""
    return f".meas {analysis} {name} param='{expression}'"
