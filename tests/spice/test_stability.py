"""N-curve, retention and write time of the 6T cell against the closed cell in ngspice and against their definitions."""

import numpy as np
import pytest

from bitline.core.errors import SimulationError
from bitline.core.executors import executor
from circuits import cells
from circuits.stability import SUPPLIES
from circuits.technology import load_technology
from spice.batch import run_batch
from spice.characterise import Conditions, part
from spice.drv import holds, retention_voltage
from spice.engine import engine
from spice.mismatch import apply_vth
from spice.n_curve import margins
from spice.stability import UNITS, Benches, StabilityMonteCarlo, StabilityNominal, figures


def nominal(**conditions):
    task = StabilityNominal(Conditions(**conditions))
    return task.run(task.prepare(), 0)


@pytest.fixture(scope="module")
def typical():
    return nominal()


def test_margins_of_a_cubic_are_its_own():
    v = np.linspace(0, 1, 401)
    found = margins(v, (v - 0.1) * (v - 0.4) * (v - 0.9))
    assert found.svnm == pytest.approx(0.3, abs=1e-6)
    assert found.wtv == pytest.approx(0.5, abs=1e-6)
    inside = np.linspace(0.1, 0.9, 80001)
    cubic = (inside - 0.1) * (inside - 0.4) * (inside - 0.9)
    assert found.sinm == pytest.approx(cubic.max(), rel=1e-3)
    assert found.wti == pytest.approx(-cubic.min(), rel=1e-3)


def test_a_curve_of_one_state_has_no_margins():
    v = np.linspace(0, 1, 101)
    with pytest.raises(SimulationError, match="one state"):
        margins(v, v - 0.9)


def test_the_n_curve_ends_where_the_closed_cell_rests_and_pushing_past_its_peak_flips_it(typical):
    running = engine()
    running.load(cells.cell(load_technology(), "tt", 1.8, 27.0, stored=0))
    rest = running.run("op")["q"][0]
    curve = dict(zip(typical["n_curve_v"], typical["n_curve_i"], strict=True))
    first = min(curve, key=lambda v: abs(v - rest))
    assert abs(curve[first]) < 1e-6
    for share, flips in ((0.98, False), (1.02, True)):
        pushed = running.netlist.text + f"\nipush 0 q dc {share * typical['sinm']!r}"
        running.load(type(running.netlist)("pushed cell", pushed, (".op",)))
        assert (running.run("op")["q"][0] > 0.9) == flips
        running.load(cells.cell(load_technology(), "tt", 1.8, 27.0, stored=0))


def test_a_lower_supply_leaves_less(typical):
    low = nominal(vdd=1.0)
    for name in ("svnm", "sinm", "wtv", "wti"):
        assert low[name] < typical[name]
    assert low["write_time"] > typical["write_time"]
    assert low["drv"] == pytest.approx(typical["drv"], abs=2e-3)  # at which supply the search starts is no matter


def test_leaky_corners_retain_worse(typical):
    hot = nominal(corner="sf", temperature=125.0)
    assert hot["drv"] > typical["drv"] + 0.1
    assert hot["write_time"] < typical["write_time"]  # strong pass gates, weak pull-ups


def test_a_cell_holds_above_its_retention_voltage_and_not_below():
    benches = Benches(Conditions())
    shifts = dict.fromkeys(cells.DEVICES, 0.0) | {"pull_down_left": -0.1, "pull_up_right": 0.05}
    running = engine()
    running.load(benches.netlists()["retention"])
    apply_vth(running, shifts)
    drv, _ = retention_voltage(running, 1.8)
    assert holds(running, drv + 1e-3)
    assert not holds(running, drv - 1e-3)
    for supply in (drv - 0.02, drv + 0.02):  # the closed cell, started from either value
        base = benches.netlists()["retention"].text
        ends = []
        for q in (0.0, supply):
            halves = {"_left": " qb ", "_right": " q "}
            lines = [line for line in base.splitlines() if not line.startswith("vin")]
            for side, other in halves.items():
                lines = [line.replace(" in ", other) if side in line else line for line in lines]
            lines += [f".ic v(q)={q!r} v(qb)={supply - q!r}", "cq q 0 1f", "cqb qb 0 1f"]
            running.load(type(benches.netlists()["retention"])("closed", "\n".join(lines), (".op",)))
            apply_vth(running, shifts)
            for source in SUPPLIES:
                running.alter(source, "dc", supply)
            found = running.run("tran 1u 20m 0 200u")
            ends.append(found["q"][-1] - found["qb"][-1])
        assert (abs(ends[0] - ends[1]) > 0.02) == (supply > drv), supply


