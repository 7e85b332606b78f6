"""The column against capacitance and current by hand, against itself cell by cell, and in plain ngspice."""

from dataclasses import replace

import numpy as np
import pytest

from bitline.core.errors import ConfigError, SimulationError
from circuits import cells
from circuits.column import ColumnDesign
from circuits.netlist import Netlist
from circuits.technology import load_technology
from spice.batch import run_batch
from spice.characterise import Conditions, part
from spice.column import UNITS, ColumnMonteCarlo, ColumnNominal, drawn, figures, netlists
from spice.column_cycles import Column, ColumnSetting, difference, energies, word_line_time
from spice.mismatch import thresholds
from spice.waves import crossing, energy, settling


@pytest.fixture(scope="module")
def column():
    return Column(ColumnSetting())


@pytest.fixture(scope="module")
def typical(column):
    return ColumnNominal().run(column, 0)


def test_crossings_and_energy_of_a_ramp():
    time = np.linspace(0, 1, 11)
    assert crossing(time, time, 0.55, rising=True) == pytest.approx(0.55)
    assert np.isnan(crossing(time, time, 0.55, rising=False))
    assert settling(time, 1 - time, 0.25, after=0.1) == pytest.approx(0.75)
    assert np.isnan(settling(time, time, 0.5, after=0.1))
    assert energy(time, -time, 2.0) == pytest.approx(1.0)


def test_the_bit_line_falls_as_current_and_capacitance_have_it(typical):
    """The cell's 47.7 uA discharges the bit line, the amplifier's inner node (5 fF and its gates) and two junctions."""
    alone = Column(ColumnSetting(design=ColumnDesign(ways=1)))
    time, apart = alone.develop(0, 3e-10)
    middle = (apart > 0.05) & (apart < 0.15)
    slope = np.polyfit(time[middle], apart[middle], 1)[0]
    assert 5e-15 < 47.7e-6 / slope - alone.bit_lines()[0] < 20e-15
    assert typical["bit_line_time_0"] > 0.1 / slope
    wire = 128 * 1.58e-6 * 1.72375e-10
    assert wire < typical["bit_line_capacitance"] < 1.6 * wire


def test_leakage_is_that_of_all_cells(typical):
    """A pass gate of 0.14 um leaks 1.1 pA; one cell of the 128 holds the other value."""
    assert typical["bit_line_leakage"] == pytest.approx(127 * 1.1e-12, rel=0.1)


def test_lumped_cells_stand_for_explicit_ones():
    design = ColumnDesign(cells=12, ways=2, sections=2)
    found = []
    for explicit in (False, True):
        made = Column(ColumnSetting(design=replace(design, explicit=explicit)))
        access = made.pace.cycle("read", 1)
        run = made.run(access)
        found.append((made.pace.sensing, *made.bit_lines(), sum(energies(run, made.vdd).values())))
    np.testing.assert_allclose(found[0], found[1], rtol=2e-3)


def test_more_swing_costs_time_and_a_smaller_one_misreads(typical):
    reads, times = typical["swept_reads_1"], typical["swept_access_time"]
    assert not reads[0]  # the amplifier leans to 0
    assert typical["swept_reads_0"].all()
    assert np.isnan(times[0])
    late = typical["swept_sensing_time"] > 0.5 * typical["sensing_time"]
    assert np.all(np.diff(times[late]) > 0)
    assert np.all(times[late] > typical["swept_sensing_time"][late])


def test_energy_is_that_of_the_charge_moved(typical):
    """A write swings one bit line over the whole supply, those of the other columns by what their cells draw."""
    assert typical["write_energy_bit_line"] > 1.8**2 * typical["bit_line_capacitance"]
    assert typical["read_energy_bit_line"] < typical["write_energy_bit_line"]
    for what in ("read", "write"):
        parts = [value for name, value in typical.items() if name.startswith(f"{what}_energy_")]
        assert sum(parts) == pytest.approx(typical[f"{what}_energy"])


def test_half_selected_columns_cost(typical):
    alone = Column(ColumnSetting(design=ColumnDesign(ways=1)))
    spent = energies(alone.run(alone.pace.cycle("read", 0)), 1.8)
    assert typical["read_energy_bit_line"] > 2 * spent["bit_line"]


