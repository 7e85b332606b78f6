"""Read disturb of a computing 6T column, in ngspice: when a cell of the other value flips, and how likely that is.

Rows that hold a 1 discharge a floating bit line during one pulse; the victim holds a 0, its word line is pulsed too.
Whether it flips depends on the word line's voltage, on how deep the bit line has fallen when the pulse ends, and on how
long that takes, which is what the number of rows decides. The victim's shifts are what varies; the rows that discharge
the bit line are many and taken as nominal.

The probability comes from the reliability index beta: along one direction in standard normal shifts, the distance at
which the victim flips *in the transient*. The direction is that of the nearest such point (FORM; Hasofer and Lind, J.
Eng. Mech. Div. 100, 1974), for every word line and number of rows where these empty the bit line: that in which the
static trip voltage rises fastest, turned by the slopes of the distance across it. What a cell does within a pulse leans
more on its pull-up than where it trips: turning takes 2 % off beta, a factor of 6 in probability at beta = 9. The
probability of a flip is then Phi(-beta). `importance` gives it without that assumption, by importance sampling about
that point with a verdict of ngspice for every sample (Melchers, Structural Safety 6, 1989).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bitline.core.errors import SimulationError
from bitline.core.executor import Record
from bitline.core.seeds import stream
from circuits.cim_column import EDGE, START
from circuits.cim_disturb import falling, victim
from spice.cim_bench import CimBench, CimSetting, read_time
from spice.engine import Vectors
from spice.mismatch import shifts

Floats = np.ndarray[Any, np.dtype[np.float64]]

LINES = (0.4, 0.5, 0.6, 0.8, 1.0)  # word lines, of vdd
DEPTHS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6)  # bit line at the end, of vdd
BETA = (-4.0, 12.0)  # beyond which the index is not followed: all cells flip, or none ever
TOLERANCE = 0.03  # of it
RECOVERY = 0.4e-9  # s after a pulse until a cell is back, or has flipped
_STEP = 2.0  # in sigma: of the differences of trip voltage and distance
_NEAR = 2.0  # index at which an angle whose cosine is 0.98 changes the probability by a tenth
_EMPTY = 0.05  # of vdd: what the bit line of an empty column is at
_PATIENCE = 4.0  # times that long is as good as for ever
_LONGEST = 4e-6  # s, of a pulse: a single row and a victim settle above an empty bit line
_CHECKED = 24  # points between the table's knots
_SAMPLES = 300  # of importance sampling
STAGE = "cim.disturb"

UNITS = {
    "flip_time": "s",
    "disturb_line": "V",
    "disturb_rows": "1",
    "disturb_depth": "V",
    "disturb_width": "s",
    "disturb_beta": "1",
    "disturb_direction": "1",
    "disturb_checked": "1",
    "disturb_checked_beta": "1",
    "disturb_index": "1",
    "disturb_ratio": "1",
    "disturb_ratio_error": "1",
}


class DisturbBench(CimBench):
    """The benches of a 6T column and its victim.

    Args:
        setting: conditions and design of a 6T column.

    Raises:
        ConfigError: an unknown technology, corner, role or variation.
    """

    def __init__(self, setting: CimSetting) -> None:
        super().__init__(setting)
        self._falls: dict[float, Any] = {}

    def trip(self, word_line: float, scores: Floats) -> float:
        """Bit-line voltage (V) at which the cell flips while it falls slowly, its word line at `word_line` (V).

        Raises:
            SimulationError: it does not, down to -vdd / 2.
        """
        if word_line not in self._falls:
            self._falls[word_line] = self.varied_netlist(falling(*self.at, word_line))
        found = self._simulated(self._falls[word_line], scores)
        apart, bit_line = found["q"] - found["qb"], found["bl"]
        below = np.flatnonzero(apart <= 0)
        if not len(below) or below[0] == 0:
            raise SimulationError(
                f"the cell does not flip down to {bit_line[-1]:g} V at a word line of {word_line:g} V"
            )
        i = int(below[0])
        share = apart[i - 1] / (apart[i - 1] - apart[i])
        return float(bit_line[i - 1] + share * (bit_line[i] - bit_line[i - 1]))

    def discharge_with_victim(self, word_line: float, on: int, width: float) -> Vectors:
        """Waveforms (V) q, qb and bl over `time` (s) without mismatch, the pulse rising at `START`."""
        return self._simulated(self._victim(word_line, on, width), np.zeros(len(self.varied)))

    def verdict(self, word_line: float, on: int, width: float) -> Callable[[Floats], bool]:
        """Whether a victim with these standard normal scores (variables,) has flipped after the pulse."""
        netlist = self._victim(word_line, on, width)

        def flips(scores: Floats) -> bool:
            found = self._simulated(netlist, scores)
            return bool(found["q"][-1] < found["qb"][-1])

        return flips

    def direction(self, word_line: float) -> Floats:
        """Unit vector of scores (variables,) along which the trip voltage rises fastest, by central differences."""
        step = _STEP * np.eye(len(self.varied))
        slope = np.array([self.trip(word_line, each) - self.trip(word_line, -each) for each in step])
        return np.asarray(slope / np.linalg.norm(slope))

    def _victim(self, word_line: float, on: int, width: float) -> Any:
        design = replace(self.setting.design, word_line=word_line)
        stop = read_time(width) + RECOVERY
        return self.varied_netlist(victim(*self.at, design, on, width, stop))

    def _simulated(self, netlist: Any, scores: Floats) -> Vectors:
        if self._ngspice.netlist is not netlist:
            self._ngspice.load(netlist)
        self.apply(shifts(self.varied, scores))
        return self._ngspice.run(netlist.analyses[0].removeprefix("."))


def index(flips: Callable[[Floats], bool], direction: Floats, guess: float) -> float:
    """Distance (sigma) along `direction` from which on the victim flips, to `TOLERANCE` and within `BETA`.

    Args:
        flips: of scores; for all larger distances once it does.
        direction: unit vector of scores.
        guess: where it is looked for first.
    """
    low, high = BETA
    step, at = 0.5, float(np.clip(guess, low, high))
    flipped = flips(at * direction)
    while True:  # until there is a bracket, or an end of the range
        beyond = float(np.clip(at - step if flipped else at + step, low, high))
        if beyond == at:
            return at
        found = flips(beyond * direction)
        if found != flipped:
            break
        at, step = beyond, 2 * step
    inside, outside = (beyond, at) if flipped else (at, beyond)
    while outside - inside > TOLERANCE:
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if flips(middle * direction) else (middle, outside)
    return (inside + outside) / 2


def nearest(flips: Callable[[Floats], bool], direction: Floats) -> Floats:
    """Unit vector of scores towards the nearest victim that flips, from a direction that is not far from it.

    It is turned while that brings the index down by more than `TOLERANCE`; not where the index is beyond `BETA`, nor
    below `_NEAR`, where an angle costs next to nothing.
    """
    beta = index(flips, direction, 0.0)
    while _NEAR < beta < BETA[1]:
        turned = _normal(flips, direction, beta)
        nearer = index(flips, turned, beta)
        if nearer > beta - TOLERANCE:
            return turned if nearer < beta else direction
        direction, beta = turned, nearer
    return direction


def _normal(flips: Callable[[Floats], bool], direction: Floats, beta: float) -> Floats:
    """Unit normal of the plane at which those that flip begin, as seen along a direction.

    At an offset w across direction u its distance is beta + w . slopes, and u - slopes is normal to it.
    """
    across = np.linalg.svd(direction[None])[2][1:]

    def distance(start: Floats) -> float:
        return index(lambda scores: flips(scores + start), direction, beta)

    slopes = [(distance(_STEP * each) - distance(-_STEP * each)) / (2 * _STEP) for each in across]
    normal = direction - np.array(slopes) @ across
    return np.asarray(normal / np.linalg.norm(normal))


def importance(
    flips: Callable[[Floats], bool], direction: Floats, beta: float, rng: np.random.Generator, samples: int = _SAMPLES
) -> tuple[float, float]:
    """Probability of a flip over Phi(-beta), and the relative standard error of that, by importance sampling.

    Scores are drawn about beta times `direction`, each weighted by the ratio of the densities.

    Raises:
        SimulationError: none of them flips: beta is far from where cells do.
    """
    centre = beta * direction
    scores = centre + rng.standard_normal((samples, len(direction)))
    weights = np.exp(-scores @ centre + beta**2 / 2) * np.array([flips(each) for each in scores])
    if not weights.any():
        raise SimulationError(f"no cell of {samples} flips at shifts about {beta:.2g} sigma")
    mean, first_order = float(np.mean(weights)), 0.5 * math.erfc(beta / math.sqrt(2))
    return mean / first_order, float(np.std(weights, ddof=1) / math.sqrt(samples) / mean)


def disturbed(bench: DisturbBench) -> Record:
    """The table of the index, the times at which nominal victims flip, and what both are checked by; see `UNITS`.

    Shapes: `disturb_line` (lines,), `disturb_rows` (rows,), `disturb_depth` (depths,) in rising order;
    `disturb_width` and `disturb_beta` (lines, rows, depths), `flip_time` (lines, rows), from the word line's start to
    where q and qb cross, inf where they never do; `disturb_direction` (lines, rows, variables), at the deepest;
    `disturb_checked` (points, 3)
    with line, rows and depth of points between the knots, and `disturb_checked_beta` (points,).
    """
    setting, vdd = bench.setting, bench.vdd
    lines = np.unique(np.array([setting.design.word_line, *(share * vdd for share in LINES)]))
    most = setting.design.cells - 1
    rows = np.unique([min(count, most) for count in (1, 4, 16, 64, most)])
    depths = vdd * np.array(DEPTHS)
    shape = (len(lines), len(rows))
    beta, widths = np.empty((*shape, len(depths))), np.empty((*shape, len(depths)))
    times, directions = np.empty(shape), np.empty((*shape, len(bench.varied)))
    for a, line in enumerate(lines.tolist()):
        direction = bench.direction(line)
        for b, on in reversed(list(enumerate(rows.tolist()))):  # the more rows, the nearer the static direction
            times[a, b], widths[a, b] = _discharge(bench, line, on, depths)
            direction = directions[a, b] = nearest(bench.verdict(line, on, float(widths[a, b, 0])), direction)
            beta[a, b] = _indices(bench, line, on, widths[a, b], direction)
    found: Record = {
        "disturb_line": lines,
        "disturb_rows": rows.astype(np.float64),
        "disturb_depth": depths,
        "disturb_width": widths,
        "disturb_beta": beta,
        "disturb_direction": directions,
        "flip_time": times,
    }
    return found | _checked(bench, found) | _sampled(bench, found)


def _discharge(bench: DisturbBench, line: float, on: int, depths: Floats) -> tuple[float, Floats]:
    """When a nominal victim flips (s), and the widths (s) of pulses that take the bit line to depths (V)."""
    width, empty = 1e-9, math.inf
    while width < _LONGEST and _PATIENCE * empty > width:  # a bit line that takes longer gets longer
        width *= 4
        wave = bench.discharge_with_victim(line, on, width)
        low = wave["time"][wave["bl"] <= _EMPTY * bench.vdd]
        empty = float(low[0]) if len(low) else math.inf
    time, v = wave["time"], np.minimum.accumulate(wave["bl"])
    ends = np.interp(-depths, -v, time) - START
    ends[depths <= v[-1]] = width
    crossed = np.flatnonzero(wave["q"] <= wave["qb"])
    return (float(time[crossed[0]]) - START if len(crossed) else math.inf), np.maximum(ends, 3 * EDGE)


def _indices(bench: DisturbBench, line: float, on: int, widths: Floats, direction: Floats) -> Floats:
    """From the deepest on, each where the one before is looked for first; once none flips none does."""
    found, guess = np.full(len(widths), BETA[1]), 0.0
    for k, width in enumerate(widths):
        guess = index(bench.verdict(line, on, float(width)), direction, guess)
        found[k] = guess
        if guess >= BETA[1]:
            break
    return found


def _checked(bench: DisturbBench, table: Record) -> Record:
    """Points between the knots: most where the bit line is nearly empty, lines in turn (those of the directions)."""
    rng = stream(bench.setting.conditions.seed, STAGE, 0)
    lines, rows = np.asarray(table["disturb_line"]), np.asarray(table["disturb_rows"])
    points, found = np.empty((_CHECKED, 3)), np.empty(_CHECKED)
    for k in range(_CHECKED):
        number = k % len(lines)
        line, depth = float(lines[number]), float(DEPTHS[-1] * rng.uniform() ** 3) * bench.vdd
        on = round(math.exp(rng.uniform(0.0, math.log(rows[-1]))))
        _, (width,) = _discharge(bench, line, on, np.array([depth]))
        direction = np.asarray(table["disturb_direction"])[number, np.searchsorted(rows, on)]
        points[k], found[k] = (line, on, depth), index(bench.verdict(line, on, float(width)), direction, 6.0)
    return {"disturb_checked": points, "disturb_checked_beta": found}


def _sampled(bench: DisturbBench, table: Record) -> Record:
    """First order against importance sampling: the own word line, all rows, an empty bit line."""
    line = bench.setting.design.word_line
    a = int(np.flatnonzero(np.asarray(table["disturb_line"]) == line)[0])
    beta, width = (float(np.asarray(table[f"disturb_{name}"])[a, -1, 0]) for name in ("beta", "width"))
    if not BETA[0] < beta < BETA[1]:
        return {"disturb_index": beta, "disturb_ratio": 1.0, "disturb_ratio_error": 0.0}
    flips = bench.verdict(line, int(np.asarray(table["disturb_rows"])[-1]), width)
    rng = stream(bench.setting.conditions.seed, STAGE, 1)
    ratio, error = importance(flips, np.asarray(table["disturb_direction"])[a, -1], beta, rng)
    return {"disturb_index": beta, "disturb_ratio": ratio, "disturb_ratio_error": error}