@pytest.mark.parametrize(("tilt", "lost", "expected"), [(0.0, 1, 0.289), (0.25, 0, 0.190)])
def test_a_value_that_is_lost_does_not_come_back_with_the_supply(tilt, lost, expected):
    conditions = Conditions(temperature=78.8)
    benches = Benches(conditions)
    sigma = np.array([one.sigma for one in benches.variation.variables])
    # between these cells the value that goes changes, and the first has two states again below where its 1 went
    scores = np.array([-1.346 + tilt, -1.724, -1.854, 2.182 - tilt, 3.544, 0.725])
    shifts = dict(zip(cells.DEVICES, scores * sigma, strict=True))
    running = engine()
    running.load(benches.netlists()["retention"])
    apply_vth(running, shifts)
    for start in (1.8, 1.31, 1.26):  # at which supply the search starts is no matter
        drv, value = retention_voltage(running, start)
        assert drv == pytest.approx(expected, abs=3e-3)
        assert value == lost
    if tilt == 0:
        assert [holds(running, supply) for supply in (0.3, 0.26, 0.22)] == [True, False, True]
    for rest in (drv - 0.01, drv + 0.01):  # the closed cell, its supply lowered and raised again
        for held in (0, 1):
            closed = _closed(benches.netlists()["retention"], held, rest)
            running.load(closed)
            apply_vth(running, shifts)
            found = running.run(closed.analyses[0].removeprefix("."))
            keeps = rest > drv or held != lost
            assert (found["q"][-1] > found["qb"][-1]) == (held == 1 if keeps else held == 0), (rest, held)


def _closed(opened, held, rest):
    """The cell of the open bench closed, holding a value while all of its supplies go from 0.6 V to `rest` and back."""
    lines = []
    for line in opened.text.splitlines():
        if line.startswith("vin"):
            continue
        if line.startswith(SUPPLIES):
            source, node, ground, *_ = line.split()
            line = f"{source} {node} {ground} dc 0.6 pwl(0 0.6 1m 0.6 50m {rest} 150m {rest} 200m 0.6)"  # noqa: PLW2901
        for side, other in {"_left": " qb ", "_right": " q "}.items():
            if side in line and line.startswith("m"):
                line = line.replace(" in ", other)  # noqa: PLW2901
        lines.append(line)
    lines += [f".ic v(q)={0.6 * held!r} v(qb)={0.6 - 0.6 * held!r}", "cq q 0 1f", "cqb qb 0 1f"]
    return type(opened)("closed", "\n".join(lines), (".tran 20u 200m 0 200u uic",))


def test_mismatch_spreads_and_mostly_worsens(typical):
    task = StabilityMonteCarlo(Conditions(seed=3))
    found = dict(executor(1).map(task, range(10)))
    records = [found[index].record for index in range(10)]
    assert set(records[0]) | set(typical) <= set(UNITS)
    drv = np.array([record["drv"] for record in records])
    assert np.mean(drv) > typical["drv"]  # of two values the weaker one is lost
    assert np.mean([record["svnm"] for record in records]) < typical["svnm"]
    assert np.std([record["write_time"] for record in records]) > 0
    again = dict(executor(1).map(task, [7]))[7].record
    assert again["drv"] == records[7]["drv"]
    assert again["write_time_1"] == records[7]["write_time_1"]


def test_exported_netlists_give_the_same_in_plain_ngspice(typical):
    found = part("sram_stability").netlists(Conditions())
    curve = run_batch(found["n-curve"])
    assert margins(curve["q"], -curve["vin#branch"]).svnm == pytest.approx(typical["svnm"], rel=1e-6)
    written = run_batch(found["write-1"])
    word_line = np.interp(0.9, written["wl"], written["time"])
    crossed = written["time"][np.argmax(written["xcell.q"] > written["xcell.qb"])]
    assert crossed - word_line == pytest.approx(typical["write_time_1"], abs=2e-12)


def test_figures_are_the_record(typical):
    assert figures(typical)["drv"].value == typical["drv"]


def test_full_variation_keeps_the_thresholds_and_the_rest_counts():
    found = []
    for variation in ("vth", "full"):
        task = StabilityMonteCarlo(Conditions(seed=3), variation)
        found.append(task.run(task.prepare(), 1))
    plain, full = found
    assert all(full[name] == value for name, value in plain.items() if name.startswith("dvth"))
    assert set(full) > set(plain)
    for name in ("svnm", "drv", "write_time"):
        assert full[name] != pytest.approx(plain[name], rel=1e-4, abs=0), name
