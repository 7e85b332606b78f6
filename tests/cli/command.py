"""The command line: as a user starts it, in a process of its own, and as most tests call it, in this one."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("bitline")

TINY = """
seed = 3
[sram]
samples = 12
[sense_amp]
samples = 24
[reram]
samples = 14
[network]
arguments = { hidden = [16] }
epochs = 3
[array]
rows = 32
cols = 32
[accuracy]
chips = 5
images = 60
[trust]
products = 4
size = 8
cells_size = 4
[trace]
layers = ["fc2"]
chips = 2
images = 3
quantities = ["inputs", "codes", "tiles", "currents"]
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit status, standard output, standard error."""

    code: int
    out: str
    err: str


def start(*arguments, cwd, **options):
    """Start the program in a process group of its own."""
    return subprocess.Popen(
        [PROGRAM, *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def bitline(*arguments, cwd, **options):
    """Run the program to its end."""
    with start(*arguments, cwd=cwd, **options) as process:
        out, err = process.communicate(timeout=300)
    return Ended(process.returncode, out, err)


def listing(folder):
    """Everything below a folder, hidden files too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
