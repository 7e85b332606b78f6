"""Waveforms as a value change dump (IEEE 1364-2005, 18), which GTKWave and Surfer show: real values and logic."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError

Wave = np.ndarray[Any, np.dtype[np.float64]]

LOW, HIGH = 0.3, 0.7  # of the supply: below is 0, above is 1, x between
_PREFIXES = ("s", "ms", "us", "ns", "ps", "fs")
_TICKS_A_STEP = 10  # so that no time is off by more than a twentieth of the shortest step


def value_changes(title: str, waveform: Mapping[str, Wave], units: Mapping[str, str], vdd: float) -> Iterator[str]:
    """The dump's lines: every vector as a real in the scope `analog`, every voltage as a bit in `logic` too.

    Args:
        title: one line.
        waveform: vectors of one length, the axis first.
        units: by vector; the axis is in s.
        vdd: the supply, V: a bit is 0 below `LOW` of it, 1 above `HIGH`, x between.

    Raises:
        ConfigError: the axis is not time, or does not rise.
    """
    (axis, time), *signals = waveform.items()
    if units[axis] != "s":
        raise ConfigError(f"{title}: a .vcd has a time axis, this is over {axis} ({units[axis]}); take .raw or .csv")
    tick, written = timescale(time)
    logic = {name: _bits(wave, vdd) for name, wave in signals if units[name] == "V"}
    names = {name: f"a{number}" for number, (name, _) in enumerate(signals)}
    yield f"$comment {title}; logic: 0 below {LOW:g} of {vdd:g} V, 1 above {HIGH:g} of it $end"
    yield f"$timescale {written} $end"
    yield "$scope module analog $end"
    yield from (f"$var real 64 {names[name]} {name} $end" for name, _ in signals)
    yield "$upscope $end"
    yield "$scope module logic $end"
    yield from (f"$var wire 1 l{names[name]} {name} $end" for name in logic)
    yield "$upscope $end"
    yield "$enddefinitions $end"
    before: dict[str, str] = {}
    for k, at in enumerate(time):
        now = {names[name]: f"r{float(wave[k])!r} {names[name]}" for name, wave in signals}
        now |= {f"l{names[name]}": f"{bits[k]}l{names[name]}" for name, bits in logic.items()}
        changed = [said for key, said in now.items() if before.get(key) != said]
        if changed:
            yield f"#{round((at - time[0]) / tick)}"
            yield from changed
        before = now


def timescale(time: Wave) -> tuple[float, str]:
    """The coarsest power of ten that resolves the shortest step: in s, and as written ("10 fs"); 1 fs at least.

    Raises:
        ConfigError: time does not rise from each point to the next.
    """
    if time.size < 2 or not np.all(np.diff(time) > 0):
        raise ConfigError("a .vcd needs times that rise from each point to the next")
    shortest = float(np.min(np.diff(time)))
    exponent = max(-15, min(2, math.floor(math.log10(shortest / _TICKS_A_STEP))))
    prefix = -(exponent // 3)
    return 10.0**exponent, f"{10 ** (exponent + 3 * prefix)} {_PREFIXES[max(0, prefix)]}"


def _bits(wave: Wave, vdd: float) -> list[str]:
    return np.select([wave < LOW * vdd, wave > HIGH * vdd], ["0", "1"], "x").tolist()  # type: ignore[no-any-return]
