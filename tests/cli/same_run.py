"""Two runs' folders with the same bits in them, times and what was reused aside."""

import h5py
import numpy as np


def contents(path):
    """Every dataset (its type, its bytes) and every attribute of an HDF5 file."""
    found = {}

    def visit(name, item):
        found[name, "attributes"] = {key: repr(value) for key, value in sorted(item.attrs.items())}
        if isinstance(item, h5py.Dataset):
            values = item.asstr()[...] if h5py.check_string_dtype(item.dtype) else item[...]
            found[name] = (str(item.dtype), item.shape, values.tolist() if values.dtype == object else values.tobytes())

    with h5py.File(path) as file:
        visit("", file)
        file.visititems(visit)
    return found


def assert_same_run(folder, expected):
    ours, theirs = contents(folder / "run.h5"), contents(expected / "run.h5")
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []
    for name in ("model.json", "config.toml"):
        assert (folder / name).read_bytes() == (expected / name).read_bytes()
    for name in ("graph", "float", "references"):
        with np.load(folder / f"network/{name}.npz") as left, np.load(expected / f"network/{name}.npz") as right:
            assert left.files == right.files
            for key in left.files:
                np.testing.assert_array_equal(left[key], right[key])
    names = [{str(path.relative_to(run)) for path in run.rglob("*")} for run in (folder, expected)]
    assert names[0] == names[1]
