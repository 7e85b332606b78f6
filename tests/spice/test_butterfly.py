import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.core.errors import SimulationError
from spice.butterfly import Butterfly

VDD = 1.0
VIN = np.linspace(0, VDD, 721)


def inverter(vin, gain, shift=0.0):
    """Straight between its rails, with |slope| `gain` about VDD / 2."""
    return np.clip(VDD / 2 - gain * (vin + shift - VDD / 2), 0, VDD)


def smooth(vin, gain, shift=0.0):
    """As an inverter, without corners: the state that a lobe is lost to has a smooth saddle-node."""
    return VDD / 2 * (1 - np.tanh(2 * gain / VDD * (vin + shift - VDD / 2)))


@given(st.floats(1.5, 30))
def test_straight_inverters_have_the_margin_of_elementary_geometry(gain):
    curve = inverter(VIN, gain)
    expected = VDD / 2 * (1 - 1 / gain)  # from corner to corner of the two curves
    assert Butterfly(VIN, curve, curve).lobes() == pytest.approx((expected, expected), abs=1.5 * VDD / 720)


@given(st.floats(-0.45, 0.45), st.floats(3, 12))
def test_noise_in_series_with_the_inputs_comes_off_one_lobe_and_onto_the_other(noise, gain):
    """The definition of the margin itself, beyond the point where the cell loses a state."""
    vin = np.linspace(-VDD, 2 * VDD, 2163)
    quiet = Butterfly(vin, smooth(vin, gain), smooth(vin, gain)).lobes()
    noisy = Butterfly(vin, smooth(vin, gain, noise), smooth(vin, gain, -noise))
    assert noisy.lobes() == pytest.approx((quiet[0] + noise, quiet[1] - noise), abs=1e-4)


def test_margins_do_not_depend_on_the_grid():
    grids = [np.linspace(0, VDD, points) for points in (91, 181, 1441)]
    margins = [Butterfly(x, smooth(x, 6, 0.05), smooth(x, 6)).lobes() for x in grids]
    assert margins[0] == pytest.approx(margins[2], abs=2e-4)
    assert margins[1] == pytest.approx(margins[2], abs=5e-5)


def test_swapped_inverters_swap_the_lobes():
    one, other = smooth(VIN, 6, 0.08), smooth(VIN, 4)
    assert Butterfly(VIN, one, other).lobes() == pytest.approx(Butterfly(VIN, other, one).lobes()[::-1], abs=1e-9)


def test_inverters_without_gain_have_no_lobes():
    flat = inverter(VIN, 0.8)
    assert np.isnan(Butterfly(VIN, flat, flat).lobes()).all()
    with pytest.raises(SimulationError, match="one state only"):
        Butterfly(VIN, flat, flat).margin()


def test_rest_is_where_both_curves_meet():
    curves = Butterfly(VIN, smooth(VIN, 6, 0.03), smooth(VIN, 5))
    for start in (0.0, VDD):
        q, qb = curves.rest(start)
        assert q == pytest.approx(float(smooth(qb, 6, 0.03)), abs=1e-5)
        assert qb == pytest.approx(float(smooth(q, 5)), abs=1e-5)
        assert abs(q - start) < 0.1 * VDD
    lost = Butterfly(VIN, smooth(VIN, 6, -0.45), smooth(VIN, 6, 0.45))  # too much noise for a stored 0
    assert lost.rest(0.0) == pytest.approx(lost.rest(VDD), abs=1e-6)
