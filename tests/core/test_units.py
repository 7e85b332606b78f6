import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.core.errors import ConfigError
from bitline.core.units import format_quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("50n", 50e-9),
        ("1k", 1e3),
        ("39 uS", 39e-6),
        ("1.8", 1.8),
        ("100n", 1e-7),
        ("2meg", 2e6),
        ("-5m", -5e-3),
        ("1e-3", 1e-3),
        (3, 3.0),
    ],
)
def test_suffixes(text, value):
    assert parse_quantity(text, "S") == value


@pytest.mark.parametrize("text", ["fast", "1x", "", "1 V", "nan", "inf", "1e999", "--1", "1k2"])
def test_what_is_not_a_quantity_is_refused_and_named(text):
    with pytest.raises(ConfigError, match=r"quantity|given in|finite"):
        parse_quantity(text, "S")


def test_metres_are_not_milli():
    assert parse_quantity("5m", "m") == 5.0
    assert parse_quantity("5mm", "m") == pytest.approx(5e-3)


@given(st.floats(1e-14, 1e13))
def test_printing_keeps_three_digits(value):
    printed = format_quantity(value)
    assert parse_quantity(printed.split()[0]) == pytest.approx(value, rel=5.1e-3)
    printed = format_quantity(value, "A")
    assert parse_quantity(printed, "A") == pytest.approx(value, rel=5.1e-3)


def test_printing():
    assert format_quantity(4.77e-5, "A") == "47.7 uA"
    assert format_quantity(0.9999, "V") == "1 V"
    assert format_quantity(2.5e-8, "m^2") == "25000 um^2"  # the prefix of a square is that of its side
    assert format_quantity(1.5e-6, "m^2") == "1.5 mm^2"
    assert format_quantity(0.0, "V") == "0 V"
    assert format_quantity(math.nan, "V") == "nan V"
