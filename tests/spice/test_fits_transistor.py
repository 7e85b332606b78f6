import numpy as np
import pytest

from bitline.core.model_file import ModelFile
from circuits.crossbar import Wires
from circuits.terminals import reading
from crossbar.newton import solve_cells
from crossbar.one_transistor import devices_for, one_transistor_cells
from spice.array import TransistorCells, simulate
from spice.characterise import Conditions
from spice.fits_transistor import LOWEST, fit_device, fit_transistor, swept

CORNERS = {
    "tt": Conditions(),
    "ss hot": Conditions(corner="ss", temperature=125.0),
    "ff cold": Conditions(corner="ff", temperature=-40.0),
}


@pytest.fixture(scope="module", params=CORNERS)
def fitted(request):
    """Conditions, transistor and device of a corner."""
    conditions = CORNERS[request.param]
    return conditions, fit_transistor(conditions), fit_device(conditions)


def test_held_out_currents(fitted, tmp_path):
    conditions, mos, device = fitted
    assert mos.residual.samples > 1000
    assert mos.residual.rms < 0.07
    assert device.residual.maximum < 1e-3
    # what a cell's transistor is while it is read: on, with little voltage across it
    ends = np.linspace(0.0, 0.08, 3)
    (current,) = swept(conditions, np.array([conditions.vdd]), ends)
    np.testing.assert_allclose(mos(conditions.vdd, ends[1:], 0.0), current[0, 1:], rtol=0.15)
    (off,) = swept(conditions, np.array([0.0]), ends)
    assert np.abs(mos(0.0, ends, 0.0) - off[0]).max() < 1e-6 * current.max()
    ModelFile({}, {mos.name: mos}).save(tmp_path / "m.json")
    again = ModelFile.load(tmp_path / "m.json")[mos.name]
    assert again(1.5, 0.3, 0.1) == mos(1.5, 0.3, 0.1)


def test_currents_grow_with_the_drain_and_fall_with_the_source(fitted):
    conditions, mos, _ = fitted
    ends = np.linspace(LOWEST, conditions.vdd, 60)
    gate, source, drain = np.meshgrid(np.linspace(0, conditions.vdd, 12), ends, ends, indexing="ij")
    current = mos(gate, drain, source)
    assert (np.diff(current, axis=2) >= 0).all()
    assert (np.diff(current, axis=1) <= 0).all()
    np.testing.assert_allclose(current, -np.swapaxes(current, 1, 2), rtol=1e-12, atol=1e-24)


@pytest.mark.parametrize("ohms", [1.0, 100.0])
def test_an_array_is_that_of_the_foundry_transistors(ohms, fitted):
    conditions, mos, device = fitted
    rng = np.random.default_rng(1)
    g = rng.uniform(2e-6, 4.4e-5, (6, 5))
    g[1, 1] = 0.0
    law = one_transistor_cells(devices_for(g, mos, conditions.vdd, 0.2, device), mos, conditions.vdd)
    terminals, wires = reading(rng.uniform(0.02, 0.4, (2, 6)), 5), Wires(ohms, ohms)
    found = solve_cells(law, wires, terminals).i_bl_last
    truth = simulate(g, terminals, wires, TransistorCells(conditions, v_read=0.2)).i
    linear = simulate(g, terminals, wires).i
    assert np.abs(found / truth - 1).max() < 0.01
    assert np.abs(linear / truth - 1).max() > 0.015  # which resistors do not reach
