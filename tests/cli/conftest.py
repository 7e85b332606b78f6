import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # test modules import made_run and command by name

from command import TINY, Ended, bitline, listing

from bitline.cli.main import main


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Call the command line in this process, in an empty working directory."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["bitline", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
        except SystemExit as ended:
            code = 0 if ended.code is None else ended.code
        else:
            code = 0
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return run


@pytest.fixture
def refused(call, tmp_path):
    """Call the command line with something wrong: one message, an exit status, nothing on disk; gives the message."""

    def run(*arguments):
        before = listing(tmp_path)
        ended = call(*arguments)
        assert ended.code == 1
        assert ended.out == ""
        assert ended.err.count("error:") == 1
        assert "Traceback" not in ended.err
        assert listing(tmp_path) == before
        return ended.err.partition("error: ")[2].strip()

    return run


@pytest.fixture(scope="session")
def study_file(tmp_path_factory):
    """A study of a few seconds."""
    path = tmp_path_factory.mktemp("study") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def finished(study_file, tmp_path_factory):
    """The folder of results of that study, run without interruption on one worker, and what was said."""
    results = tmp_path_factory.mktemp("whole")
    ended = bitline("run", study_file, "--results", results, "--workers", 1, cwd=results)
    assert ended.code == 0, ended.err
    return results, ended


@pytest.fixture(scope="session")
def finished_run(finished):
    """The finished run's own folder; tests leave it as it is."""
    results, _ = finished
    (folder,) = (results / "tiny").iterdir()
    return folder


@pytest.fixture(scope="session")
def stage(study_file, finished_run):
    """Study, models and network of the finished run, its chips drawn until a half width is reached."""
    from bitline.cli.network import Network
    from bitline.cli.study import Accuracy, load_study
    from bitline.core.model_file import ModelFile
    from nn.archive import read_arrays
    from nn.graph_file import graph_hash, load
    from nn.study import References

    study = load_study(study_file)
    study = study.model_copy(
        update={"accuracy": Accuracy(chips=60, chips_min=8, half_width=0.012, images=60, trace_images=0)}
    )
    kept = read_arrays(finished_run / "network/references.npz")
    graph = finished_run / "network/graph.npz"
    references = References(kept["labels"], kept["floats"], kept["integers"])
    network = Network(graph, graph_hash(load(graph)), references, (), "", graph.with_name("float.npz"))
    return study, ModelFile.load(finished_run / "model.json"), network


@pytest.fixture
def characterised(stage, monkeypatch):
    """Nothing is simulated or trained: the models and the network are those of the finished run."""
    _, models, network = stage
    monkeypatch.setattr("bitline.cli.stages.Stages.characterised", lambda *_: None)
    monkeypatch.setattr("bitline.cli.stages.fit", lambda _: models)
    monkeypatch.setattr("bitline.cli.stages.prepare_network", lambda *_: network)
