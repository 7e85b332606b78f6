import numpy as np
import pytest

from bitline.core.errors import ConfigError
from circuits.crossbar import Wires
from crossbar.cells import sinh_cells
from crossbar.writing import worst_cell, write_cell

G = np.random.default_rng(0).uniform(5e-6, 50e-6, (6, 5))


@pytest.mark.parametrize(
    ("scheme", "half", "unselected"), [("half", 0.5, 0.0), ("third", 1 / 3, 1 / 3), ("ground", 1.0, 0.0)]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_without_wires_a_scheme_gives_what_it_is_named_for(scheme, half, unselected, sign):
    done = write_cell(G, Wires(), (2, 3), sign * 1.5, scheme)
    assert done.v_cell == pytest.approx(sign * 1.5)
    assert done.ir_loss == pytest.approx(0, abs=1e-12)
    assert done.v_half == pytest.approx(1.5 * half)
    assert done.v_unselected == pytest.approx(1.5 * unselected, abs=1e-12)
    assert done.margin == pytest.approx(1.5 * (1 - max(half, unselected)))
    assert done.i_cell == pytest.approx(sign * 1.5 * G[2, 3])


def test_half_selected_cells_load_the_word_line():
    done = write_cell(G, Wires(), (2, 3), 1.5, "half")
    # its own cell at 1.5 V, its neighbours at 0.75 V; the power is what all cells take
    beside = G[2].sum() - G[2, 3]
    assert done.i_word == pytest.approx(1.5 * G[2, 3] + 0.75 * beside)
    column = G[:, 3].sum() - G[2, 3]
    assert done.power == pytest.approx(1.5**2 * G[2, 3] + 0.75**2 * (beside + column))


def test_floating_lines_share_the_voltage_among_the_sneak_path():
    g = np.full((6, 5), 20e-6)
    done = write_cell(g, Wires(), (2, 3), 1.0, "float")
    # three groups in series by symmetry: 4 cells of the word line, 5 x 4 others, 5 of the bit line
    parts = np.array([1 / 4, 1 / 20, 1 / 5]) / (1 / 4 + 1 / 20 + 1 / 5)
    assert done.v_half == pytest.approx(parts[0])
    assert done.v_unselected == pytest.approx(parts[1])
    assert done.i_word == pytest.approx(20e-6 * (1 + parts[0] * 4))


def test_wires_take_most_from_the_farthest_cell():
    g = np.full((16, 12), 40e-6)
    wires = Wires(4.0, 6.0, 20.0, 10.0)
    losses = np.array([[write_cell(g, wires, (i, j), 1.0).ir_loss for j in range(12)] for i in range(16)])
    assert (losses > 0).all()
    # bit lines are sensed past the last word line, so the first one is the farthest
    assert np.unravel_index(losses.argmax(), losses.shape) == worst_cell((16, 12)) == (0, 11)


def test_nonlinear_cells_keep_half_selected_ones_quieter():
    linear = write_cell(G, Wires(2.0, 2.0), (0, 4), 1.0, "half")
    bent = write_cell(G, Wires(2.0, 2.0), (0, 4), 1.0, "half", law=sinh_cells(G, 3.0))
    assert bent.i_cell > linear.i_cell
    assert (bent.i_word - bent.i_cell) / bent.i_cell < 0.7 * (linear.i_word - linear.i_cell) / linear.i_cell


def test_no_voltage_is_no_write():
    with pytest.raises(ConfigError, match=r"v_write is 0\.0"):
        write_cell(G, Wires(), (0, 0), 0.0)
    with pytest.raises(ConfigError, match="within 6 x 5"):
        write_cell(G, Wires(), (6, 0), 1.0)
