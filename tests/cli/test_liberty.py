import re

import numpy as np
import pytest
from liberty.parser import parse_liberty
from scipy.interpolate import RegularGridInterpolator

from bitline.cli import liberty as cli_liberty
from bitline.cli.characterise import Work, nominal_figures
from bitline.cli.liberty import macro_library
from bitline.core.errors import SimulationError
from bitline.core.figures import Figure
from bitline.core.samples import Samples
from circuits.macro import MacroDesign
from spice import macro_constraints
from spice.characterise import Conditions
from spice.macro_constraints import CONSTRAINTS, MacroConstraints
from spice.macro_cycles import MacroSetting, nominal_cycles, simulate
from spice.macro_edges import POINTS, MacroEdges
from spice.macro_pins import LOWER, UPPER

SETTINGS = {"address_bits": 3.0, "word_bits": 2.0, "replica_cells": 2.0}
SMALL = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
OXIDE = 3.9 * 8.854e-12 / 4.15e-9  # F/m2: SKY130's thin oxide
NAMES = [constraint.name for constraint in CONSTRAINTS]
FOUND = (NAMES.index("address_setup_rise"), NAMES.index("data_hold_rise"))
INVERTER = (0.65 + 1.26) * 0.15 * 1e-12  # m2 of gate, strength 1


def table(group, name):
    ((value,),) = group.get_group(name).get_array("values")
    return value


def timing(group, kind):
    (found,) = (arc for arc in group.get_groups("timing") if arc["timing_type"] == kind)
    assert str(found["related_pin"]).strip('"') == "clk"
    return found


@pytest.fixture(scope="module")
def text():
    """The library of a small macro, with two of its constraints, to 20 ps: to find all takes a minute."""

    def two(setting, _workers):
        task = MacroConstraints(setting)
        context = task.prepare()
        found = {CONSTRAINTS[number].name: task.run(context, number)["time"] for number in FOUND}
        return {name: Figure(found.get(name, 0.0), "s") for name in NAMES}

    with pytest.MonkeyPatch.context() as less:
        less.setattr(macro_constraints, "RESOLUTION", 20e-12)
        less.setattr(cli_liberty, "_constraints", two)
        return macro_library(Conditions(), SETTINGS)


@pytest.fixture(scope="module")
def simulated():
    """The macro's figures by name."""
    return {name: figure.value for name, figure in nominal_figures(Work("sram_macro", settings=SETTINGS)).items()}


def grid(group, name):
    return group.get_group(name).get_array("values")


def test_a_parser_reads_the_simulated_figures(text, simulated):
    library = parse_liberty(text)
    cell = library.get_group("cell")
    assert cell.args == ["sram_8x2"]
    assert str(parse_liberty(str(library))) == str(library)
    clock = cell.get_group("pin", "clk")
    read, write = clock.get_groups("internal_power")
    rising = timing(cell.get_group("bus", "dout"), "rising_edge")
    ns_pj_nw = {
        "access_time": (grid(rising, "cell_rise")[0, 0], 1e-9),
        "cycle_time": (clock["min_period"], 1e-9),
        "precharge_time": (clock["min_pulse_width_low"], 1e-9),
        "read_energy": (table(read, "rise_power"), 1e-12),
        "write_energy": (table(write, "rise_power"), 1e-12),
        "leakage": (cell["cell_leakage_power"] / 1.8, 1e-9),
    }
    for name, (value, unit) in ns_pj_nw.items():
        assert value * unit == pytest.approx(simulated[name], rel=1e-5), name
    assert clock["min_period"] == pytest.approx(clock["min_pulse_width_high"] + clock["min_pulse_width_low"], rel=1e-5)
    memory = cell.get_group("memory")
    assert (memory["address_width"], memory["word_width"]) == (3, 2)
    widths = {found.args[0]: found["bit_width"] for found in library.get_groups("type")}
    assert widths == {"address": 3, "word": 2}


