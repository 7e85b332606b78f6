"""Read disturb of 6T columns in ngspice: when cells flip, how the index is found, and that its table is a bound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from bitline.core.model_file import ModelFile
from circuits.cim_column import START, CimDesign
from circuits.cim_disturb import victim
from circuits.wiring import Wiring
from spice.cim_bench import CimSetting
from spice.cim_disturb import BETA, TOLERANCE, DisturbBench, importance, index, nearest

_FOLDER = Path(__file__).parent / "golden_cim"
BARE = Wiring(shared_diffusion=0.0)  # transistors without junction areas
VDD = 1.8


def column(cells: int, capacitance: float) -> DisturbBench:
    design = CimDesign(cells=cells, cell="6t", wiring=BARE)
    return DisturbBench(CimSetting(design=replace(design, extra=capacitance - design.wire_capacitance)))


def flip_time(rows: int, word_line: float) -> float | None:
    """From the word lines' start until the one cell of the other value among `rows` on 100 fF has flipped, s."""
    wave = column(rows, 100e-15).discharge_with_victim(word_line, rows - 1, 6e-9)
    crossed = np.flatnonzero(wave["q"] <= wave["qb"])
    return float(wave["time"][crossed[0]]) - START if len(crossed) else None


def test_full_word_lines_flip_a_cell_as_fast_as_an_independent_simulation() -> None:
    # it gave 1.1 ns with 4 rows and 0.46 ns with 16, but not when its word lines rise: 0.2 ns is assumed
    known, found = {4: 1.1e-9, 16: 0.46e-9}, {rows: flip_time(rows, VDD) or np.inf for rows in (4, 16)}
    assert found[4] - found[16] == pytest.approx(known[4] - known[16], abs=0.05e-9)  # whatever the clock's start
    for rows, time in known.items():
        assert found[rows] + 0.2e-9 == pytest.approx(time, abs=0.05e-9)


def test_a_row_more_is_a_different_time_and_half_the_word_line_spares_the_cell() -> None:
    four, five = flip_time(4, VDD), flip_time(5, VDD)
    assert four is not None
    assert five is not None
    assert four - five > 0.15e-9
    assert flip_time(4, VDD / 2) is None
    assert flip_time(16, VDD / 2) is None


def test_the_index_is_where_verdicts_turn() -> None:
    for at in (-3.1, 0.0, 7.3):
        asked = []

        def flips(scores: Any, at: float = at, asked: list[float] = asked) -> bool:
            asked.append(float(scores[0]))
            return bool(scores[0] > at)

        assert index(flips, np.array([1.0]), 2.0) == pytest.approx(at, abs=TOLERANCE)
        assert len(asked) < 20
    assert index(lambda _: False, np.array([1.0]), 0.0) == BETA[1]
    assert index(lambda _: True, np.array([1.0]), 0.0) == BETA[0]


def test_the_nearest_flip_is_found_from_a_direction_near_it() -> None:
    """A plane at 6 sigma that is 25 degrees off, slightly bent, in six shifts."""
    rng = np.random.default_rng(2)
    normal = rng.standard_normal(6)
    normal /= np.linalg.norm(normal)
    other = rng.standard_normal(6)
    other -= (other @ normal) * normal
    other /= np.linalg.norm(other)

    def flips(scores: Any) -> bool:
        return bool(scores @ normal - 0.02 * (scores @ other) ** 2 > 6.0)

    start = np.cos(0.44) * normal + np.sin(0.44) * other
    along = index(flips, start, 6.0)
    found = nearest(flips, start)
    assert along > 6.5
    assert index(flips, found, 6.0) == pytest.approx(6.0, abs=2 * TOLERANCE)
    assert found @ normal > 0.995
    assert np.linalg.norm(found) == pytest.approx(1.0)
    never = nearest(lambda _: False, start)
    assert np.array_equal(never, start)


