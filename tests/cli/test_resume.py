"""A study that is stopped at any moment goes on where it was, and ends with the same bits."""

import json
import os
import re
import shutil
import signal
import time
import tomllib

import numpy as np
import pytest
from command import TINY, bitline, listing, start
from same_run import assert_same_run

from bitline.cli.characterise import Work, characterise
from bitline.cli.run_folder import abandoned, partial_folder, writing
from bitline.cli.stages import study_key
from bitline.cli.study import load_study
from bitline.core.errors import StoreError
from bitline.core.store import Journal
from circuits.technology import load_technology
from spice.characterise import Conditions

STAGES = {  # journal -> samples; the stages of the tiny study
    "sram-monte_carlo": 12,
    "sense_amp-monte_carlo": 24,
    "reram-monte_carlo": 14,
    "network_accuracy": 5,
    "trust_linear_products": 4,
}


def kept(partial):
    """Samples by stage, as a killed run left them."""
    counts = {}
    for path in (partial / "journals").glob("*.journal"):
        with path.open("rb") as file:
            head = file.read().split(b"\n", 2)
        if len(head) == 3:
            with Journal(path, head[1].decode()) as journal:
                counts[path.stem] = len(journal.done())
    return counts


def wait_for(path, size, process):
    """Wait until a journal has so many bytes, or a folder is there."""
    deadline = time.monotonic() + 120
    while not (path.exists() and path.stat().st_size > size):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, f"{path} did not come"
        time.sleep(0.002)


