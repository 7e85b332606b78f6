import dataclasses
import math
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bitline.core.errors import ConfigError, SimulationError
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits.sar_comparator import ComparatorBench, StrongArm
from circuits.technology import load_technology
from spice.characterise import Conditions, part
from spice.clocked import run_once
from spice.mismatch import thresholds
from spice.sar_comparator import (
    OVERDRIVES,
    STEP,
    UNITS,
    Comparator,
    ComparatorMonteCarlo,
    ComparatorNominal,
    figures,
    metastability,
    regeneration,
)
from spice.sar_noise import BOLTZMANN, GAMMA, SOURCES, bench_lines, noise

SEED = Conditions(seed=5)
COUNT = 16
_ONE = 1.0e-3  # V of threshold: small enough to be linear


@pytest.fixture(scope="module")
def nominal() -> dict:
    task = ComparatorNominal(SEED)
    return task.run(task.prepare(), 0)


@pytest.fixture(scope="module")
def samples() -> Samples:
    task = ComparatorMonteCarlo(SEED)
    context = task.prepare()
    records = [task.run(context, index) for index in range(COUNT)]
    return Samples(COUNT, {name: np.array([record[name] for record in records]) for name in records[0]})


def linear_sigma(what: Comparator) -> float:
    """Sigma of the offset from its slope with each transistor's threshold."""
    context = what.loaded(SEED)
    sigmas = []
    for name, device in context.variation.devices.items():
        context.straighten()
        context.vary(thresholds({name: _ONE}))
        sigmas.append((context.find_flip() - context.flip) / _ONE * device.sigma("vth"))
    return math.hypot(*sigmas)


@pytest.fixture(scope="module")
def sigma() -> float:
    return linear_sigma(Comparator())


def test_both_sides_are_alike_and_the_sign_is_the_inputs(nominal: dict) -> None:
    assert abs(nominal["offset"]) < 1e-6
    context = Comparator().loaded(SEED)
    assert context.reads_one(1e-4)
    assert not context.reads_one(-1e-4)


def test_the_offset_follows_the_thresholds_of_the_input_pair() -> None:
    context = Comparator().loaded(SEED)
    context.vary(thresholds({"in_p": 10e-3, "in_n": -10e-3}))
    assert context.find_flip() == pytest.approx(20e-3, rel=0.1)  # a weaker side needs that much more input
    context.vary(thresholds({"in_p": 10e-3, "in_n": 10e-3}))
    assert context.find_flip() == pytest.approx(0.0, abs=0.2e-3)


def test_the_offset_does_not_hang_on_the_time_step() -> None:
    context = Comparator().loaded(SEED)
    context.vary(context.variation.draw(stream(1, "a test", 0)))
    found = context.find_flip()
    context.step = STEP / 4
    assert context.find_flip() == pytest.approx(found, abs=1e-5)


def test_sigma_falls_with_the_root_of_the_pairs_area(sigma: float) -> None:
    # the share of the pair goes as 1 / sqrt(W L); that of the latch stays and is the difference
    small, large = linear_sigma(Comparator(StrongArm(pair=1))), sigma
    pair = math.sqrt(2) * load_technology().device("nmos").sigma("vth")
    assert pair < small < 1.2 * pair
    assert pair / 2 < large < 1.5 * pair / 2
    assert small / large == pytest.approx(2, rel=0.2)


def test_samples_have_the_spread_that_slopes_give(samples: Samples, sigma: float) -> None:
    assert np.std(samples["offset"], ddof=1) == pytest.approx(sigma, rel=3 / math.sqrt(2 * COUNT))
    assert abs(np.mean(samples["offset"])) < 4 * sigma / math.sqrt(COUNT)


def test_full_variation_spreads_wider_on_the_same_thresholds() -> None:
    task = ComparatorMonteCarlo(SEED, Comparator(variation="full"))
    context = task.prepare()
    record = task.run(context, 0)
    alone = ComparatorMonteCarlo(SEED)
    again = alone.run(alone.prepare(), 0)
    np.testing.assert_array_equal(record["vth"], again["vth"])
    assert record["offset"] != again["offset"]
    assert {"toxe", "voff"} <= set(record)


def test_a_sample_replays_alone_with_the_same_bits(samples: Samples) -> None:
    task = ComparatorMonteCarlo(SEED)
    context = task.prepare()
    for index in (7, 3):
        assert task.run(context, index)["offset"] == samples["offset"][index]


def test_delay_falls_with_overdrive_by_the_time_constant(nominal: dict) -> None:
    delay = nominal["overdrive_delay"]
    assert np.all(np.diff(delay) < 0)
    slope = (delay[0] - delay[2]) / math.log(OVERDRIVES[2] / OVERDRIVES[0])
    assert slope == pytest.approx(nominal["regeneration"], rel=0.05)


def test_a_heavier_output_regenerates_more_slowly(nominal: dict) -> None:
    heavy = Comparator(StrongArm(c_output=20e-15)).loaded(SEED)
    assert regeneration(heavy, 0.0) > 1.5 * nominal["regeneration"]


def test_metastability_falls_by_e_a_time_constant(nominal: dict) -> None:
    one, other = (metastability(nominal, time, 0.9) for time in (1e-9, 1e-9 + nominal["regeneration"]))
    assert one / other == pytest.approx(math.e)
    assert metastability(nominal, 0.0, 0.9) == 1.0
    # at the time that the least measured overdrive takes it is that overdrive's share
    at = metastability(nominal, float(nominal["overdrive_delay"][0]), 0.9)
    assert at == pytest.approx(2 * OVERDRIVES[0] / 0.9)


