"""Gates by their truth tables, the write driver and the multiplexer by what they drive, in ngspice."""

import itertools

import pytest

from bitline.core.errors import ConfigError
from circuits.netlist import OPTIONS, Netlist
from circuits.periphery import WRITE_GATES, gate, gates, multiplexer, precharge, write_driver
from circuits.technology import load_technology
from circuits.wiring import Draft, Wire, Wiring
from spice.engine import engine

DRAFT = Draft(load_technology())


def at_rest(lines):
    running = engine()
    text = "\n".join([OPTIONS, load_technology().cards("tt"), "vdd vdd 0 1.8", *lines])
    running.load(Netlist("periphery", text, (".op",)))
    return {name: value[0] for name, value in running.run("op").items()}


@pytest.mark.parametrize("kind", ["nand", "nor"])
@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_gates_have_their_truth_tables(kind, inputs):
    lines = [gate(DRAFT, kind, inputs, 2)]
    table = list(itertools.product((0, 1), repeat=inputs))
    for row, bits in enumerate(table):
        lines += [f"v{row}_{k} i{row}_{k} 0 {1.8 * bit}" for k, bit in enumerate(bits)]
        lines.append(f"x{row} {' '.join(f'i{row}_{k}' for k in range(inputs))} o{row} vdd {kind}{inputs}_x2")
    found = at_rest(lines)
    for row, bits in enumerate(table):
        expected = not all(bits) if kind == "nand" else not any(bits)
        assert found[f"o{row}"] == pytest.approx(1.8 * expected, abs=1e-3), bits


def test_the_write_driver_pulls_one_line_and_only_when_told():
    lines = [gates(DRAFT, WRITE_GATES), write_driver(DRAFT)]
    for number, (data, enable) in enumerate(itertools.product((0, 1), repeat=2)):
        lines += [f"vd{number} d{number} 0 {1.8 * data}", f"vw{number} w{number} 0 {1.8 * enable}"]
        lines += [f"rs{number} s{number} vdd 100k", f"rb{number} b{number} vdd 100k"]
        lines.append(f"x{number} s{number} b{number} d{number} w{number} vdd write_driver")
    found = at_rest(lines)
    for number, (data, enable) in enumerate(itertools.product((0, 1), repeat=2)):
        assert (found[f"s{number}"] < 0.1) == bool(enable and not data)
        assert (found[f"b{number}"] < 0.1) == bool(enable and data)


def test_the_precharge_lifts_and_the_multiplexer_passes():
    lines = [precharge(DRAFT), multiplexer(DRAFT), "rl bl 0 100k", "rr blb 0 100k", "xp bl blb 0 vdd precharge"]
    lines += ["xm bl blb sl slb vdd 0 vdd multiplexer", "xo bl blb ol olb 0 vdd vdd multiplexer", "ro ol 0 1g"]
    found = at_rest(lines)
    assert found["bl"] > 1.75
    assert found["sl"] == pytest.approx(found["bl"], abs=1e-3)
    assert found["ol"] < 0.2


def test_multiplied_circuits_draw_as_many_times_as_much():
    lines = [gate(DRAFT, "nand"), ".subckt pair a out vdd mult=1", "xa a b vdd nand1_x1 mult={3*mult}"]
    lines += ["xb b out vdd nand1_x1 mult={mult}", ".ends", "va a 0 0.8", "v1 v1 0 1.8", "v5 v5 0 1.8"]
    found = at_rest([*lines, "x1 a o1 v1 pair", "x5 a o5 v5 pair mult=5"])
    assert found["v5#branch"] == pytest.approx(5 * found["v1#branch"], rel=1e-3)


def test_a_wire_has_its_resistance_and_capacitance():
    wired = Draft(load_technology(), Wiring(bit_line=Wire(r=1e6, c=1e-10)))
    text = list(wired.ladder(wired.wiring.bit_line, 1e-3, ["n0", "n1", "n2", "n3"]))
    values = {
        letter: sum(
            float(line.split("{")[1].split("}")[0].split("/")[0].split("*")[0])
            for line in text
            if line.startswith(letter)
        )
        for letter in "rc"
    }
    assert values["r"] == pytest.approx(1e3)
    assert values["c"] == pytest.approx(1e-13)
    with pytest.raises(ConfigError, match="two ends"):
        list(wired.ladder(wired.wiring.bit_line, 1e-3, ["n0"]))


def test_gates_that_do_not_exist_are_named():
    with pytest.raises(ConfigError, match="no gate xor2_x1"):
        gate(DRAFT, "xor", 2)
