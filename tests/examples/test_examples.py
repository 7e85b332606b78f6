"""The example scripts run as a reader would run them, and print numbers that are known."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def numbers(pattern, text):
    found = re.search(pattern, text)
    assert found, f"{pattern!r} is not in:\n{text}"
    return tuple(map(float, found.groups()))


def circuits_netlists(said):
    (sigma,) = numbers(r"sigma of its threshold ([\d.]+) mV", said)
    assert sigma == pytest.approx(5.3e-9 / (0.21e-6 * 0.15e-6) ** 0.5 * 1e3, rel=0.02)
    assert "rcell0_1 " not in said  # an open cell
    assert said.rstrip().endswith(".end")


def spice_cell(said):
    assert numbers(r"tt read_snm +([\d.]+) mV", said)[0] == pytest.approx(297, rel=0.02)
    assert numbers(r"tt read_current +([\d.]+) uA", said)[0] == pytest.approx(47.7, rel=0.02)
    assert numbers(r"ss read_current +([\d.]+) uA", said)[0] < 40
    assert len(set(re.findall(r"cell \d+: read SNM ([\d.]+) mV", said))) == 3


def rare_failures(said):
    value, known = numbers(r"two sides: (\S+) of (\S+),", said)
    assert known == pytest.approx(5.73e-7, rel=1e-3)
    assert value == pytest.approx(known, rel=0.3)
    value, low, high = numbers(r"cell: (\S+), 95 % interval (\S+) to (\S+), mixture", said)
    assert 1e-10 < low < value < high < 2e-9
    assert numbers(r"as much as (\d+) failures", said)[0] >= 100
    assert said.rstrip().endswith("trusted")


def model_file(said):
    low, high = (numbers(rf"20 uS at {volts} V: ([\d.]+) uA", said)[0] for volts in ("0.2", "0.4"))
    assert low == pytest.approx(4.0, rel=1e-3)  # 20 uS is the conductance at 0.2 V
    assert 1.0 < high / (2 * low) < 1.3  # it bends upwards
    assert "input from a publication: Wan" in said
    assert re.search(r"refused: model reram.read_iv: g = 0.0001 S is outside", said)


def crossbar_wires(said):
    assert 0.5 < numbers(r"takes up to ([\d.]+)%", said)[0] < 5
    assert numbers(r"difference from ngspice: ([\d.e-]+)", said)[0] < 1e-9
    assert 0.05 < numbers(r"off by ([\d.]+)%", said)[0] < 2


def nn_digits(said):
    (integers,) = numbers(r"integers: ([\d.]+)%", said)
    value, low, high = numbers(r"arrays: ([\d.]+)%, 95 % interval ([\d.]+)% to ([\d.]+)%", said)
    assert integers > 94
    assert integers - 4 < value <= integers + 1
    assert low < value < high


def neurram_ladder(said):
    rungs = dict(re.findall(r"^\| (.+?) \| ([\d.]+)% \|", said, re.MULTILINE))
    ideal, relaxed = (float(rungs[name]) for name in ("plain, on ideal cells, 12-bit converters", "plain + relaxation"))
    assert abs(ideal - float(rungs["plain, 8-bit weights, 4-bit activations"])) < 1
    assert 85 < relaxed < ideal
    assert float(rungs["  ten times these"]) < float(rungs["+ wires of 1 Ohm a segment, drivers of 100 Ohm"])


def core_samples(said):
    assert "20 samples were there" in said
    assert numbers(r"mean ([\d.]+) ohm of 50, 1 failed", said)[0] == pytest.approx(1000, abs=4 * 50 / 49**0.5)
    assert "sample 13: SimulationError: this one does not converge" in said
    assert "sample 42 alone equals sample 42 of the set: True" in said


CHECKS = (
    circuits_netlists,
    spice_cell,
    rare_failures,
    model_file,
    crossbar_wires,
    nn_digits,
    neurram_ladder,
    core_samples,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_an_example_prints_what_it_should(check, tmp_path):
    script = EXAMPLES / f"{check.__name__}.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    check(done.stdout)


def test_every_example_is_checked():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {check.__name__ for check in CHECKS}