def test_kickback_is_what_a_smaller_capacitor_holds_less_well(nominal: dict) -> None:
    run = Comparator(bench=ComparatorBench(c_source=0.25e-12)).loaded(SEED).transient(0.01)
    assert np.max(np.abs(run["inp"] - run["inp"][0])) == pytest.approx(4 * nominal["kickback"], rel=0.15)


def test_energy_is_that_of_the_capacitances_charged(nominal: dict) -> None:
    # one output (5 fF and gates), both inner nodes (3 fF each), the tail and the clock's gates: at 1.8 V
    assert 15e-15 * 1.8**2 < nominal["energy"] < 60e-15 * 1.8**2


def test_noise_falls_with_the_root_of_the_capacitance(nominal: dict) -> None:
    # the pair's share is 1 / (gm T), and the time T that it integrates grows with the capacitance
    light, heavy = (
        noise(what.netlist(SEED, extra=bench_lines()), what.bench.inputs, 27.0, 0.0, 6e-9)["noise"]
        for what in (Comparator(StrongArm(c_internal=c, c_output=c)) for c in (20e-15, 80e-15))
    )
    assert light / heavy == pytest.approx(2, rel=0.25)
    assert light < nominal["noise"]
    hot = Comparator().netlist(SEED, extra=bench_lines())
    twice = noise(hot, ComparatorBench().inputs, 2 * 300.15 - 273.15, 0.0, 2e-9)["noise"]  # of the noise alone
    assert twice == pytest.approx(math.sqrt(2) * nominal["noise"], rel=0.02)


def test_transients_with_noise_in_them_spread_as_the_sensitivities_say(nominal: dict) -> None:
    """Channel noise as random steps in current sources, in ngspice: the outputs' spread over their gain."""
    what, count, step = Comparator(), 36, 4e-12
    extra = bench_lines()
    balanced = run_once(what.netlist(SEED, extra=extra), what.bench.inputs(0.0), 2e-12, 0.6e-9)
    tested = run_once(what.netlist(SEED, extra=extra), what.bench.inputs(5e-5), 2e-12, 0.6e-9)
    apart = tested["outp"] - tested["outn"]
    seen = float(tested["time"][np.flatnonzero(np.abs(apart) > 0.03)[0]])

    def at(run: dict) -> float:
        return float(np.interp(seen, run["time"], run["outp"] - run["outn"]))

    gain = (at(tested) - at(balanced)) / 5e-5
    times = np.arange(50e-12, seen, step)
    rng, outputs = np.random.default_rng(3), []
    inner = {"x_p": "xcmp.x_p", "x_n": "xcmp.x_n", "tail": "xcmp.tail"}
    other = {"x_p": "x_n", "outn": "outp"}  # the node of the other side
    for _ in range(count):
        lines = []
        for number, (name, drain, source) in enumerate(SOURCES.values()):
            gm = np.interp(times, balanced["time"], balanced[f"@m.xcmp.m{name}[gm]"])
            # white: variance 2 k T gamma gm / step of the current held for a step
            sigma = np.sqrt(2 * BOLTZMANN * 300.15 * GAMMA * np.abs(gm) / step)
            for side in "pn":
                named = [node if side == "p" else other.get(node, node) for node in (drain, source)]
                nodes = [inner.get(node, node) for node in named]
                current = sigma * rng.standard_normal(len(times))
                held = np.column_stack([times, current, times + step - 1e-14, current]).ravel()
                corners = " ".join(repr(float(value)) for value in held)
                lines.append(f"inoise{number}{side} {nodes[0]} {nodes[1]} dc 0 pwl(0 0 {corners})")
        run = run_once(what.netlist(SEED, extra=tuple(lines)), what.bench.inputs(0.0), 2e-12, seen + 2e-12)
        outputs.append(at(run))
    found = np.std(outputs, ddof=1) / abs(gain)
    assert found == pytest.approx(nominal["noise"], rel=3 / math.sqrt(2 * count))


def test_the_exported_netlist_gives_the_same_delay_in_plain_ngspice(nominal: dict, tmp_path: Path) -> None:
    deck = tmp_path / "decision.cir"
    deck.write_text(part("sar-comparator").netlists(SEED)["decision"].deck())
    ran = subprocess.run(["ngspice", "-b", deck], capture_output=True, text=True, check=True, cwd=tmp_path)  # noqa: S607
    (delay,) = re.findall(r"^delay += +(\S+)", ran.stdout, re.MULTILINE)
    assert float(delay) == pytest.approx(nominal["delay"], rel=1e-3)


def test_every_field_has_a_unit_and_figures_their_kind(nominal: dict, samples: Samples) -> None:
    assert {*nominal, *samples.columns} <= set(UNITS)
    found = figures(nominal, samples, "vth", 1e-9, 0.9)
    assert found["noise"].kind == found["metastability"].kind == "modelled"
    assert found["offset_sigma"].source == "variation: vth"
    assert 0 < found["metastability"].value < 1e-4


def test_impossible_settings_are_errors() -> None:
    for settings, said in (
        ({"pair": 0}, "1, 2, 3"),
        ({"c_source": 0.0}, "c_source"),
        ({"variation": "vht"}, "did you mean"),
    ):
        with pytest.raises(ConfigError, match=said):
            part("sar-comparator", settings)
    with pytest.raises(ConfigError, match="common"):
        ComparatorNominal(dataclasses.replace(SEED, vdd=0.8), Comparator()).prepare()
    with pytest.raises(ConfigError, match="whole number"):
        part("sar-comparator", {"pair": 1.5})
    low = Comparator(bench=ComparatorBench(common=0.3))
    with pytest.raises(SimulationError, match="raise the supply or the inputs' common mode"):
        ComparatorNominal(SEED, low).prepare()
