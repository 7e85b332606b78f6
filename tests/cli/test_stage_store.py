"""What an earlier study has computed is taken whole or not at all, and only where all that it depends on is equal."""

import json
import shutil
import threading
from dataclasses import replace

import pytest
from command import TINY
from same_run import assert_same_run, contents

from bitline.cli import characterise as characterising
from bitline.cli.characterise import Characterised, Work, work_key
from bitline.cli.run_folder import writing
from bitline.cli.stage_store import StageStore, code, key_of, store_of
from bitline.cli.stages import Stages, trains_alone
from bitline.cli.study import Study, load_study
from bitline.cli.summary import read_summary
from bitline.core.samples import Group, Samples
from circuits.technology import load_technology
from spice.characterise import Conditions

KEY = key_of(["a", "stage"])
WORK = Work("read_snm", Conditions(), samples=2)


@pytest.fixture
def journals(tmp_path):
    """A stage's files, as a study has computed them."""
    folder = tmp_path / "first"
    folder.mkdir()
    for name in ("cell-nominal.journal", "cell-monte_carlo.journal"):
        (folder / name).write_bytes(name.encode() * 100)
    return sorted(folder.glob("cell-*"))


@pytest.fixture
def store(tmp_path, journals):
    """A store that holds them."""
    made = StageStore(tmp_path / "store", "first (0123)")
    made.keep(KEY, "cell", journals, journals[0].parent)
    return replace(made, study="second (4567)")


def test_another_study_takes_what_the_first_has_computed(store, journals, tmp_path):
    origin = store.take(KEY, "cell", tmp_path / "second", tmp_path / "second")
    assert origin.startswith("first (0123), 20")
    assert [(tmp_path / "second" / path.name).read_bytes() for path in journals] == [p.read_bytes() for p in journals]
    assert store.take(KEY, "cell", tmp_path / "second", tmp_path / "second") == origin  # stopped, and gone on with
    assert store.take(key_of(["another"]), "cell", tmp_path / "third", tmp_path / "third") == ""
    assert not (tmp_path / "third").exists()


def test_a_study_that_goes_on_does_not_take_its_own(store, journals):
    before = {path: path.stat().st_mtime_ns for path in journals}
    assert store.take(KEY, "cell", journals[0].parent, journals[0].parent) == ""
    assert {path: path.stat().st_mtime_ns for path in journals} == before


def flip(entry):
    path = entry / "cell-nominal.journal"
    data = bytearray(path.read_bytes())
    data[50] ^= 1
    path.write_bytes(data)


def of_another_key(entry):
    manifest = json.loads((entry / "manifest.json").read_text())
    (entry / "manifest.json").write_text(json.dumps({**manifest, "key": "0" * 64}))


