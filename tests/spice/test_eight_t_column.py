"""The read bit line of an 8T column: conservation, scaling, data-dependent leakage, and rows opened together."""

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from bitline.core.executor import Failure
from bitline.core.executors import executor
from circuits.eight_t_column import Open, PortColumn
from spice.characterise import Conditions, part
from spice.eight_t_column import FIGURES, UNITS, EightTColumnMonteCarlo, EightTColumnNominal, figures


def nominal(**changes):
    task = EightTColumnNominal(**changes)
    return task.run(task.prepare(), 0)


@pytest.fixture(scope="module")
def column():
    return nominal(design=PortColumn(cells=64))


def test_a_record_has_a_unit_for_every_field(column):
    assert set(column) | {"dvth_read_gate", "dvth_read_driver"} == set(UNITS)
    assert all(column[name] > 0 for name in FIGURES)


@pytest.fixture(scope="module")
def half():
    return nominal(design=PortColumn(cells=32))


def test_half_the_cells_have_half_the_capacitance_and_leakage(column, half):
    for name in ("bit_line_capacitance", "bit_line_leakage_0", "bit_line_leakage_1"):
        assert column[name] == pytest.approx(2 * half[name], rel=0.01), name


def test_a_conducting_driver_leaves_the_gate_alone_to_hold_the_bit_line(column):
    """Two transistors in series that are off leak far less than one: the pattern of the data matters."""
    assert column["bit_line_leakage_0"] > 3 * column["bit_line_leakage_1"]


def test_the_bit_line_falls_as_fast_as_the_ports_current_takes_its_charge(column, half):
    """The port's own current, of the cell's characterisation; the word line's edge costs every column the same."""
    port = part("eight_t", {}).nominal(Conditions())
    current = port.run(port.prepare(), 0)["read_current"]
    more = 0.2 * (column["bit_line_capacitance"] - half["bit_line_capacitance"]) / current
    assert column["read_time"] - half["read_time"] == pytest.approx(more, rel=0.2)
    assert column["read_time"] > 0.2 * column["bit_line_capacitance"] / current
    assert column["droop_time"] > 1e3 * column["read_time"]


def test_leakage_of_the_others_helps_to_read_a_0():
    hot = nominal(conditions=Conditions(temperature=125.0, corner="ff"), design=PortColumn(cells=64))
    assert hot["read_time_leaky"] < hot["read_time"]


def test_hot_leakage_shortens_how_long_a_one_stays():
    hot, cold = (nominal(conditions=Conditions(temperature=t), design=PortColumn(cells=64)) for t in (125.0, 27.0))
    assert hot["droop_time"] < cold["droop_time"] / 10
    assert hot["read_time"] > cold["read_time"]


def test_a_read_of_0_costs_the_swings_charge_from_the_supply_and_a_1_hardly_any(column):
    swing = 1.8 * 0.2 * column["bit_line_capacitance"]
    assert column["read_energy_0"] - column["read_energy_1"] == pytest.approx(swing, rel=0.3)
    assert column["read_energy_1"] < 0.2 * column["read_energy_0"]
    assert column["read_rbl_0"][-1] == pytest.approx(1.8, abs=0.01)  # precharged again
    assert column["read_rbl_0"].min() == pytest.approx(1.8 - 0.2, abs=0.03)
    assert column["read_rbl_1"].min() > 1.75


def test_rows_that_are_opened_together_add_up_and_saturate(column):
    drop = column["drop"]
    assert drop[1] == pytest.approx(0.2, abs=0.02)  # as read alone, but for the rows that store 1
    assert -0.06 < drop[0] < 0  # the word lines' edges couple upwards
    assert (np.diff(drop) > 0).all()
    assert drop[2] - drop[0] == pytest.approx(2 * (drop[1] - drop[0]), rel=0.15)
    assert drop[-1] - drop[-2] < drop[1] - drop[0]
    assert drop[-1] < 1.8


def test_a_slow_port_reads_slowly_and_a_sample_is_the_same_alone():
    task = EightTColumnMonteCarlo(design=PortColumn(cells=64))
    context = task.prepare()
    usual = context.fall_time(Open(1, 0), 1)
    assert context.fall_time(Open(1, 0), 1, {"read_gate": 0.1, "read_driver": 0.0}) > 1.02 * usual
    together = dict(executor(1).map(task, range(3)))
    ((_, alone),) = executor(1).map(task, [2])
    assert alone.record == together[2].record
    assert len({outcome.record["read_time"] for outcome in together.values()}) == 3


def test_figures_are_those_of_the_record(column):
    assert list(figures(column)) == list(FIGURES)


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"cells": 0}, "cells"), ({"cells": 2.5}, "cells"), ({"swing": 2.0}, "swing"), ({"rows": 200}, "rows")],
    ids=str,
)
def test_what_no_column_has_is_named(settings, named):
    with pytest.raises(ConfigError, match=named):
        list(executor(1).map(part("eight_t_column", settings).nominal(Conditions()), [0]))


def test_a_swing_that_no_leakage_takes_is_a_failure_with_its_reason(monkeypatch):
    monkeypatch.setattr("spice.eight_t_column._LONGEST", 1e-12)
    ((_, outcome),) = executor(1).map(EightTColumnMonteCarlo(design=PortColumn(cells=8)), [0])
    assert isinstance(outcome, Failure)
    assert "does not fall by 0.2 V" in outcome.reason


def test_what_a_formula_gives_is_modelled(column):
    found = figures(column)
    assert {name for name, figure in found.items() if figure.kind == "modelled"} == {"droop_time", "read_window"}


def test_plain_ngspice_measures_the_same_figures(column, measured_alone):
    found = {}
    for netlist in part("eight_t_column", {"cells": 64.0}).netlists(Conditions()).values():
        found |= measured_alone(netlist) if netlist.measures else {}
    for name in ("read_time", "bit_line_leakage_0", "bit_line_leakage_1", "bit_line_capacitance", "read_energy_0"):
        assert found[name] == pytest.approx(column[name], rel=2e-3), name
    assert found["read_energy_1"] == pytest.approx(column["read_energy_1"], abs=0.01 * column["read_energy_0"])
