import json
import re

import pytest
from liberty.parser import parse_liberty

from bitline.cli.liberty import macro_library
from spice.characterise import Conditions

SETTINGS = {"address_bits": 3.0, "word_bits": 2.0, "replica_cells": 2.0}
SMALL = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
OXIDE = 3.9 * 8.854e-12 / 4.15e-9  # F/m2: SKY130's thin oxide
INVERTER = (0.65 + 1.26) * 0.15 * 1e-12  # m2 of gate, strength 1


def table(group, name):
    ((value,),) = group.get_group(name).get_array("values")
    return value


def timing(cell, bus, kind):
    (found,) = (arc for arc in cell.get_group("bus", bus).get_groups("timing") if arc["timing_type"] == kind)
    assert str(found["related_pin"]).strip('"') == "clk"
    return found


@pytest.fixture(scope="module")
def text():
    return macro_library(Conditions(), SETTINGS)


def test_a_parser_reads_the_simulated_figures(text, call):
    figures = json.loads(call("characterize", "sram-macro", "--samples", 0, "--json", *SMALL).out)
    library = parse_liberty(text)
    cell = library.get_group("cell")
    assert cell.args == ["sram_8x2"]
    assert str(parse_liberty(str(library))) == str(library)
    clock = cell.get_group("pin", "clk")
    read, write = clock.get_groups("internal_power")
    rising = timing(cell, "dout", "rising_edge")
    ns_pj_nw = {
        "access_time": (table(rising, "cell_rise"), 1e-9),
        "cycle_time": (clock["min_period"], 1e-9),
        "precharge_time": (clock["min_pulse_width_low"], 1e-9),
        "address_setup": (table(timing(cell, "addr", "setup_rising"), "rise_constraint"), 1e-9),
        "read_energy": (table(read, "rise_power"), 1e-12),
        "write_energy": (table(write, "rise_power"), 1e-12),
        "leakage": (cell["cell_leakage_power"] / 1.8, 1e-9),
    }
    for name, (value, unit) in ns_pj_nw.items():
        assert value * unit == pytest.approx(figures[name]["value"], rel=1e-5), name
    assert clock["min_period"] == pytest.approx(clock["min_pulse_width_high"] + clock["min_pulse_width_low"], rel=1e-5)
    memory = cell.get_group("memory")
    assert (memory["address_width"], memory["word_width"]) == (3, 2)
    widths = {found.args[0]: found["bit_width"] for found in library.get_groups("type")}
    assert widths == {"address": 3, "word": 2}


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
        if re.search(r"^ +\w+ \(scalar\)", line):
            assert before.endswith(("simulated (ngspice) */", "its energy is in the rise */")), line
            computed += 1
        before = line
    assert computed == 18
    assert "area :" not in text
    assert "left out: area" in text


def test_a_slow_corner_is_slow(text, call, tmp_path):
    ended = call("export", "liberty", "-o", "slow.lib", "--corner", "ss", "--vdd", "1.7", *SMALL)
    assert ended.code == 0, ended.err
    libraries = [parse_liberty(found) for found in (text, (tmp_path / "slow.lib").read_text())]
    assert [library.args[0] for library in libraries] == ["sram_8x2_sky130_tt_1p8V_27C", "sram_8x2_sky130_ss_1p7V_27C"]
    assert [library["nom_voltage"] for library in libraries] == [1.8, 1.7]
    fast, slow = (table(timing(library.get_group("cell"), "dout", "rising_edge"), "cell_rise") for library in libraries)
    assert slow > 1.2 * fast


def test_what_cannot_be_written(refused):
    assert "did you mean 'address_bits'" in refused("export", "liberty", "-o", "m.lib", "--set", "adress_bits=3")
    assert "there is no folder no" in refused("export", "liberty", "-o", "no/m.lib")
    assert "no corner 'tx'" in refused("export", "liberty", "-o", "m.lib", "--corner", "tx")
