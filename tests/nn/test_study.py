import pickle
from dataclasses import replace

import numpy as np
import pytest
from ideal_arrays import IdealFactory

from bitline.core.errors import ConfigError
from bitline.core.executor import Failure, Result
from bitline.core.executors import executor
from bitline.core.figures import ESTIMATED, MEASURED
from bitline.core.samples import Group, collect, read_group, write_hdf5
from bitline.core.store import MemoryStore, complete
from nn.graph_file import save
from nn.study import AccuracyTask, References, figures, units
from nn.targets.integer import Target as Integer
from nn.targets.reram import Target


@pytest.fixture
def task(graph, tmp_path):
    save(graph, tmp_path / "graph.npz")
    target = Target(IdealFactory(lsb=3.0, sigma=0.08, noise=2.0), seed=7, batch=64, trace=5)
    return AccuracyTask(str(tmp_path / "graph.npz"), "digits", target, images=150, calibration=50)


@pytest.fixture
def references(network, graph, digits):
    x = digits.test_x[:150]
    return References(digits.test_y[:150], network.logits(x), graph.logits(x))


def samples(task, count):
    store = MemoryStore()
    complete(task, count, store, executor(1))
    return collect(store, count)


def test_a_chip_replays_alone_in_another_process_with_the_same_bits(task):
    whole = samples(task, 3)
    ((index, outcome),) = list(executor(2).map(pickle.loads(pickle.dumps(task)), [2]))  # noqa: S301 - our own bytes
    assert index == 2
    assert isinstance(outcome, Result)
    for name, value in outcome.record.items():
        assert np.array_equal(whole[name][2], value), name


def test_a_record_says_what_the_chip_decided(task, digits):
    found = samples(task, 2)
    assert found["logits"].shape == (2, 150, 10)
    assert found["logits"].dtype == np.int32
    decided = found["logits"].argmax(axis=2) == digits.test_y[:150]
    assert np.array_equal(found["correct"], decided)
    assert np.array_equal(found["accuracy"], decided.mean(axis=1))
    assert found["trace_fc1_codes"].shape == (2, 5, 24)
    assert found["count_fc1_products"].tolist() == [150 * 12] * 2


def test_records_go_to_hdf5_with_units(task, tmp_path):
    found = samples(task, 2)
    write_hdf5(tmp_path / "run.h5", [Group("accuracy", found, units(list(found.columns)))], {})
    again = read_group(tmp_path / "run.h5", "accuracy")
    assert np.array_equal(again.samples["logits"], found["logits"])
    assert (again.units["energy_adc"], again.units["latency_adc"], again.units["logits"]) == ("J", "s", "1")


def test_figures_compare_with_float_and_integer(task, references):
    found = samples(task, 4)
    told = figures(found, references)
    assert told["accuracy"].value == pytest.approx(found["correct"].mean())
    assert told["accuracy_low"].value < told["accuracy"].value < told["accuracy_high"].value
    assert told["accuracy_change"].value == pytest.approx(told["accuracy"].value - told["accuracy_integer"].value)
    assert told["accuracy_integer"].value == (references.integers.argmax(1) == references.labels).mean()
    assert told["accuracy_float"].value > 0.9
    assert 0.9 < told["balanced_accuracy"].value < 1
    assert told["accuracy"].kind == MEASURED
    assert told["energy_adc"].kind == ESTIMATED
    assert told["energy_adc"].source == "a table, 22 nm"
    parts = sum(told[f"energy_{name}"].value for name in ("array", "adc", "digital_add", "digital_multiply"))
    assert told["energy_per_image"].value == pytest.approx(parts)
    assert told["latency_per_image"].unit == "s"


def test_a_half_width_that_was_wanted_is_in_every_interval(task, references):
    found = samples(task, 4)
    uneven = replace(references, labels=np.where(references.labels < 9, 0, 9))
    plain, wide = figures(found, uneven), figures(found, uneven, half_width=0.3)
    for name in ("accuracy_change", "recall_0", "recall_9"):
        reach = plain[name].value - plain[f"{name}_low"].value
        assert reach < 0.3 < wide[name].value - wide[f"{name}_low"].value


def test_failed_chips_are_counted(task, references):
    store = MemoryStore()
    complete(task, 2, store, executor(1))
    store.append(2, Failure("the array burnt"))
    told = figures(collect(store, 3), references)
    assert (told["chips"].value, told["chips_failed"].value) == (2, 1)
    burnt = MemoryStore()
    burnt.append(0, Failure("the array burnt"))
    with pytest.raises(ConfigError, match="the array burnt"):
        figures(collect(burnt, 1), references)


def test_any_target_can_be_studied(task, references):
    found = samples(AccuracyTask(task.graph, "digits", Integer(), images=150), 2)
    assert np.array_equal(found["logits"][1], references.integers)
    told = figures(found, references)
    assert told["accuracy_change"].value == 0
    assert "energy_per_image" not in told


def test_a_study_that_cannot_be_set_up_is_told(task):
    for wrong, match in (
        (AccuracyTask("nowhere.npz", "digits", task.target), r"nowhere\.npz"),
        (AccuracyTask(task.graph, "nowhere", task.target), "nowhere"),
        (AccuracyTask(task.graph, "digits", task.target, images=0), "images = 0"),
    ):
        with pytest.raises(ConfigError, match=match):
            list(executor(1).map(wrong, [0]))
