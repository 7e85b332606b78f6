import numpy as np
import pytest

from bitline.core.errors import ConfigError
from circuits.faults import Faults, read_map


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("cluster", [0.0, 2.0])
def test_rates_are_kept_on_average_clustered_or_not(cluster):
    maps = [Faults(off_rate=0.05, on_rate=0.02, cluster=cluster).map((128, 128), rng(k)) for k in range(20)]
    cells = 20 * 128 * 128 / max(1.0, 2 * np.pi * cluster**2)  # independent ones, at least
    for value, rate in ((-1, 0.05), (1, 0.02)):
        assert np.mean(np.array(maps) == value) == pytest.approx(rate, abs=4 * np.sqrt(rate / cells))


def test_clustered_faults_have_neighbours():
    def beside(cluster):
        off = Faults(off_rate=0.05, cluster=cluster).map((256, 256), rng()) == -1
        return np.mean(off[:, 1:][off[:, :-1]])

    assert beside(0.0) == pytest.approx(0.05, abs=0.02)
    assert beside(3.0) > 0.5


def test_stuck_cells_conduct_what_they_are_stuck_at():
    found = np.array([[0, 1], [-1, 0]], dtype=np.int8)
    g = np.full((2, 2), 5e-6)
    np.testing.assert_array_equal(Faults(off_rate=0.1).applied(g, found, 40e-6), [[5e-6, 40e-6], [0, 5e-6]])
    np.testing.assert_array_equal(
        Faults(on_rate=0.1, g_on=1e-4, g_off=1e-7).applied(g, found, 40e-6), [[5e-6, 1e-4], [1e-7, 5e-6]]
    )


@pytest.mark.parametrize("suffix", ["npy", "csv"])
def test_a_map_is_read_as_it_stands(tmp_path, suffix):
    path = str(tmp_path / f"map.{suffix}")
    values = np.array([[0, 1, -1], [0, 0, 1]])
    np.save(path, values) if suffix == "npy" else np.savetxt(path, values, delimiter=",", fmt="%d")
    assert np.array_equal(Faults(path=path).map((2, 3), rng()), values)
    with pytest.raises(ConfigError, match=r"shape \(2, 3\); the tile has \(3, 2\)"):
        read_map(path, (3, 2))
    values[1, 2] = 2
    np.save(path, values) if suffix == "npy" else np.savetxt(path, values, delimiter=",", fmt="%d")
    with pytest.raises(ConfigError, match=r"\[1, 2\] is 2"):
        read_map(path, (2, 3))


def test_what_is_no_fault_model_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"off_rate is 1\.5"):
        Faults(off_rate=1.5)
    with pytest.raises(ConfigError, match="up to 1"):
        Faults(off_rate=0.6, on_rate=0.6)
    with pytest.raises(ConfigError, match="not both"):
        Faults(off_rate=0.1, path="map.npy")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_map(str(tmp_path / "none.npy"), (2, 2))