def wait_until_gone(group):
    """Workers of a killed parent end by themselves."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    pytest.fail("workers outlive their killed parent")


STOPPED_BY = {  # what is sent, and the exit status
    "group": (lambda process: os.killpg(process.pid, signal.SIGKILL), -signal.SIGKILL),
    "parent": (lambda process: process.kill(), -signal.SIGKILL),
    "ctrl-c": (lambda process: os.killpg(process.pid, signal.SIGINT), 130),
    "sigterm": (lambda process: os.killpg(process.pid, signal.SIGTERM), 143),
    "sigterm to the parent": (lambda process: process.terminate(), 143),
}


def stop(process, how):
    """Kill the whole group, the parent alone, press Ctrl-C, or send SIGTERM to all or the parent; what was said."""
    send, status = STOPPED_BY[how]
    send(process)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    wait_until_gone(process.pid)
    assert "Traceback" not in err
    if status > 0:
        assert "nothing that was finished is lost" in err
        assert "leaked" not in err  # of multiprocessing's semaphores
    return err


STOPS = {
    1: [
        ("sram-monte_carlo", "group"),
        ("reram-monte_carlo", "group"),  # its last stage before training
        ("network_accuracy", "ctrl-c"),
        ("trust_linear_products", "group"),
    ],
    2: [
        ("sram-monte_carlo", "parent"),
        ("network_accuracy", "group"),
    ],
}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_study_stopped_in_every_stage_ends_with_the_same_bits(workers, study_file, finished_run, tmp_path):
    study = load_study(study_file)
    partial = partial_folder(tmp_path / "tiny", study_key(study))
    command = ("run", study_file, "--results", tmp_path, "--workers", workers)
    samples = {}
    for stage, how in STOPS[workers]:
        process = start(*command, cwd=tmp_path)
        wait_for(partial / f"journals/{stage}.journal", 1000, process)
        if stage == "reram-monte_carlo":
            wait_for(partial / "network", 1, process)  # which the training makes: the next stage has not begun
        if (workers, stage) == (2, "sram-monte_carlo"):
            os.kill(process.pid, signal.SIGSTOP)
            second = bitline(*command, cwd=tmp_path)
            assert second.code == 1
            assert "another process is running this study" in second.err
            assert "Traceback" not in second.err
            os.kill(process.pid, signal.SIGCONT)
        stop(process, how)
        now = kept(partial)
        assert now[stage] >= 1
        assert all(now[name] >= count for name, count in samples.items())  # nothing is lost
        samples = now
    ended = bitline(*command, cwd=tmp_path)
    assert ended.code == 0, ended.err
    for stage in ("sram-monte_carlo", "network_accuracy"):  # and nothing is computed twice
        title = stage.replace("-", ": ").replace("network_", "network: ").replace("_", " ")
        assert f"{title}: {STAGES[stage]} done, {samples[stage]} of them before" in ended.err
    (folder,) = (tmp_path / "tiny").iterdir()  # nothing is left in .partial-*
    assert_same_run(folder, finished_run)


@pytest.mark.parametrize("how", ["ctrl-c", "sigterm", "sigterm to the parent"])
def test_a_signal_stops_workers_too_and_the_same_command_goes_on(how, tmp_path):
    command = ("characterize", "sram", "--samples", 40, "--workers", 2, "--out", "out")
    process = start(*command, cwd=tmp_path)
    wait_for(tmp_path / "out/.partial-sram/sram-monte_carlo.journal", 1000, process)
    stop(process, how)
    ended = bitline(*command, cwd=tmp_path)
    assert ended.code == 0
    assert "sram: monte carlo: 40 done, " in ended.err
    assert listing(tmp_path / "out").count("sram.h5") == 1
    assert not (tmp_path / "out/.partial-sram").exists()


def test_a_verification_that_was_stopped_goes_on_and_finds_the_same(finished_run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder)
    command = ("verify", folder, "--samples", 3, "--products", 1, "--images", 24, "--workers", 1, "--json")
    process = start(*command, cwd=tmp_path)
    while not list(folder.glob(".partial-*/rung_3.journal")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.002)
    (journal,) = folder.glob(".partial-*/rung_3.journal")
    wait_for(journal, 1000, process)
    stop(process, "sigterm")
    ended = bitline(*command, cwd=tmp_path)
    assert "rung 1: sense amp: 3 done, 3 of them before" in ended.err
    again, total = map(int, re.search(r"netlists: (\d+) done, (\d+) of them before", ended.err).groups()[::-1])
    assert 0 < again < total
    assert listing(folder) == sorted([*listing(finished_run), "verification.json"])  # and nothing hidden is left
    whole = bitline(*command, cwd=tmp_path)
    assert "of them before" not in whole.err
    assert json.loads(whole.out) == json.loads(ended.out)


def test_a_finished_study_starts_a_new_run_and_json_is_all_that_it_prints(call, study_file, finished_run, tmp_path):
    results = tmp_path / "results"
    old = results / "tiny" / finished_run.name
    old.mkdir(parents=True)
    (old / "summary.json").write_text("{}")
    ended = call("run", study_file, "--results", "results", "--workers", 1, "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["chips"] == {"value": 5, "unit": "1", "kind": "computed by inference"}
    (new,) = set((results / "tiny").iterdir()) - {old}
    assert new.name.endswith(finished_run.name.rpartition("-")[2])
    assert (old / "summary.json").read_text() == "{}"
    assert_same_run(new, finished_run)


def test_another_study_has_another_folder(tmp_path):
    def key(text):
        (tmp_path / "tiny.toml").write_text(text)
        return study_key(load_study(tmp_path / "tiny.toml"))

    first = key(TINY)
    assert key(TINY.replace("seed = 3", "seed = 0b11 # the same number")) == first
    changed = [key(TINY.replace("seed = 3", "seed = 4")), key(TINY + "[conditions]\ncorner = 'ff'\n")]
    folders = {partial_folder(tmp_path / "tiny", found) for found in (first, *changed)}
    assert len(folders) == 3


def test_a_changed_technology_or_data_file_is_another_study(tmp_path):
    own = tmp_path / "own"
    shutil.copytree(load_technology("sky130").path, own)
    np.savez(tmp_path / "data.npz", images=np.zeros((4, 2, 2)), labels=np.arange(4))
    study_path = tmp_path / "s.toml"
    study_path.write_text(f"[conditions]\ntechnology = '{own}'\n[network]\ndata = '{tmp_path / 'data.npz'}'\n")
    study = load_study(study_path)
    first = study_key(study)
    with (own / "tt.spice").open("a") as cards:
        cards.write("* changed\n")
    second = study_key(study)
    np.savez(tmp_path / "data.npz", images=np.ones((4, 2, 2)), labels=np.arange(4))
    assert len({first, second, study_key(study)}) == 3


def test_a_changed_slope_alone_makes_other_samples(tmp_path):
    """The netlists, which have no slopes in them, are the same; the draws are not."""
    own = tmp_path / "own"
    shutil.copytree(load_technology("sky130").path, own)
    work = Work("read_snm", Conditions(technology=str(own)), samples=1)
    characterise(work, journals=tmp_path / "journals")
    characterise(work, journals=tmp_path / "journals")
    description = own / "technology.toml"
    changed, count = re.subn(r"vth = 5\.289e-09", "vth = 9e-09", description.read_text(), count=1)
    assert count == 1
    description.write_text(changed)
    with pytest.raises(StoreError, match="belongs to another configuration"):
        characterise(work, journals=tmp_path / "journals")


def test_a_run_that_nobody_goes_on_with_is_named(tmp_path):
    kept = {name: tmp_path / f".partial-{name}" for name in ("old", "new", "own")}
    for name, folder in kept.items():
        (folder / "journals").mkdir(parents=True)
        (folder / "journals/a.journal").touch()
        for path in (folder / "journals/a.journal", folder / "journals", folder):
            if name != "new":
                os.utime(path, (0, 0))
    assert abandoned(tmp_path, "own") == [kept["old"]]


def test_samples_of_other_conditions_are_refused_with_a_remedy(call, tmp_path):
    journal = tmp_path / "out/.partial-sram/journals-of-ff/../sram-nominal.journal"
    (tmp_path / "out/.partial-sram/journals-of-ff").mkdir(parents=True)
    Journal(journal.resolve(), "made at the corner ff").close()
    ended = call("characterize", "sram", "--samples", 0, "--out", "out")
    assert ended.code == 1
    assert "out/.partial-sram/sram-nominal.journal belongs to another configuration" in ended.err
    assert "remove it" in ended.err


def test_config_toml_computes_the_same_study(finished_run, study_file):
    document = tomllib.loads((finished_run / "config.toml").read_text())
    assert document["sram"]["samples"] == 12
    assert document["conditions"]["corner"] == "tt"  # defaults are written out
    assert study_key(load_study(finished_run / "config.toml")) == study_key(load_study(study_file))


def test_a_folder_is_held_by_one_and_left_as_it_was_found(tmp_path):
    folder = tmp_path / "results/study/.partial-0"
    with writing(folder), pytest.raises(StoreError, match="another process"), writing(folder):
        pass
    assert list(tmp_path.iterdir()) == []  # without a sample there is nothing to keep
    with writing(folder):
        (folder / "a.journal").touch()
    assert (folder / "a.journal").is_file()
