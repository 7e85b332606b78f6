import numpy as np
import pytest

from bitline.core.errors import ConfigError
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits.reram.pulsed import Pulse
from circuits.reram_measured import variance_components
from spice.characterise import Conditions, part
from spice.reram_programming import Cell
from spice.reram_pulses import PulseBench
from spice.reram_variability import UNITS, VariabilityMonteCarlo, VariabilityNominal, Variation, decomposed, figures

CONDITIONS = Conditions(seed=5)
COUNT = 4


@pytest.fixture(scope="module")
def bench() -> PulseBench:
    return PulseBench(CONDITIONS, "stanford_pku", 0.2)


@pytest.fixture(scope="module")
def samples(bench: PulseBench) -> Samples:
    task = VariabilityMonteCarlo(CONDITIONS, target=10e-6)
    records = [task.run(bench, index) for index in range(COUNT)]
    return Samples(COUNT, {name: np.array([record[name] for record in records]) for name in records[0]})


def test_a_decomposition_finds_what_went_in() -> None:
    rng, cells, repeats = stream(1, "test"), 4000, 3
    transistor, device = rng.standard_normal(cells), rng.standard_normal(cells)
    values = 5 + (2.0 * transistor + 1.0 * device)[:, None] + 0.5 * rng.standard_normal((cells, repeats))
    found = decomposed(values, {"transistor": transistor, "device": 0.05 * device})
    assert found["mean"] == pytest.approx(5, abs=0.15)
    assert found["cell_to_cell"] == pytest.approx(np.sqrt(5), rel=4 / np.sqrt(2 * cells))
    assert found["cycle_to_cycle"] == pytest.approx(0.5, rel=4 / np.sqrt(4 * cells))
    assert found["by_transistor"] == pytest.approx(2.0, rel=0.05)
    assert found["by_device"] == pytest.approx(1.0, rel=0.05)


def test_a_decomposition_of_cycles_alone_has_no_cells() -> None:
    rng = stream(2, "test")
    given = {"transistor": rng.standard_normal(400), "device": np.ones(400)}
    found = decomposed(rng.standard_normal((400, 3)), given)
    assert found["cycle_to_cycle"] == pytest.approx(1.0, rel=0.15)
    assert found["cell_to_cell"] < 0.2
    assert found["by_transistor"] < 0.1
    assert found["by_device"] == 0


def test_components_of_equal_groups_are_none() -> None:
    assert variance_components([np.ones(3), np.ones(3)]) == (0.0, 0.0)


def test_a_device_that_heats_more_switches_further(bench: PulseBench) -> None:
    pulse = Pulse(2.0, 0.0, 0.9, 100e-9)
    reached = [bench.apply(pulse, 0.92, 0.0, heating).conductance for heating in (0.9, 1.0, 1.1)]
    assert np.all(np.diff(reached) > 0)
    assert bench.apply(pulse, 0.92).conductance == reached[1]


def test_a_pulse_that_moves_nothing_does_not_vary(bench: PulseBench) -> None:
    cell = Cell(cycle_sigma=0.5, rng=stream(3, "test"))
    nothing = cell.pulsed(bench, Pulse(0.1, 0.0, 1.0, 100e-9), 0.6)
    assert nothing.state == pytest.approx(0.6, abs=1e-9)
    pulse = Pulse(2.0, 0.0, 0.95, 100e-9)
    moved = np.array([0.92 - cell.pulsed(bench, pulse, 0.92).state for _ in range(30)])
    nominal = 0.92 - bench.apply(pulse, 0.92).state
    assert np.mean(moved) == pytest.approx(nominal, rel=4 * 0.5 / np.sqrt(30))
    assert np.std(moved, ddof=1) == pytest.approx(0.5 * nominal, rel=0.5)


def test_cells_keep_what_is_theirs_and_cycles_differ(samples: Samples) -> None:
    set_g = samples["set_g"]
    assert set_g.shape == (COUNT, 3)
    assert np.all(np.std(set_g, axis=1) > 0)
    assert len(np.unique(samples["access_vth"])) == len(np.unique(samples["heating"])) == COUNT
    assert np.all(samples["program_energy"] > 0)
    within = np.abs(samples["conductance"] - 10e-6) <= 0.05 * 10e-6
    np.testing.assert_array_equal(within, samples["reached"] == 1)


def test_a_sample_replays_alone(bench: PulseBench, samples: Samples) -> None:
    again = VariabilityMonteCarlo(CONDITIONS, target=10e-6).run(bench, 3)
    assert all(np.array_equal(again[name], samples[name][3], equal_nan=True) for name in again)


def test_without_variation_only_transistors_tell_cells_apart(bench: PulseBench) -> None:
    task = VariabilityMonteCarlo(CONDITIONS, target=10e-6, variation=Variation(0.0, 0.0, 2))
    for index in range(2):
        record = task.run(bench, index)
        assert record["heating"] == 1
        assert all(np.ptp(record[name]) == 0 for name in ("set_g", "pulses", "program_energy"))


def test_figures_are_parts_of_a_whole(bench: PulseBench, samples: Samples) -> None:
    nominal = VariabilityNominal(CONDITIONS, target=10e-6).run(bench, 0)
    assert set(nominal) | set(samples.columns) <= set(UNITS)
    found = figures(nominal, samples)
    parts = np.hypot(found["set_g_cell_to_cell"].value, found["set_g_cycle_to_cycle"].value)
    assert found["set_g_sigma"].value == pytest.approx(parts)
    assert found["set_g_cycle_to_cycle"].value > 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"device": "vteam"}, "device_sigma=0"),
        ({"repeats": 1}, "repeats"),
        ({"cycle_sigma": 1.5}, "cycle_sigma"),
        ({"device_sigma": -0.1}, "device_sigma"),
    ],
)
def test_impossible_settings_are_errors(settings: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        part("reram_variability", settings)


def test_a_model_that_does_not_heat_varies_by_cycle() -> None:
    task = VariabilityMonteCarlo(CONDITIONS, "vteam", variation=Variation(0.0, 0.2, 4))
    record = task.run(task.prepare(), 0)
    assert max(np.ptp(record[name]) for name in ("set_g", "conductance")) > 0  # LRS bounds what a SET does
