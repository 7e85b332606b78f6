"""Benchmarks say what they promise, on tiny work; nothing here is about their times."""

import json

import pytest

from benchmarks import inference, measure, solver
from circuits.crossbar import Wires
from crossbar.nodal import node_voltages

ALWAYS = {"work", "settings", "ours_s", "peer", "peer_s", "ratio", "error"}


def nodal(g, v, r_wire):
    return node_voltages(g, v, Wires(r_wire, r_wire)).i_bl_last


def check(rows):
    for row in rows:
        assert set(row) >= ALWAYS
        assert row["ours_s"] > 0
        if row["peer_s"] is None:
            assert row["ratio"] is None
            assert row["reason"]
        else:
            assert row["ratio"] == pytest.approx(row["peer_s"] / row["ours_s"])


def test_solver_rows_have_ratios_and_errors():
    rows = [
        *solver.against_badcrossbar(12, nodal, many=70, runs=1),
        *solver.growth(8, nodal),
        solver.hard_wires(12, 1000, 1.0, runs=1),
        solver.nonlinear(6, 200, "none", runs=1),
        solver.against_ngspice(4),
    ]
    check(rows)
    assert all(row["ratio"] is not None for row in rows)
    assert all(row["error"] < 1e-6 for row in rows if row["error"] is not None)
    alone, many = rows[0], rows[3]
    assert many["work"] == "70 vectors"
    assert many["peer_s"] == pytest.approx(70 * alone["peer_s"])


def test_a_wrong_peer_shows_as_an_error():
    (row, *_) = solver.growth(8, lambda g, v, r_wire: 1.1 * nodal(g, v, r_wire))
    assert row["error"] == pytest.approx(0.1 / 1.1, rel=1e-6)


def noted(monkeypatch, name, calls):
    """Note in `calls` what `solver` calls by this name, and with which further arguments."""
    does = getattr(solver, name)

    def note(g, v, wires, *more):
        calls.append((name, *more))
        return does(g, v, wires, *more)

    monkeypatch.setattr(solver, name, note)


def test_hard_wires_are_timed_in_turns(monkeypatch):
    monkeypatch.setattr(measure, "TURN", 0.0)
    calls = []
    for name in ("solution", "node_voltages"):
        noted(monkeypatch, name, calls)
    solver.hard_wires(8, 200, 1.0, runs=3)
    assert calls == [("solution", 1e-6), ("node_voltages",)] * 5  # one not timed, three timed, one for the error


def test_nonlinear_cells_are_timed_to_one_tolerance_and_judged_by_a_tighter_one(monkeypatch):
    monkeypatch.setattr(measure, "TURN", 0.0)
    calls = []
    for name in ("solve_cells", "solve_by_chords"):
        noted(monkeypatch, name, calls)
    row = solver.nonlinear(6, 200, "none", runs=2)
    assert calls == [("solve_cells", 1e-6), ("solve_by_chords", 1e-6)] * 3 + [
        ("solve_cells", 1e-6),
        ("solve_by_chords", 1e-9),
    ]
    assert row["peer"].startswith("the slow twin, damped")


def test_an_absent_peer_is_null_with_its_reason(capsys):
    rows = [*solver.against_badcrossbar(6, None, many=64, runs=1), *solver.growth(6, None), solver.large(16)]
    check(rows)
    assert all(row["peer_s"] is None for row in rows)
    assert "bench-setup" in rows[0]["reason"]
    assert rows[-1]["peak_MiB"] > 0
    measure.show(rows, as_json=True)
    assert json.loads(capsys.readouterr().out) == rows
    measure.show(rows, as_json=False)
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(rows)


def test_inference_rows_have_rates_set_up_and_errors():
    rows = inference.measure((40, 16, 10), batch=30, runs=1)
    check(rows)
    tiles = {row["settings"]: row for row in rows if row["peer"] == "dense torch"}
    assert set(tiles) == {f"{name}{threads}" for name in inference.TILES for threads in ("", ", 2 threads")}
    assert all(tiles[f"{name}, 2 threads"]["error"] == tiles[name]["error"] for name in inference.TILES)
    for row in tiles.values():
        assert row["images_per_s"] == pytest.approx(30 / row["ours_s"])
        assert row["setup_s"] > 0
    assert 0 < tiles["8-bit DAC and ADC, no wires"]["error"] < 0.2


def test_the_least_time_and_the_median_are_what_they_say():
    told = iter([3.0, 1.0, 2.0])
    assert measure.medians({"work": lambda: next(told)}, 3) == {"work": 2.0}
    calls = []
    least, result = measure.least(lambda: calls.append(1) or len(calls), 4)
    assert (result, len(calls)) == (1, 5)
    assert least >= 0
