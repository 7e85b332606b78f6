import json
import os

from command import PROGRAM, bitline, listing


def test_everything_needed_is_here(call, tmp_path):
    ended = call("doctor", "--json")
    found = json.loads(ended.out)
    assert ended.code == 0
    assert {"python", "PySpice", "ngspice", "libngspice (PySpice)", "a 6T cell in ngspice", "MNIST"} <= found.keys()
    assert "296.9 mV" in found["a 6T cell in ngspice"]["found"]
    assert listing(tmp_path) == []


def test_what_is_missing_and_how_to_mend_it(tmp_path):
    environment = os.environ | {
        "PATH": str(PROGRAM.parent),
        "NGSPICE_LIBRARY_PATH": "/no/libngspice.so",
        "BITLINE_DATA": str(tmp_path),
    }
    ended = bitline("doctor", cwd=tmp_path, env=environment)
    assert ended.code == 1
    assert "Traceback" not in ended.err
    lines = ended.out.splitlines()
    for name, mend in (
        ("ngspice ", "apt-get install ngspice"),
        ("libngspice", "apt-get install libngspice0"),
        ("MNIST", "make setup"),
    ):
        (at,) = [index for index, line in enumerate(lines) if line.split(maxsplit=1)[1].startswith(name)]
        assert lines[at].startswith("absent" if name == "MNIST" else "missing")
        assert mend in lines[at + 1]


def test_mnist_alone_is_no_fault(tmp_path, call, monkeypatch):
    monkeypatch.setenv("BITLINE_DATA", str(tmp_path / "none"))
    ended = call("doctor")
    assert ended.code == 0
    assert "absent   MNIST" in ended.out


def test_a_package_that_is_missing(call, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not installed
    ended = call("doctor", "--json")
    assert ended.code == 1
    assert json.loads(ended.out)["torch"] == {
        "well": False,
        "found": "import of torch halted; None in sys.modules",
        "mend": "make setup",
    }
