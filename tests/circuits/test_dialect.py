import math
import random
import re

import pytest

from bitline.core.errors import ConfigError
from circuits.dialect import COMMANDS, DIALECTS, FUNCTIONS, LEVELS, OPTIONS, in_dialect
from circuits.netlist import Netlist
from spice.characterise import Conditions, part, part_names
from spice.engine import engine

ELEMENTS = set("bceilmrsvx")
SMALL = {
    "bit_errors": {"cells": 8.0, "supplies": 1.0},
    "sram_column": {"cells": 8.0, "ways": 2.0},
    "sram_macro": {"address_bits": 3.0, "word_bits": 2.0, "replica_cells": 2.0},
}
NGSPICE_ONLY = {"reram_noise"}


def assert_within(netlist, dialect):
    """Nothing in the netlist is outside of what the dialect's reference lists."""
    for line in (*netlist.text.splitlines(), *netlist.analyses, *netlist.measures):
        first, *words = line.lower().split()
        if first[0] == ".":
            assert first in COMMANDS, line
        elif first[0] not in "+*":
            assert first[0] in ELEMENTS, line
        if first == ".options":
            assert {word.partition("=")[0] for word in words} <= OPTIONS, line
        if first[0] == "b":
            assert set(re.findall(r"([a-z_]\w*) *\(", line)) <= FUNCTIONS, line
            assert not re.search(r"[{}?^]|\btemper\b", line), line
        if first == ".subckt" and "=" in line:
            assert " params: " in line, line
        if first == ".meas":
            assert "par(" not in line
            assert words[0] in {"tran", "ac", "dc", "noise"}
        assert not re.search(r"\btrnoise\b", line)
        if dialect == "ltspice":
            assert not re.search(r"\b[vi]\([^)]*\.", line), line
        for level in re.findall(r"\blevel *= *(\d+)", line.lower()):
            assert int(level) in LEVELS


@pytest.mark.parametrize("name", sorted(set(part_names()) - NGSPICE_ONLY))
def test_no_netlist_of_a_part_leaves_the_dialect(name):
    for netlist in part(name, SMALL.get(name)).netlists(Conditions()).values():
        for dialect in DIALECTS[1:]:
            assert_within(in_dialect(netlist, dialect), dialect)
        assert in_dialect(netlist, "ngspice") is netlist


def test_the_check_sees_what_is_outside():
    netlist = part("reram").netlists(Conditions())["hysteresis"]
    with pytest.raises(AssertionError):
        assert_within(netlist, "ltspice")


def test_what_only_ngspice_has_is_refused():
    netlist = part("reram_noise").netlists(Conditions())["telegraph"]
    with pytest.raises(ConfigError, match="trnoise, which ltspice lacks"):
        in_dialect(netlist, "ltspice")
    with pytest.raises(ConfigError, match="did you mean 'ltspice'"):
        in_dialect(netlist, "ltspise")


def choice(condition, then, otherwise):
    return then if condition else otherwise


@pytest.mark.parametrize(
    ("written", "python"),
    [
        ("{v(a)^2+1}", "v(a)**2+1"),
        ("{v(a)>0 ? v(b) : 3}", "v(b) if v(a)>0 else 3"),
        ("2*(v(a)>0 ? (v(b)>1 ? 4 : v(a)) : min(v(b),v(a)>1 ? 2 : 7))", None),
        ("{0.5*(temper+273.15)*max(v(a),0)}", "0.5*(85.0+273.15)*max(v(a),0)"),
    ],
)
def test_an_expression_keeps_its_value(written, python):
    netlist = Netlist("t", f".options temp=85.0\nb1 a 0 v={written}")
    _, _, line = in_dialect(netlist, "ltspice").text.splitlines()
    ours = re.sub(r"\bif\(", "choice(", line.partition("=")[2])
    theirs = python or "2*((4 if v(b)>1 else v(a)) if v(a)>0 else min(v(b), 2 if v(a)>1 else 7))"
    rng = random.Random(1)  # noqa: S311 - no cryptography
    for _ in range(50):
        at = {"a": rng.uniform(-2, 2), "b": rng.uniform(-2, 2)}
        names = {"v": at.__getitem__, "a": "a", "b": "b", "choice": choice, "min": min, "max": max}
        assert math.isclose(eval(ours, names), eval(theirs, names))  # noqa: S307 - our own text


def test_a_translated_circuit_is_the_same_circuit():
    """ngspice reads `**`, `params:` and options as LTspice does; names with colons are only in what it saves."""
    netlist = part("reram").netlists(Conditions())["hysteresis"]
    other = in_dialect(netlist, "qspice")
    text = re.sub(r"\bif\(", "ternary_fcn(", other.text)
    found = []
    for circuit in (netlist, Netlist(other.title, text, other.analyses)):
        running = engine()
        running.load(circuit)
        found.append(running.run(netlist.analyses[0].removeprefix(".")))
    ours, theirs = (vectors["vramp#branch"] for vectors in found)
    assert ours.size == theirs.size
    assert abs(ours - theirs).max() <= 1e-6 * abs(ours).max()
