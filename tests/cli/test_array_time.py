import math

import pytest
from pydantic import ValidationError

from bitline.cli.array_section import Array
from bitline.cli.array_time import time_parts
from bitline.core.errors import ConfigError


def parts(spread="wan2022", **sections):
    array = Array(**sections)
    return time_parts(array.telegraph, array.ageing, array.timing, 27.0, spread)


def test_by_default_a_tile_has_none_of_it():
    assert parts() == {"telegraph": None, "timing": None}


def test_sections_become_the_parts_of_a_tile():
    found = parts(
        telegraph={"share": 0.1, "amplitude": 0.05, "tau_capture": "22u", "tau_emission": "50u"},
        ageing={"model": "wan2022", "t_elapsed": 3600, "drift_compensation": True},
        timing={"c_wl": "0.2f", "f_front": "50M", "c_sample": "50f"},
    )
    assert (found["telegraph"].tau_capture, found["telegraph"].filled) == (22e-6, pytest.approx(50 / 72))
    assert (found["t_elapsed"], found["drift_compensation"]) == (3600.0, True)
    assert (found["timing"].c_wl, found["timing"].f_front, found["timing"].f_driver) == (0.2e-15, 50e6, math.inf)
    assert found["timing"].temperature == 300.15


def test_halves_and_unknown_names_are_refused():
    with pytest.raises(ValidationError, match="amplitude"):
        Array(telegraph={"share": 0.1})
    with pytest.raises(ConfigError, match="no ageing 'wan'"):
        parts(ageing={"model": "wan"})
    with pytest.raises(ConfigError, match="needs a model"):
        parts(ageing={"drift_compensation": True})
    with pytest.raises(ConfigError, match="on top of the spread 'wan2022'"):
        parts("wan2022_1day", ageing={"model": "wan2022"})
    with pytest.raises(ValidationError, match="f_front"):
        Array(timing={"f_front": 0})
