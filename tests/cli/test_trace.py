import h5py
import numpy as np
import pytest
from command import TINY

from bitline.cli.arrays import accuracy_task
from bitline.cli.study import load_study
from bitline.cli.traces import trace_groups, trace_task
from bitline.core.errors import ConfigError
from bitline.core.model_file import ModelFile
from bitline.core.samples import Samples, group_names, read_group, write_hdf5


@pytest.fixture
def asking(tmp_path, finished_run):
    """What a study with a section [trace] would run."""

    def made(section):
        path = tmp_path / "tiny.toml"
        path.write_text(TINY.partition("[trace]")[0] + section)
        study = load_study(path)
        models = ModelFile.load(finished_run / "model.json")
        return trace_task(study, accuracy_task(study, models, finished_run / "network" / "graph.npz"))

    return made


def test_a_run_keeps_what_was_asked_for(finished_run):
    file = finished_run / "run.h5"
    group = read_group(file, "trace/fc2")
    shapes = {name: column.shape for name, column in group.samples.columns.items()}
    assert shapes == {
        "inputs": (2, 3, 16),
        "codes": (2, 3, 10),
        "tile_0_0_codes": (2, 3, 10),
        "tile_0_0_currents": (2, 3, 8, 32),
    }
    assert group.units["tile_0_0_currents"] == "A"
    assert group.units["codes"] == "1"
    accuracy = read_group(file, "network/accuracy").samples
    assert (group.samples["codes"] == accuracy["trace_fc2_codes"][:2, :3]).all()
    assert [name for name in group_names(file) if name.startswith("trace/")] == ["trace/fc2"]


def test_a_study_that_asks_for_nothing_keeps_nothing(asking):
    assert asking("") is None


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ('layers = ["fc9"]', "no layer 'fc9' is on arrays"),
        ('layers = ["fc1"]\nquantities = ["volts"]', "there is no 'volts'; there are inputs, codes, tiles, currents"),
        (
            'layers = ["*"]\nimages = 60\nchips = 20\nlimit_mb = 0.1',
            r"20 chips and 60 images make 0\.509 MB, above trace\.limit_mb = 0\.1",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused_before_the_run(asking, section, message):
    with pytest.raises(ConfigError, match=message):
        asking(f"\n[trace]\n{section}\n")


def test_large_columns_are_compressed(tmp_path):
    columns = {"a.b/codes": np.zeros((2, 100, 300), np.int32), "c/tile_0_0_currents": np.zeros((2, 3), np.float32)}
    write_hdf5(tmp_path / "run.h5", trace_groups(Samples(2, columns)), {})
    with h5py.File(tmp_path / "run.h5") as file:
        assert file["trace/a.b/codes"].compression == "gzip"
        assert file["trace/a.b/codes"].chunks is not None
        assert file["trace/c/tile_0_0_currents"].attrs["unit"] == "A"
