import numpy as np
import pytest

from bitline.core.seeds import stream
from circuits.adc import Adc
from circuits.mapping import Mapping
from circuits.tile import TileConfig
from crossbar.tile import CrossbarArray

WEIGHTS = np.array([[3, -3], [-5, 5], [7, -7]])


def codes(x, **settings):
    quiet = {"programming_sigma": None, "offset_sigma": 0.0, "offset_mean": 0.0, "read_noise": 0.0}
    config = TileConfig(rows=4, cols=4, weight_bits=4, r_wire_wl=0.0, r_wire_bl=0.0, input_bits=2, **quiet, **settings)
    array = CrossbarArray(config)
    array.program(WEIGHTS, stream(1, "x"))
    array.set_range(array.required_range(x))
    return array.mvm(x, stream(2, "x"))[0] * array.scale, array


def test_an_unsigned_converter_clips_what_is_negative_and_halves_its_steps():
    x = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    both, array = codes(x, adc=Adc())
    assert np.allclose(both, WEIGHTS, atol=0.02)
    positive, other = codes(x, adc=Adc(signed=False))
    assert np.allclose(positive, np.maximum(WEIGHTS, 0), atol=0.02)
    assert not other.config.signed
    # at one full scale it has 255 codes above 0, not 127
    assert array.config.lsb(1.0) / other.config.lsb(1.0) == pytest.approx(255 / 127)
    assert other.mvm(x, stream(2, "x"))[1].counts["saturated"] > 0


def test_the_range_of_an_unsigned_converter_is_of_positive_levels():
    x = np.array([[1, 0, 0], [0, 0, 0]]) * 3  # the largest level of output 1 is negative
    needed = codes(x, adc=Adc(signed=False))[1]
    assert needed.required_range(x) == pytest.approx(255 * needed.config.product_current)


def test_a_mapping_without_negative_levels_has_no_use_for_them():
    config = TileConfig(mapping=Mapping(scheme="offset", reference="digital"), adc=Adc(signed=True))
    assert config.signed == config.mapping.signed