def test_written_cells_turn_and_read_cells_keep(typical):
    for bit in (0, 1):
        assert (typical[f"write_{bit}_q"][0] > 0.9) != bool(bit)
        assert (typical[f"write_{bit}_q"][-1] > 0.9) == bool(bit)
        assert (typical[f"read_{bit}_q"][-1] > 0.9) == (typical[f"read_{bit}_q"][0] > 0.9) == bool(bit)
    assert set(typical) <= set(UNITS)


def test_weak_cells_are_slow_and_offsets_misread(column):
    zero = dict.fromkeys(column.variation.devices, 0.0)
    weak = drawn(column, thresholds(zero | {"m.xcolumn.xcell.mpass_gate_left": 0.1}))
    plain = drawn(column, thresholds(zero))
    assert weak["bit_line_time_0"] > 1.05 * plain["bit_line_time_0"]
    assert weak["bit_line_time_1"] == pytest.approx(plain["bit_line_time_1"], rel=0.01)
    tilt = {"m.xsensing.xsense.mn_int": -0.15, "m.xsensing.xsense.mn_bar": 0.15}
    skewed = drawn(column, thresholds(zero | tilt))
    assert (plain["reads_0"], plain["reads_1"]) == (1, 1)
    assert skewed["reads_1"] == 0
    assert np.isnan(skewed["access_time"])


def test_a_sample_replays_alone(column):
    task = ColumnMonteCarlo(ColumnSetting(Conditions(seed=5)))
    first, again = task.run(column, 3), task.run(column, 3)
    assert first["swing_0"] == again["swing_0"]
    assert task.run(column, 4)["swing_0"] != first["swing_0"]


def test_full_variation_keeps_the_thresholds_and_the_rest_counts(column):
    setting = ColumnSetting(Conditions(seed=5))
    plain, task = ColumnMonteCarlo(setting).run(column, 3), ColumnMonteCarlo(setting, "full")
    context = task.prepare()
    full = task.run(context, 3)
    np.testing.assert_array_equal(full["vth"], plain["vth"])
    assert full["toxe"].shape == (15,)
    assert full["bit_line_time_0"] != pytest.approx(plain["bit_line_time_0"], rel=1e-3, abs=0)
    alone = {name: {"vth": shift["vth"]} for name, shift in context.variation.at(np.zeros(39)).items()}
    assert drawn(context, alone)["swing_0"] == pytest.approx(drawn(column, {})["swing_0"], rel=1e-6)


def test_exported_netlists_give_the_same_in_plain_ngspice(typical):
    found = netlists(ColumnSetting())
    read = run_batch(found["read-1"])
    rises = crossing(read["time"], read["dout"], 0.9, rising=True) - word_line_time(read, 1.8)
    assert rises == pytest.approx(typical["access_time"], rel=1e-3)
    time, apart = read["time"] - word_line_time(read, 1.8), difference(read, 1)
    assert crossing(time, apart, 0.1, rising=True, after=0.0) == pytest.approx(typical["bit_line_time_1"], rel=2e-3)


def test_bad_designs_are_named():
    with pytest.raises(ConfigError, match="cells = 0"):
        ColumnDesign(cells=0)
    with pytest.raises(ConfigError, match="swing"):
        ColumnSetting(swing=2.0)
    with pytest.raises(SimulationError, match="lower the swing"):
        Column(ColumnSetting(Conditions(vdd=0.25), swing=0.2))


def test_the_part_is_found_by_name(typical):
    made = part("sram-column", {"cells": 64.0, "ways": 2.0})
    assert "cell" in made.netlists(Conditions())["read-0"].text
    assert figures(typical)["access_time"].value == typical["access_time"]


def test_a_cell_on_a_bit_line_of_100_ff_takes_as_long_as_the_reference():
    """220 ps from the word line to 100 mV, by an independent script on the PDK's own library."""
    sources = ("vbl", "vwl", ".nodeset")
    whole = cells.cell(load_technology(), "tt", 1.8, 27.0).text.splitlines()
    bench = ["cbl bl 0 100f", "cblb blb 0 100f", ".ic v(bl)=1.8 v(blb)=1.8 v(q)=0 v(qb)=1.8"]
    bench.append("vwl wl 0 pwl(0 0 50p 0 100p 1.8)")
    text = "\n".join([*(line for line in whole if not line.startswith(sources)), *bench])
    found = run_batch(Netlist("one cell", text, (".tran 1p 1n 0 1p",)))
    opened = crossing(found["time"], found["wl"], 0.9, rising=True)
    reached = crossing(found["time"], found["bl"], 1.7, rising=False) - opened
    assert reached == pytest.approx(220e-12, rel=0.05)
