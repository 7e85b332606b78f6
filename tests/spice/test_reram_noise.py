import math
import re
import subprocess

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from circuits.reram.telegraph import Trap
from spice.characterise import Conditions, part
from spice.reram_noise import CYCLES, SAMPLE_CYCLES, UNITS, NoiseMonteCarlo, NoiseNominal, figures

CONDITIONS = Conditions(seed=5)
TRAP = Trap()


@pytest.fixture(scope="module")
def nominal() -> dict:
    task = NoiseNominal(CONDITIONS)
    return task.run(task.prepare(), 0)


def test_the_times_are_those_of_a_two_state_markov_process(nominal: dict) -> None:
    stays = (
        nominal["switches"] / 2
    )  # of each kind; exponential, so that a mean of n has a relative error of 1 / sqrt(n)
    assert nominal["capture_time"] == pytest.approx(TRAP.capture, rel=4 / math.sqrt(stays))
    assert nominal["emission_time"] == pytest.approx(TRAP.emission, rel=4 / math.sqrt(stays))
    assert nominal["switches"] == pytest.approx(2 * CYCLES, rel=4 / math.sqrt(CYCLES))
    length = CYCLES * (TRAP.capture + TRAP.emission)
    assert nominal["occupied"] == pytest.approx(TRAP.occupied, abs=4 * TRAP.mean_sigma(length))


def test_the_current_steps_by_the_amplitude_less_the_transistor_s_share(nominal: dict) -> None:
    assert 0.97 * TRAP.amplitude < nominal["step"] < TRAP.amplitude
    assert nominal["current_empty"] == pytest.approx(20e-6 * 0.2, rel=1e-4)


def test_the_spectrum_is_a_lorentzian_with_the_corner_of_both_times(nominal: dict) -> None:
    assert pytest.approx((1 / TRAP.capture + 1 / TRAP.emission) / (2 * math.pi)) == TRAP.corner
    assert nominal["corner_frequency"] == pytest.approx(TRAP.corner, rel=0.2)
    band = nominal["psd_frequency"] < 20 * TRAP.corner
    assert np.mean(nominal["psd"][band] / nominal["psd_fit"][band]) == pytest.approx(1.0, abs=0.1)
    # the power under it is the variance of the current
    variance = TRAP.occupied * (1 - TRAP.occupied) * (nominal["current_empty"] - nominal["current_full"]) ** 2
    assert np.trapezoid(nominal["psd"], nominal["psd_frequency"]) == pytest.approx(variance, rel=0.15)


def test_long_reads_average_the_noise_out_as_theory_says(nominal: dict) -> None:
    assert np.all(np.diff(nominal["integrated_sigma"]) < 0)
    assert nominal["integrated_sigma"] == pytest.approx(nominal["integrated_expected"], rel=0.15)
    assert nominal["read_sigma"] == pytest.approx(nominal["expected_read_sigma"], rel=0.1)


def test_the_theory_of_an_average_has_its_limits() -> None:
    deviation = math.sqrt(TRAP.occupied * (1 - TRAP.occupied))
    assert TRAP.mean_sigma(1e-4 * TRAP.relaxation) == pytest.approx(deviation, rel=1e-3)
    long = 1e4 * TRAP.relaxation
    assert TRAP.mean_sigma(long) == pytest.approx(deviation * math.sqrt(2 * TRAP.relaxation / long), rel=1e-3)


def test_a_seed_replays_and_another_differs() -> None:
    task = NoiseMonteCarlo(CONDITIONS)
    state = task.prepare()
    first, second = task.run(state, 3), task.run(state, 4)
    assert task.run(state, 3) == first
    assert first["occupied"] != second["occupied"]
    assert set(first) <= set(UNITS)


def test_plain_ngspice_gives_the_same_trace(tmp_path) -> None:
    task = NoiseMonteCarlo(CONDITIONS)
    state = task.prepare()
    run = task._simulate(state, 2, SAMPLE_CYCLES)
    mean = np.trapezoid(run["vread#branch"], run["time"]) / run["time"][-1]
    deck = tmp_path / "telegraph.cir"
    deck.write_text(task.netlist(state, 2, SAMPLE_CYCLES).deck().replace("\n", "\n.options num_threads=1\n", 1))
    said = subprocess.run(["ngspice", "-b", deck], capture_output=True, text=True, check=True).stdout  # noqa: S607
    (found,) = re.findall(r"^i_mean += +(\S+)", said, re.MULTILINE)
    assert float(found) == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"amplitude": 1.0}, "amplitude"), ({"capture": 0.0}, "capture"), ({"t_read": 1.0}, "t_read")],
)
def test_impossible_settings_are_errors(settings: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        part("reram_noise", settings)


def test_every_field_has_a_unit_and_figures_say_what_was_expected(nominal: dict) -> None:
    assert set(nominal) <= set(UNITS)
    assert figures(nominal)["occupied_expected"].value == TRAP.occupied


def test_the_ohmic_device_has_noise_too() -> None:
    task = NoiseMonteCarlo(CONDITIONS, device="vteam", trap=Trap(amplitude=0.2))
    assert 0.75 < task.run(task.prepare(), 0)["last_read"] <= 1.0


def test_times_too_far_apart_are_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match=r"capture = 1e-09 s and emission = 0\.001 s"):
        NoiseNominal(CONDITIONS, trap=Trap(capture=1e-9, emission=1e-3))
