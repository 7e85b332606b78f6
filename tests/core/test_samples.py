import h5py
import numpy as np
import pytest

from bitline.core.errors import StoreError
from bitline.core.executor import Failure, Result
from bitline.core.samples import Group, Samples, collect, group_names, open_hdf5, read_group, write_hdf5
from bitline.core.store import MemoryStore

UNITS = {"snm": "V", "curve": "V", "codes": "1"}


def samples() -> Samples:
    store = MemoryStore()
    rng = np.random.default_rng(3)
    for index in (0, 2):
        record = {"snm": rng.random(), "curve": rng.random((2, 9)).astype(np.float32), "codes": rng.integers(9, size=4)}
        store.append(index, Result({**record, "corner": "tt"}))
    store.append(1, Failure("no convergence"))
    return collect(store, 3)


def test_hdf5_keeps_values_units_attributes_and_failures(tmp_path):
    path, written = tmp_path / "run.h5", samples()
    write_hdf5(path, [Group("sram/monte_carlo", written, UNITS, {"corner": "tt", "temperature": 27.0})], {"seed": 3})
    back = read_group(path, "sram/monte_carlo")
    assert back.samples.failures == {1: "no convergence"}
    assert back.units == UNITS
    assert back.attrs == {"corner": "tt", "temperature": 27.0}
    assert type(back.attrs["temperature"]) is float
    for name, column in written.columns.items():
        np.testing.assert_array_equal(back.samples[name], column)
    assert group_names(path) == ["sram/monte_carlo"]
    with h5py.File(path) as file:
        assert file["sram/monte_carlo/snm"].attrs["unit"] == "V"
        assert file["sram/monte_carlo"].attrs["failed"] == 1


def test_equal_samples_give_equal_files(tmp_path):
    for name in ("a.h5", "b.h5"):
        write_hdf5(tmp_path / name, [Group("g", samples(), UNITS)], {})
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_a_column_without_a_unit_writes_nothing(tmp_path):
    with pytest.raises(StoreError, match="g/codes has no unit"):
        write_hdf5(tmp_path / "run.h5", [Group("g", samples(), {"snm": "V", "curve": "V"})], {})
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_file_a_missing_file_and_a_missing_group_are_told_apart(tmp_path):
    path = tmp_path / "run.h5"
    write_hdf5(path, [Group("g", samples(), UNITS)], {})
    with pytest.raises(StoreError, match="holds no group 'h'; it holds g"):
        read_group(path, "h")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(StoreError, match="truncated"), open_hdf5(path):
        pass
    with pytest.raises(StoreError, match="no such file"), open_hdf5(tmp_path / "none.h5"):
        pass