def test_a_probability_agrees_with_an_independent_sampling() -> None:
    """Of a cell in an emptied column of 16 at 0.9 V, by transients drawn about the turned point and weighted."""
    bench = DisturbBench(CimSetting(design=CimDesign(cells=16, cell="6t")))
    static = bench.direction(0.9)
    flips = bench.verdict(0.9, 4, 4e-9)
    direction = nearest(flips, static)
    beta = index(flips, direction, 8.0)
    ratio, error = importance(flips, direction, beta, np.random.default_rng(11), 60)
    assert ratio == pytest.approx(1.0, abs=3 * error * ratio + beta * TOLERANCE / 2)
    along = index(flips, static, beta)
    assert np.exp((along**2 - beta**2) / 2) > 1 + 3 * error  # without turning it would be found too safe


def test_importance_sampling_gives_what_first_order_leaves_out() -> None:
    direction = np.array([0.6, 0.8])
    plane, error = importance(lambda z: bool(z @ direction > 5), direction, 5.0, np.random.default_rng(0), 4000)
    assert plane == pytest.approx(1.0, abs=4 * error)
    assert error < 0.1
    # a wedge of two planes at right angles holds twice as much, less what both do
    across = np.array([0.8, -0.6])
    half = np.sqrt(0.5)
    wedge, error = importance(
        lambda z: bool(max(z @ (direction + across), z @ (direction - across)) * half > 5),
        half * (direction + across),
        5.0,
        np.random.default_rng(0),
        4000,
    )
    assert 0.9 < wedge < 2 + 4 * error


def test_shifts_along_the_direction_flip_what_nominal_cells_survive() -> None:
    bench = DisturbBench(CimSetting(design=CimDesign(cells=64, cell="6t")))
    direction = bench.direction(0.9)
    assert np.argmax(np.abs(direction)) == [each.name for each in bench.varied].index("dvth_pass_gate_left")
    assert direction[0] < 0  # a stronger pass gate writes better
    flips = bench.verdict(0.9, 63, 20e-9)
    found = index(flips, direction, 4.0)
    # where the bit line is empty for long the transient agrees with the static trip voltage: 0 V is where it flips
    assert bench.trip(0.9, found * direction) == pytest.approx(0.0, abs=0.02)
    assert not flips(np.zeros(len(direction)))
    # a pulse that ends before the bit line has fallen spares it
    assert index(bench.verdict(0.9, 63, 0.3e-9), direction, 4.0) > found + 2


@pytest.mark.parametrize("name", ["6t_16", "6t_16_full"])
def test_the_table_bounds_what_it_has_not_seen(name: str) -> None:
    model = ModelFile.load(_FOLDER / f"{name}.json")["cim.disturb"]
    setting = CimSetting(design=CimDesign(cells=16, cell="6t"), variation="full" if "full" in name else "vth")
    bench = DisturbBench(setting)
    line, direction = 1.08, bench.direction(1.08)
    for on, width in ((7, 1.1e-9), (10, 4e-9)):
        wave = bench.discharge_with_victim(line, on, width)
        depth = float(np.interp(START + width, wave["time"], wave["bl"]))
        found = index(bench.verdict(line, on, width), direction, 1.0)
        assert float(model(line, on, depth)) <= found + 3 * TOLERANCE


def test_more_word_line_a_deeper_bit_line_and_more_variation_are_worse() -> None:
    vth, full = (ModelFile.load(_FOLDER / f"{name}.json")["cim.disturb"] for name in ("6t_16", "6t_16_full"))
    values = np.asarray(vth.parameters["values"])
    assert np.all(np.diff(values, axis=0) <= 3 * TOLERANCE)
    assert np.all(np.diff(values, axis=2) >= -3 * TOLERANCE)
    own = vth.parameters["knots"][0].index(0.8)
    assert np.asarray(full.parameters["values"])[own, -1, 0] < values[own, -1, 0] - 0.5


@pytest.mark.parametrize("more", [{"cell": "8t"}, {"cells": 4}])
def test_a_column_without_such_cells_is_refused(more: dict[str, Any]) -> None:
    design = CimDesign(**{"cell": "6t", "cells": 16, **more})
    with pytest.raises(ConfigError, match="cim column"):
        victim(*CimSetting().at, design, 8, 1e-9, 2e-9)