DAMAGES = {
    "a flipped bit": flip,
    "cut short": lambda entry: (entry / "cell-nominal.journal").write_bytes(b"cell"),
    "a file is gone": lambda entry: (entry / "cell-nominal.journal").unlink(),
    "no manifest": lambda entry: (entry / "manifest.json").unlink(),
    "a manifest cut short": lambda entry: (entry / "manifest.json").write_text('{"key": '),
    "a manifest of something else": lambda entry: (entry / "manifest.json").write_text("[1]"),
    "moved from another key": of_another_key,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_is_damaged_is_computed_anew_and_replaced(store, journals, tmp_path, damage):
    damage(store.folder / KEY)
    into = tmp_path / "second"
    assert store.take(KEY, "cell", into, into) == ""
    assert not into.exists()
    assert not (store.folder / KEY).exists()
    store.keep(KEY, "cell", journals, into)
    assert store.take(KEY, "cell", tmp_path / "third", tmp_path / "third").startswith("second (4567)")


def test_fresh_takes_nothing_and_replaces(store, journals, tmp_path):
    fresh = replace(store, fresh=True)
    assert fresh.take(KEY, "cell", tmp_path / "second", tmp_path / "second") == ""
    store.keep(KEY, "cell", journals, tmp_path / "second")
    assert store.take(KEY, "cell", tmp_path / "a", tmp_path / "a").startswith("first")  # what is there stays
    fresh.keep(KEY, "cell", journals, tmp_path / "third")
    assert store.take(KEY, "cell", tmp_path / "b", tmp_path / "b").startswith("second")


def test_many_at_once_leave_one_whole_entry(tmp_path, journals):
    stores = [StageStore(tmp_path / "store", f"study {number}", fresh=number % 2 == 0) for number in range(8)]
    start, found = threading.Barrier(len(stores)), []

    def work(number):
        start.wait()
        for turn in range(10):
            stores[number].keep(KEY, "cell", journals, tmp_path / f"marks-{number}-{turn}")
            into = tmp_path / f"taken-{number}-{turn}"
            if replace(stores[number], fresh=False).take(KEY, "cell", into, into):
                found.append([(into / path.name).read_bytes() == path.read_bytes() for path in journals])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found
    assert all(map(all, found))
    assert [path.name for path in stores[0].folder.iterdir()] == [KEY]


def test_a_store_that_cannot_be_written_costs_time_alone(tmp_path, journals):
    (tmp_path / "store").write_text("a file in its place")
    shut = StageStore(tmp_path / "store", "first")
    shut.keep(KEY, "cell", journals, tmp_path / "marks")
    assert shut.take(KEY, "cell", tmp_path / "second", tmp_path / "second") == ""


def test_the_key_has_all_that_samples_depend_on(tmp_path, monkeypatch):
    own = tmp_path / "own"
    shutil.copytree(load_technology("sky130").path, own)
    at_home = replace(WORK, conditions=Conditions(technology=str(own)))
    found = {
        "as it is": work_key(WORK),
        "samples": work_key(replace(WORK, samples=3)),
        "seed": work_key(replace(WORK, conditions=Conditions(seed=2))),
        "corner": work_key(replace(WORK, conditions=Conditions(corner="ff"))),
        "technology": work_key(at_home),
    }
    assert work_key(WORK) == found["as it is"]
    with (own / "tt.spice").open("a") as cards:
        cards.write("* changed\n")
    found["a file of the technology"] = work_key(at_home)
    monkeypatch.setattr(characterising, "code", lambda *_: "changed")
    found["bitline's code"] = work_key(WORK)
    assert len(set(found.values())) == len(found)


def test_a_changed_module_changes_the_hash_of_its_package(tmp_path, monkeypatch):
    (tmp_path / "mypackage/deep").mkdir(parents=True)
    for name in ("__init__", "deep/__init__", "deep/module"):
        (tmp_path / f"mypackage/{name}.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)

    def now():
        code.cache_clear()
        return code(("mypackage",), ("numpy",))

    first = now()
    assert now() == first
    (tmp_path / "mypackage/deep/module.py").write_text("x = 2\n")
    assert now() != first
    (tmp_path / "mypackage/deep/module.py").write_text("x = 1\n")
    assert now() == first


def test_a_stage_is_simulated_once_for_two_studies(tmp_path, capsys):
    store = store_of(tmp_path, "first", "0" * 64)
    first = Stages(tmp_path / "one", 1, store=store).characterised(WORK)
    again = Stages(tmp_path / "two", 1, apart=True, store=replace(store, study="second"))
    second = again.characterised(WORK)
    said = capsys.readouterr().err
    assert "read_snm: monte carlo: 2 done, 2 of them before".replace("_", " ") in said
    assert "read snm: reused, computed for first (000000000000), 20" in said
    assert again.reused.keys() == {"read_snm"}
    for left, right in zip(first.groups, second.groups, strict=True):
        assert left.attrs == right.attrs
        for name, column in left.samples.columns.items():
            assert right.samples[name].tobytes() == column.tobytes()


def test_what_failed_is_not_kept(tmp_path, monkeypatch):
    failed = Samples(1, {}, {0: "out of memory"})
    found = Characterised("read_snm", Conditions(), {}, {}, failed, (Group("read_snm/monte_carlo", failed, {}),))
    monkeypatch.setattr("bitline.cli.stages.characterise", lambda *_: found)
    Stages(tmp_path / "one", 1, store=store_of(tmp_path, "first", "0" * 64)).characterised(WORK)
    assert not (tmp_path / ".stages").exists()


def test_only_bitlines_own_training_is_shared():
    shipped = Study()
    assert trains_alone(shipped)
    for changes in ({"model": "net.py:build"}, {"checkpoint": "weights.pt"}):
        assert not trains_alone(shipped.model_copy(update={"network": shipped.network.model_copy(update=changes)}))


def test_a_fresh_run_starts_from_nothing(tmp_path):
    folder = tmp_path / ".partial-0"
    (folder / "journals").mkdir(parents=True)
    (folder / "journals/a.journal").touch()
    with writing(folder):
        assert (folder / "journals/a.journal").is_file()
    with writing(folder, anew=True):
        assert [path.name for path in folder.iterdir()] == [".lock"]


@pytest.fixture
def results(finished, tmp_path):
    """A folder of results that an earlier study has left its stages in."""
    shutil.copytree(finished[0] / ".stages", tmp_path / "results/.stages")
    return tmp_path / "results"


def test_reuse_gives_the_same_run_and_says_what_it_reused(call, results, study_file, finished_run):
    ended = call("run", study_file, "--results", results, "--workers", 1)
    assert ended.code == 0, ended.err
    assert "sram: monte carlo: 12 done, 12 of them before" in ended.err
    assert "training: reused, computed for tiny (" in ended.err
    assert "training mlp" not in ended.err
    (folder,) = (results / "tiny").iterdir()
    assert_same_run(folder, finished_run)
    reused = read_summary(folder).reused
    assert reused.keys() == {"sram", "sense_amp", "reram", "training"}
    assert all(finished_run.name.rpartition("-")[2] in origin for origin in reused.values())
    assert read_summary(finished_run).reused == {}
    assert reused["sram"] in (folder / "report.html").read_text()


def test_without_the_section_the_cell_is_left_out_and_nothing_else_differs(call, results, finished_run, tmp_path):
    """Of a study like the finished one, whose other stages it takes; every command copes."""
    (tmp_path / "lean.toml").write_text(TINY.replace("[sram]\nsamples = 12\n", ""))
    assert load_study(tmp_path / "lean.toml").sram.samples == 0
    ended = call("run", "lean.toml", "--results", results, "--workers", 1)
    assert ended.code == 0, ended.err
    assert "sram" not in ended.err
    (folder,) = (results / "lean").iterdir()
    ours, theirs = contents(folder / "run.h5"), contents(finished_run / "run.h5")
    names = {name if isinstance(name, str) else name[0] for name in theirs.keys() - ours.keys()}
    assert {name.partition("/")[0] for name in names} == {"sram"}
    assert [name for name in ours if name != ("", "attributes") and ours[name] != theirs[name]] == []
    found = read_summary(folder)
    assert found.figures.keys() == {"sense_amp", "reram", "network"}
    assert not any("sram" in rung.what for rung in found.ladder)
    assert not list((folder / "netlists").glob("sram*"))
    page = (folder / "report.html").read_text()
    assert "SRAM" not in page.partition("<script")[0]
    assert 'id="sram-cell"' not in page
    few = ("--samples", 3, "--products", 1, "--images", 1)
    assert "model sram" not in call("verify", folder, *few).out
    assert call("diagnose", folder, "--images", 4).code == 0
    assert call("fit", folder, "-o", "again.json").code == 0
    assert call("report", folder, "-o", "page.html").code == 0
    assert call("export", "waveform", folder).code == 0


def test_a_sweep_takes_what_a_run_has_left(call, results, study_file):
    ended = call("sweep", study_file, "--over", "array.adc_bits=6,7", "--results", results, "--workers", 1)
    assert ended.code == 0, ended.err
    assert ended.err.count("sense amp: reused") == 1
    assert "training: reused" in ended.err
    assert "training mlp" not in ended.err
