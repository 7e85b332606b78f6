import numpy as np
import pytest
from tasks import Dies, DiesEarly, Draw, Fails, Unprepared

from bitline.core.errors import ConfigError, SimulationError
from bitline.core.executor import Failure, Result
from bitline.core.executors import executor
from bitline.core.executors.in_process import InProcess
from bitline.core.executors.process_pool import ProcessPool

EXECUTORS = [InProcess(), ProcessPool(2)]


def test_same_bits_on_one_worker_and_on_two():
    one = dict(InProcess().map(Draw(), range(6)))
    two = dict(ProcessPool(2).map(Draw(), [5, 3, 1, 0, 2, 4]))
    assert set(one) == set(two) == set(range(6))
    for index, outcome in one.items():
        for name, value in outcome.record.items():
            np.testing.assert_array_equal(value, two[index].record[name])


@pytest.mark.parametrize("where", EXECUTORS)
def test_a_sample_that_fails_is_recorded_with_its_reason(where):
    outcomes = dict(where.map(Fails(), range(4)))
    assert isinstance(outcomes[2], Failure)
    assert "no convergence" in outcomes[2].reason
    assert outcomes[2].log == ("singular matrix",)
    assert all(isinstance(outcomes[index], Result) for index in (0, 1, 3))


@pytest.mark.parametrize("where", EXECUTORS)
def test_a_task_that_cannot_be_prepared_stops_the_stage(where):
    with pytest.raises(ConfigError, match="no ngspice"):
        list(where.map(Unprepared(), range(4)))


def test_a_worker_that_dies_costs_only_the_sample_that_kills_it():
    outcomes = dict(ProcessPool(2).map(Dies(), range(6)))
    assert set(outcomes) == set(range(6))
    assert [index for index, outcome in outcomes.items() if isinstance(outcome, Failure)] == [2]
    assert "died" in outcomes[2].reason


def test_a_worker_that_dies_once_costs_nothing(tmp_path):
    outcomes = dict(ProcessPool(2).map(Dies(tmp_path / "died"), range(6)))
    assert all(isinstance(outcome, Result) for outcome in outcomes.values())
    assert (tmp_path / "died").exists()


def test_workers_that_die_before_they_are_ready_fail_no_sample():
    with pytest.raises(SimulationError, match="before it was ready"):
        list(ProcessPool(2).map(DiesEarly(), range(6)))


def test_nothing_to_do_prepares_nothing():
    assert list(InProcess().map(Unprepared(), [])) == []
    assert list(ProcessPool(2).map(Unprepared(), [])) == []


def test_the_number_of_workers_chooses():
    assert executor(1) == InProcess()
    assert executor(3) == ProcessPool(3)
    with pytest.raises(ConfigError, match="workers = 0"):
        executor(0)
