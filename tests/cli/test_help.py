import importlib.metadata
import subprocess
import sys

import pytest
from command import PROGRAM

from bitline.cli.commands.characterize import PARTS
from spice.characterise import part_names

HEAVY = {"torch", "numba", "scipy", "PySpice", "plotly", "matplotlib", "numpy", "h5py", "sklearn", "pandas"}
COMMANDS = [
    "doctor",
    "technology",
    "characterize",
    "fit",
    "solve",
    "write",
    "run",
    "verify",
    "sweep",
    "ablate",
    "diagnose",
    "export",
    "report",
    "yield",
    "compact",
]

PROBE = """
import sys
from bitline.cli.main import main
sys.argv = ["bitline", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["characterize", "--help"], ["run", "--help"]])
def test_help_waits_for_no_heavy_import(arguments):
    ran = subprocess.run([sys.executable, "-c", PROBE, *arguments], capture_output=True, text=True, check=True)
    assert "Usage" in ran.stdout
    loaded = set(ran.stderr.split())
    assert "typer" in loaded  # the probe sees imports
    assert not HEAVY & loaded


def test_help_names_every_command():
    said = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    for command in COMMANDS:
        assert f" {command} " in said


def test_it_says_its_version_and_is_a_module_too():
    said = [
        subprocess.run([*program, "--version"], capture_output=True, text=True, check=True).stdout
        for program in ([PROGRAM], [sys.executable, "-m", "bitline"])
    ]
    assert said == [f"bitline {importlib.metadata.version('bitline')}\n"] * 2


def test_help_names_every_part():
    assert PARTS.replace("-", "_").split(", ") == part_names()


def test_a_closed_pipe_is_no_error():
    ran = subprocess.run(
        ["bash", "-c", f"{PROGRAM} technology list | head -n 1"],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    assert "sky130" in ran.stdout
    assert "Traceback" not in ran.stderr
