import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tasks import Draw, Fails

from bitline.core.errors import StoreError
from bitline.core.executor import Failure, Result
from bitline.core.executors.in_process import InProcess
from bitline.core.executors.process_pool import ProcessPool
from bitline.core.samples import collect
from bitline.core.store import Journal, MemoryStore, complete


def same(left, right):
    assert left.count == right.count
    assert left.failures == right.failures
    assert left.columns.keys() == right.columns.keys()
    for name in left.columns:
        assert left[name].dtype == right[name].dtype
        np.testing.assert_array_equal(left[name], right[name])


def filled(path, count=5):
    with Journal(path, "key") as journal:
        complete(Draw(), count, journal, InProcess())
    return path


def samples_of(path, count):
    with Journal(path, "key") as journal:
        return collect(journal, count)


def test_what_is_read_back_is_what_was_written(tmp_path):
    memory = MemoryStore()
    complete(Draw(), 5, memory, InProcess())
    same(samples_of(filled(tmp_path / "j"), 5), collect(memory, 5))


def test_failures_are_kept_with_their_log(tmp_path):
    with Journal(tmp_path / "j", "key") as journal:
        complete(Fails(), 4, journal, InProcess())
    samples = samples_of(tmp_path / "j", 4)
    assert list(samples.failures) == [2]
    assert "singular matrix" in samples.failures[2]
    assert np.isnan(samples["x"][2])
    assert samples.valid("x").tolist() == [0, 1, 3]
    with pytest.raises(StoreError, match="no convergence"):
        samples.record(2)


def test_the_first_outcome_of_an_index_stays(tmp_path):
    with Journal(tmp_path / "j", "key") as journal:
        journal.append(0, Result({"x": 1.0}))
        journal.append(0, Result({"x": 2.0}))
        assert [outcome.record["x"] for _, outcome in journal.outcomes()] == [1.0]


def test_a_journal_cut_at_any_byte_opens_and_resumes_to_the_same_bits(tmp_path):
    whole = filled(tmp_path / "whole")
    data, expected = whole.read_bytes(), samples_of(whole, 5)
    for cut in [0, 3, 17, 20, 22, 25, 40, *range(100, len(data), 4999), len(data) - 1]:
        path = tmp_path / f"cut{cut}"
        path.write_bytes(data[:cut])
        with Journal(path, "key") as journal:
            kept = len(journal.done())
            assert kept == max(0, cut - 22) // ((len(data) - 22) // 5)  # no whole frame is lost
            complete(Draw(), 5, journal, InProcess())
            same(collect(journal, 5), expected)


def test_blocks_that_were_allocated_but_never_written_are_dropped(tmp_path):
    path = filled(tmp_path / "j")
    with path.open("ab") as file:
        file.write(b"\0" * 4096)
    assert samples_of(path, 5).count == 5


def test_damage_within_is_an_error_and_not_a_loss(tmp_path):
    path = filled(tmp_path / "j")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"damaged at byte \d+"):
        Journal(path, "key")
    assert path.read_bytes() == data


def test_another_configuration_or_another_file_is_refused(tmp_path):
    path = filled(tmp_path / "j")
    with pytest.raises(StoreError, match="another configuration"):
        Journal(path, "other")
    (tmp_path / "text").write_text("hello, this is a text")
    with pytest.raises(StoreError, match="not a bitline journal"):
        Journal(tmp_path / "text", "key")
    assert (tmp_path / "text").read_text() == "hello, this is a text"


def test_one_writer_at_a_time(tmp_path):
    with Journal(tmp_path / "j", "key"), pytest.raises(StoreError, match="another process"):
        Journal(tmp_path / "j", "key")
    Journal(tmp_path / "j", "key").close()


def test_a_missing_sample_is_no_result(tmp_path):
    with pytest.raises(StoreError, match="1 of 6 samples"):
        samples_of(filled(tmp_path / "j"), 6)


def test_samples_must_agree_in_shape():
    store = MemoryStore()
    store.append(0, Result({"x": np.zeros(3)}))
    store.append(1, Result({"x": np.zeros(4)}))
    with pytest.raises(StoreError, match="field 'x' of sample 1"):
        collect(store, 2)


def test_all_failed_is_still_an_answer():
    store = MemoryStore()
    store.append(0, Failure("why"))
    assert collect(store, 1).failures == {0: "why"}


WRITER = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from tasks import Draw
from bitline.core.executors import executor
from bitline.core.store import Journal, complete
if __name__ == "__main__":
    journal = Journal(Path({path!r}), "key")
    complete(Draw(wait=0.01), 400, journal, executor({workers}), lambda i, o: print(i, flush=True))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_9_loses_no_finished_sample_and_resumes_to_the_same_bits(tmp_path, workers):
    path, script = tmp_path / "j", tmp_path / "writer.py"
    script.write_text(WRITER.format(here=str(Path(__file__).parent), path=str(path), workers=workers))
    finished: set[int] = set()
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            seen = [int(process.stdout.readline()) for _ in range(7)]
            os.kill(process.pid, signal.SIGKILL)
            finished |= {*seen, *(int(line) for line in process.stdout.read().split())}
        wait_until_free(path)
        with Journal(path, "key") as journal:
            assert finished <= journal.done()
    assert len(finished) >= 21
    with Journal(path, "key") as journal:
        complete(Draw(), 60, journal, ProcessPool(2))
        resumed = collect(journal, 60)
    memory = MemoryStore()
    complete(Draw(), 60, memory, InProcess())
    same(resumed, collect(memory, 60))


def wait_until_free(path):
    """Workers of a killed parent end by themselves."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            Journal(path, "key").close()
        except StoreError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the killed writer's children still hold the journal")
