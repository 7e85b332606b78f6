"""Global process: dies between the corners, alone and with mismatch."""

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from bitline.core.executors import executor
from circuits.process import Process
from circuits.technology import load_technology
from spice.process import load_process
from spice.sram import FIGURES, SramMonteCarlo, SramNominal

CORNERS = {"ff": (3.0, 3.0), "ss": (-3.0, -3.0), "sf": (3.0, -3.0), "fs": (-3.0, 3.0), "tt": (0.0, 0.0)}


@pytest.fixture(scope="module")
def process():
    return load_process("sky130")


def test_the_corners_directions_are_measured(process):
    """SKY130's sf has fast NMOS and slow PMOS, whatever the library's comments say."""
    assert process.directions == {"ff": (1, 1), "ss": (-1, -1), "sf": (1, -1), "fs": (-1, 1)}


@pytest.mark.parametrize("corner", CORNERS)
@pytest.mark.parametrize("role", ["pull_down", "pull_up", "nmos", "pmos"])
def test_a_die_at_a_corners_scores_has_its_card(process, corner, role):
    card = process.technology.card(role, corner).parameters
    for name, value in process.parameters(role, *CORNERS[corner]).items():
        assert value == pytest.approx(card.get(name, 0.0), rel=1e-9, abs=1e-30), name


def test_between_corners_threshold_and_oxide_move_continuously(process):
    steps = [process.parameters("pull_down", n, n) for n in np.linspace(-3, 3, 7)]
    assert np.all(np.diff([step["vth0"] for step in steps]) < 0)
    assert np.all(np.diff([step["tox"] for step in steps]) < 0)
    half = Process(process.technology, process.directions, corner_sigma=6.0)
    assert half.parameters("pull_down", 6.0, 6.0) == process.parameters("pull_down", 3.0, 3.0)


def test_what_a_process_lacks_is_named(process):
    with pytest.raises(ConfigError, match="slow N fast P"):
        Process(process.technology, {"ff": (1, 1), "ss": (-1, -1), "sf": (1, -1)})
    with pytest.raises(ConfigError, match="corner_sigma"):
        Process(load_technology(), process.directions, 0.0)
    for task, what in (
        (SramMonteCarlo(process="globl"), "did you mean 'global'"),
        (SramMonteCarlo(process="global", corner="ff"), "corner = 'ff'"),
    ):
        with pytest.raises(ConfigError, match=what):
            list(executor(1).map(task, [0]))


def test_the_cell_on_a_die_at_a_corners_scores_is_the_cell_of_that_corner():
    bench = SramMonteCarlo(variation="none", process="global").prepare()
    for corner in ("ff", "sf", "tt"):
        nominal = SramNominal(corner=corner)
        expected = nominal.run(nominal.prepare(), 0)
        found = bench.measure_at(np.zeros(0), CORNERS[corner])
        for name in FIGURES:
            relative = 2e-3 if name == "leakage" else 1e-5
            assert found[name] == pytest.approx(expected[name], rel=relative), (corner, name)


def test_dies_and_mismatch_vary_apart_and_together():
    def cell(index, **varied):
        task = SramMonteCarlo(seed=2, **varied)
        return task.run(task.prepare(), index)

    dies, local, both = (
        cell(1, variation="none", process="global"),
        cell(1, variation="vth"),
        cell(1, variation="vth", process="global"),
    )
    assert both["die_n"] == dies["die_n"] != dies["die_p"]
    assert all(both[f"dvth_{name}_left"] == local[f"dvth_{name}_left"] != 0 for name in ("pull_down", "pull_up"))
    assert all(dies[f"dvth_{name}_left"] == 0 for name in ("pull_down", "pull_up"))
    assert dies["read_snm_q0"] == pytest.approx(dies["read_snm_q1"], rel=1e-6)  # a die has no sides
    assert abs(both["read_snm_q0"] - both["read_snm_q1"]) > 1e-3
