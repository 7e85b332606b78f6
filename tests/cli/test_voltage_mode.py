"""A study whose tiles are read by voltage: its arrays, what it refuses, and its rung 2."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command import TINY

from bitline.cli.arrays import accuracy_task
from bitline.cli.knobs import variant_studies
from bitline.cli.ladder import SOLVER_LIMIT, product_rungs
from bitline.cli.preflight import check
from bitline.cli.study import load_study
from bitline.cli.tile_figures import tile_figures
from bitline.cli.traces import trace_task
from bitline.cli.trust import UNITS, product_tasks
from bitline.cli.voltage_mode import check_settings
from bitline.core.errors import ConfigError
from bitline.core.model_file import ModelFile
from bitline.core.samples import Samples
from crossbar.voltage_mode import VoltageCrossbar, transfer_matrix


@pytest.fixture
def study(tmp_path):
    def made(more="", own=""):
        path = Path(tmp_path / "tiny.toml")
        text = TINY.replace("[array]\n", f"[array]\n{own}" + ("" if "sensing" in own else 'sensing = "voltage"\n'))
        path.write_text((text.replace("cols = 32\n", "") if "cols" in own else text) + more)
        return load_study(path)

    return made


@pytest.fixture
def task(study, finished_run):
    models, graph = ModelFile.load(finished_run / "model.json"), finished_run / "network" / "graph.npz"
    return study(), models, accuracy_task(study(), models, graph)


def test_a_study_infers_on_arrays_read_by_voltage(task, finished_run):
    own, models, made = task
    assert made.target.arrays.array is VoltageCrossbar
    config = made.target.arrays.config
    assert (config.rows, config.outputs) == (own.array.rows, own.array.cols)
    assert config.offset_sigma == models["sense_amp.offset"].parameters["sigma"] > 0
    found = made.run(made.prepare(), 0)
    exact = made.prepare().program.source.logits(made.prepare().images).argmax(axis=1) == made.prepare().labels
    assert found["accuracy"] > exact.mean() - 0.2
    assert tile_figures(own, models, finished_run / "network" / "graph.npz") == {}


def test_rung_2_is_of_floating_bit_lines(task):
    own, models, made = task
    (name, products), *others = product_tasks(own, models, made).items()
    assert (name, others) == ("voltages", [])
    context = products.prepare()
    records = [products.run(context, index) for index in range(2)]
    assert set(records[0]) <= set(UNITS)
    size = own.trust.size
    assert records[0]["g"].shape == (size, size)
    assert np.abs(records[0]["ngspice_v"]).max() > 1e-4
    samples = Samples(2, {key: np.stack([record[key] for record in records]) for key in records[0]})
    (rung,) = product_rungs({"voltages": samples})
    assert rung.holds
    assert rung.limit == SOLVER_LIMIT
    assert rung.what == f"bit lines read by voltage, {size} x {size} blocks, linear cells"


def test_other_wires_would_show(task):
    products = product_tasks(*task)["voltages"]
    found = products.run(products.prepare(), 0)
    used = found["ngspice_v"] != 0
    g = found["g"][:, used]
    fast = found["v"] @ transfer_matrix(g, replace(products.config.wires, r_wire_wl=2.0))
    assert np.max(np.abs(fast - found["ngspice_v"][used])) > SOLVER_LIMIT * np.max(np.abs(fast))


@pytest.mark.parametrize(
    ("own", "more", "said"),
    [
        ("r_sink = 10\n", "", r"array\.r_sink is of tiles that are read by current"),
        ("", "\n[array.dac]\nbits = 2\n", r"array\.dac is of tiles"),
        ("", "\n[array.faults]\noff_rate = 0.1\n", r"array\.faults is of tiles"),
        ("", '\n[array.adc]\nkind = "flash"\n', r"array\.adc\.kind is of tiles"),
        ("", '\n[array.adc]\nrange = "mse"\n', r'"max" and "percentile" are left'),
    ],
)
def test_what_only_tiles_read_by_current_have_is_refused(study, own, more, said):
    with pytest.raises(ConfigError, match=said):
        check(study(more, own), [], [])


def test_bit_lines_need_no_pairs(study):
    assert study(own="cols = 31\n").array.cols == 31
    with pytest.raises(ConfigError, match="odd"):
        study(own='cols = 31\nsensing = "current"\n')


def test_floating_bit_lines_have_no_currents_to_trace(task):
    own, _, made = task
    with pytest.raises(ConfigError, match="no currents"):
        trace_task(own, made)


@pytest.mark.parametrize("name", ["neurram_mnist", "neurram_cifar10"])
def test_the_studies_that_come_along_can_be_run(name):
    own = load_study(Path(__file__).parents[2] / "examples" / f"{name}.toml")
    check_settings(own)
    varied = variant_studies(own)
    assert len(varied) == 7
    assert {each.array.sensing for each in varied.values()} == {"voltage"}