def test_every_pin_has_its_supply(text):
    library = parse_liberty(text)
    cell = library.get_group("cell")
    assert [found["voltage_name"] for found in cell.get_groups("pg_pin")] == ["VDD", "GND"]
    assert {str(name): value for name, value in library.get_attributes("voltage_map")} == {"VDD": 1.8, "GND": 0.0}
    for kind in ("pin", "bus"):
        for found in cell.get_groups(kind):
            assert (found["related_power_pin"], found["related_ground_pin"]) == ("vdd", "gnd")


def test_tables_hold_between_their_points(text):
    library = parse_liberty(text)
    template = library.get_group("lu_table_template")
    index = [np.ravel(template.get_array(f"index_{i}")) for i in (1, 2)]
    cell = library.get_group("cell")
    edge, load = 3.1e-10, 2.3e-14  # a point that no table has
    setting = MacroSetting(design=MacroDesign(3, 2, 2))
    task = MacroEdges(setting, ((edge, load),))
    found = task.run(task.prepare(), 0)
    for kind, names in {
        "rising_edge": {"cell_rise": "access_time", "rise_transition": "output_rise"},
        "falling_edge": {"cell_fall": "output_fall_delay", "fall_transition": "output_fall"},
    }.items():
        for name, field in names.items():
            values = grid(timing(cell.get_group("bus", "dout"), kind), name)
            assert values.shape == (3, 3)
            assert np.all(np.diff(values, axis=1) > 0)  # a larger load is slower
            read = RegularGridInterpolator(index, values)(((UPPER - LOWER) * edge * 1e9, load * 1e12))
            assert read.item() * 1e-9 == pytest.approx(found[field], rel=0.04), name


def constraints(text):
    """Setup and hold, ns, by pin, kind and edge."""
    cell = parse_liberty(text).get_group("cell")
    pins = {"we": cell.get_group("pin", "we"), **{name: cell.get_group("bus", name) for name in ("addr", "din")}}
    return {
        (pin, kind, edge): table(timing(group, timing_type), f"{edge}_constraint")
        for pin, group in pins.items()
        for kind, timing_type in (("setup", "setup_rising"), ("hold", "hold_falling"))
        for edge in ("rise", "fall")
    }


def test_setup_and_hold_are_sound(text, simulated):
    found = constraints(text)
    setup = found["addr", "setup", "rise"] * 1e-9  # the row is needed when the word line is enabled
    assert simulated["address_setup"] - 0.1e-9 < setup < simulated["address_setup"] + 0.05e-9
    assert found["din", "hold", "rise"] > 0  # the word line closes after the clock


@pytest.mark.parametrize("number", [*range(len(CONSTRAINTS))])
def test_an_input_that_comes_or_goes_in_the_middle_is_seen(number):
    """Every constraint is one: a cycle whose input changes 0.5 ns after the clock's rise goes wrong, or is in time."""
    constraint = CONSTRAINTS[number]
    setting = MacroSetting(design=MacroDesign(3, 2, 2))
    unit, cycles = nominal_cycles(setting)
    cycle = setting.cycle(constraint.what, constraint.bit, unit)
    usual = cycles[f"{constraint.what}_{constraint.bit}"]
    time = -0.5e-9 if constraint.kind == "setup" else cycle.clock_rise + 0.1e-9 - cycle.clock_fall
    found = simulate(setting.netlist(constraint.access(cycle, time)))
    assert not macro_constraints.works(setting, found, usual, constraint)


@pytest.mark.parametrize("number", FOUND)
def test_a_cycle_fails_just_inside_its_constraint(text, number):
    """What the file says is simulated again, and 40 ps less: the constraint is neither missing nor idle."""
    constraint = CONSTRAINTS[number]
    pin = {"address": "addr", "data": "din", "write_enable": "we"}[constraint.pin]
    value = float(constraints(text)[pin, constraint.kind, constraint.edge]) * 1e-9
    setting = MacroSetting(design=MacroDesign(3, 2, 2))
    unit, cycles = nominal_cycles(setting)
    cycle = setting.cycle(constraint.what, constraint.bit, unit)
    usual = cycles[f"{constraint.what}_{constraint.bit}"]
    works = [
        macro_constraints.works(setting, simulate(setting.netlist(constraint.access(cycle, at))), usual, constraint)
        for at in (value, value - 40e-12)
    ]
    assert works == [True, False]


