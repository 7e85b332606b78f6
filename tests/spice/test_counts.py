"""Counts among the settings of the parts."""

import math

import pytest

from bitline.core.errors import ConfigError
from spice.characterise import part
from spice.counts import whole


def test_a_whole_number_is_a_count():
    assert whole("bits", 8.0) == 8
    assert isinstance(whole("bits", 8.0), int)


@pytest.mark.parametrize("value", [8.5, math.nan, math.inf])
def test_a_fraction_is_none(value):
    with pytest.raises(ConfigError, match=r"bits = .*whole number"):
        whole("bits", value)


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("reram-reliability", "levels"),
        ("reram-variability", "repeats"),
        ("reram-variability", "most"),
        ("reram-programming", "most"),
        ("sense-amp", "sweep"),
        ("sram-column", "ways"),
        ("sram-macro", "word_bits"),
        ("bit-errors", "supplies"),
        ("eight-t-column", "rows"),
    ],
)
def test_no_part_cuts_a_fraction_off(name, setting):
    with pytest.raises(ConfigError, match=f"{setting} = 8.5: it is a count"):
        part(name, {setting: 8.5})
