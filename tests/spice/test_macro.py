"""The macro's critical path against the whole macro, at a size that takes a second."""

from dataclasses import replace

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from circuits import decoder
from circuits.macro import COMPONENTS, MacroAccess, MacroDesign, macro
from circuits.technology import load_technology
from spice.batch import run_batch
from spice.characterise import Conditions, part
from spice.engine import engine
from spice.macro import UNITS, MacroMonteCarlo, MacroNominal, figures, netlists
from spice.macro_cycles import MacroSetting, nominal_cycles, simulate
from spice.waves import crossing, energy

SMALL = MacroSetting(design=MacroDesign(address_bits=3, word_bits=2, replica_cells=3))


@pytest.fixture(scope="module")
def typical():
    task = MacroNominal(SMALL)
    return task.run(task.prepare(), 0)


def test_groups_cover_every_address_once():
    assert decoder.groups(7) == (3, 2, 2)
    assert decoder.groups(3) == (2, 1)
    assert len({decoder.values(address, 7) for address in range(128)}) == 128
    with pytest.raises(ConfigError, match="address bits"):
        decoder.groups(12)


@pytest.fixture(scope="module")
def whole():
    """A read of 1 by the whole small macro, every word line shown."""
    unit, _ = nominal_cycles(SMALL)
    netlist = SMALL.netlist(SMALL.cycle("read", 1, unit), full=True)
    shown = " ".join(f"v(wl{row}_2)" for row in range(7))
    return simulate(replace(netlist, text=netlist.text.replace(".save ", f".save {shown} ")))


def test_the_critical_path_is_the_whole_macro(whole):
    path = nominal_cycles(SMALL)[1]["read_1"]
    for node in ("wl_far", "wl_en_far", "xrow_open.row", "dout1"):
        at = [crossing(found["time"], found[node], 0.9, rising=True) for found in (path, whole)]
        assert at[0] == pytest.approx(at[1], abs=2e-12), node
    for name in COMPONENTS:
        spent = [energy(found["time"], found[f"v{name}#branch"], 1.8) for found in (path, whole)]
        assert spent[0] == pytest.approx(spent[1], rel=0.02, abs=0.5e-15), name


def test_only_the_addressed_row_opens(whole):
    assert whole["wl_far"].max() > 1.75
    for row in range(7):
        assert whole[f"wl{row}_2"].max() < 0.2, row


def test_times_follow_each_other(typical):
    assert 0 < typical["word_line_time"] < typical["word_line_time"] + typical["sensing_time"] < typical["access_time"]
    assert typical["cycle_time"] > typical["access_time"] + typical["precharge_time"] - 1e-15
    assert typical["swing"] > 0.1
    assert set(typical) <= set(UNITS)


def test_energy_and_leakage_add_up(typical):
    for total in ("read_energy", "write_energy", "leakage"):
        parts = [typical[f"{total}_{name}"] for name in COMPONENTS]
        assert sum(parts) == pytest.approx(typical[total])
    assert typical["write_energy_bit_line"] > typical["read_energy_bit_line"]
    assert typical["write_energy_write"] > 10 * abs(typical["read_energy_write"])
    cells = typical["leakage_cells"] + typical["leakage_bit_line"]
    assert cells == pytest.approx(16 * 1.2e-12, rel=0.3)  # a cell leaks 1.2 pA, at the pass gate above all


def test_a_longer_bit_line_is_slower_and_more_replica_cells_are_quicker(typical):
    unit, _ = nominal_cycles(SMALL)
    times = []
    for bits, replica in ((3, 6), (5, 3)):
        other = MacroSetting(design=MacroDesign(address_bits=bits, word_bits=2, replica_cells=replica))
        found = simulate(other.netlist(other.cycle("read", 1, unit)))
        clock, output = (crossing(found["time"], found[node], 0.9, rising=True) for node in ("clk", "dout1"))
        times.append(output - clock)
    assert times[0] < typical["access_time"] < times[1]


def test_a_sample_replays_alone(typical):
    task = MacroMonteCarlo(SMALL)
    context = task.prepare()
    first = task.run(context, 2)
    assert first["access_time"] == task.run(context, 2)["access_time"] != typical["access_time"]


def test_the_exported_netlist_gives_the_same_in_plain_ngspice(typical):
    found = run_batch(netlists(SMALL)["read-1"])
    clock, output = (crossing(found["time"], found[node], 0.9, rising=True) for node in ("clk", "dout1"))
    assert output - clock == pytest.approx(typical["access_time"], rel=1e-3)


def test_the_2_kb_macro_is_written_whole_and_ngspice_reads_it():
    design = MacroDesign()
    access = MacroAccess([0, 1] * 8, None, 1e-10, 2e-10, 3e-10, 4e-10)
    whole = macro(load_technology(), "tt", 1.8, 27.0, design, access, full=True)
    lines = whole.text.splitlines()
    assert sum(line.startswith("xrow") and " row mult=" in line for line in lines) == 128
    assert sum(line.startswith("xcolumn") for line in lines) == 16
    assert lines[next(i for i, line in enumerate(lines) if line.startswith(".subckt column")) :].index(".ends") > 128
    running = engine()
    running.load(whole)
    assert running.netlist is whole
    running.load(macro(load_technology(), "tt", 1.8, 27.0, design, access))  # do not leave the big one loaded


def test_bad_designs_are_named():
    with pytest.raises(ConfigError, match="replica_cells = 8"):
        MacroDesign(address_bits=3, replica_cells=8)
    with pytest.raises(ConfigError, match="16 bits"):
        macro(load_technology(), "tt", 1.8, 27.0, MacroDesign(), MacroAccess([1], None, 1e-9, 2e-9, 3e-9, 4e-9))


def test_the_part_is_found_by_name(typical):
    made = part("sram-macro", {"address_bits": 3.0, "word_bits": 2.0, "replica_cells": 3.0})
    assert set(made.netlists(Conditions())) == {"read-0", "read-1", "write-0", "write-1", "whole"}
    assert np.isfinite([figure.value for figure in figures(typical).values()]).all()