@pytest.mark.parametrize("edge", [-7.3e-10, -1e-11, 0.0, 3e-12, 2.2e-10])
def test_the_search_finds_the_edge(edge):
    asked = []

    def works(time):
        asked.append(time)
        return time >= edge

    found = macro_constraints.shortest(works, "it", 1e-9, 2e-9)
    assert 0 <= found - edge <= macro_constraints.RESOLUTION
    assert len(asked) < 14
    assert macro_constraints.shortest(works, "it", 1e-9, 0.0) == max(0.0, found)


def test_the_search_ends_where_nothing_works():
    with pytest.raises(SimulationError, match="it: the cycle does not work"):
        macro_constraints.shortest(lambda _: False, "it", 1e-9, 2e-9)
    assert macro_constraints.shortest(lambda _: True, "it", 1e-9, 2e-9) == -2e-9


def test_a_pin_weighs_as_much_as_the_gates_on_it(text):
    cell = parse_liberty(text).get_group("cell")
    loads = {
        found.args[0]: found["capacitance"]
        for kind in ("pin", "bus")
        for found in cell.get_groups(kind)[:3]
        if "dout" not in found.args
    }
    inverters = {"clk": 4, "addr": 4, "we": 3, "din": 2}  # strengths of inverters and NANDs on each
    assert loads.keys() == inverters.keys()
    for pin, strength in inverters.items():
        assert loads[pin] * 1e-12 == pytest.approx(strength * INVERTER * OXIDE, rel=0.3), pin


def test_every_number_says_where_it_is_from(text):
    before = ""
    computed = 0
    for line in text.splitlines():
        if re.search(r"^ +(capacitance|min_\w+|value|cell_leakage_power) :", line):
            assert before.endswith("simulated (ngspice) */"), line
            computed += 1
        if re.search(r"^ +\w+ \((scalar|edges_by_clock_and_load)\) \{", line) and "lu_table" not in line:
            assert before.endswith(("simulated (ngspice) */", "its energy is in the rise */")), line
            computed += 1
        before = line
    assert computed == 29
    assert "area :" not in text
    assert "left out: area" in text


def test_a_slow_corner_is_slow(monkeypatch, call, tmp_path, simulated):
    monkeypatch.setattr(cli_liberty, "_constraints", lambda *_: dict.fromkeys(NAMES, Figure(0.0, "s")))
    monkeypatch.setattr(cli_liberty, "MacroEdges", lambda setting: MacroEdges(setting, POINTS[:1] * len(POINTS)))
    monkeypatch.setattr(cli_liberty, "_simulated", first_alone)
    ended = call("export", "liberty", "-o", "slow.lib", "--corner", "ss", "--vdd", "1.7", *SMALL)
    assert ended.code == 0, ended.err
    slow = parse_liberty((tmp_path / "slow.lib").read_text())
    assert slow.args[0] == "sram_8x2_sky130_ss_1p7V_27C"
    assert slow["nom_voltage"] == 1.7
    rising = timing(slow.get_group("cell").get_group("bus", "dout"), "rising_edge")
    assert grid(rising, "cell_rise")[0, 0] * 1e-9 > 1.2 * simulated["access_time"]


def first_alone(_title, task, count, _workers):
    """Every sample of a task of equal samples."""
    record = task.run(task.prepare(), 0)
    return Samples(count, {name: np.full(count, value) for name, value in record.items()})


def test_what_cannot_be_written(refused):
    assert "did you mean 'address_bits'" in refused("export", "liberty", "-o", "m.lib", "--set", "adress_bits=3")
    assert "there is no folder no" in refused("export", "liberty", "-o", "no/m.lib")
    assert "no corner 'tx'" in refused("export", "liberty", "-o", "m.lib", "--corner", "tx")
