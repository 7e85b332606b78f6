import dataclasses
import math

import numpy as np
import pytest

from bitline.core.errors import ConfigError, FitError, SimulationError
from bitline.core.samples import Samples
from circuits.sense_amp import INSTANCE, TRANSISTORS, SenseBench
from circuits.technology import load_technology
from spice.characterise import Conditions
from spice.fits_sense_amp import check_sense_amp, compare_sense_amp, fit_sense_amp
from spice.latch import Latch
from spice.mismatch import variables
from spice.sense_amp import DELAY_DIFFERENCE, UNITS, SenseAmpMonteCarlo, SenseAmpNominal, figures
from spice.sense_failure import Decisions, decisions
from spice.sense_sweep import AXES, offset_spread, sweep

SEED = Conditions(seed=7)
COUNT = 48


@pytest.fixture(scope="module")
def nominal() -> dict:
    task = SenseAmpNominal()
    return task.run(task.prepare(), 0)


@pytest.fixture(scope="module")
def samples() -> Samples:
    task = SenseAmpMonteCarlo(SEED)
    context = task.prepare()
    records = [task.run(context, index) for index in range(COUNT)]
    return Samples(COUNT, {name: np.array([record[name] for record in records]) for name in records[0]})


def test_the_fits_stand_beside_the_samples(nominal: dict, samples: Samples) -> None:
    models = {model.name: model for model in fit_sense_amp(nominal, samples, {})}
    offset, delay = compare_sense_amp(models, nominal, None, samples)
    assert np.array_equal(offset.simulated, np.sort(samples.valid("offset")))
    assert np.array_equal(samples["offset"][offset.index], offset.simulated)
    assert np.std(offset.error) < 0.3 * np.std(offset.simulated)  # quantiles of a normal one
    assert delay.held_out.sum() == np.isfinite(samples.valid("checked_delay")).sum()
    assert np.sqrt(np.mean(delay.error[delay.held_out] ** 2)) == pytest.approx(models["sense_amp.delay"].residual.rms)


@pytest.fixture
def latch() -> Latch:
    return SenseAmpNominal().prepare()


def test_decisions_flip_at_the_offset(latch: Latch, nominal: dict) -> None:
    for beyond in (-0.5e-3, 0.5e-3):
        end = latch.transient(nominal["offset"] + beyond, latch.window)
        assert np.sign(end["xsense.dint_bar"][-1] - end["xsense.dint"][-1]) == np.sign(beyond)


def test_the_offset_does_not_hang_on_the_time_step(latch: Latch, nominal: dict) -> None:
    latch.step = 0.5e-12
    assert latch.offset() == pytest.approx(nominal["offset"], abs=0.2e-3)


def test_the_one_sided_load_leans_to_0_by_what_the_parasitics_allow(nominal: dict) -> None:
    assert -0.095 < nominal["offset"] < -0.04
    heavy = SenseAmpNominal(bench=SenseBench(c_internal=100e-15)).prepare()
    assert abs(heavy.offset()) < abs(nominal["offset"]) / 4  # the inverter's share of the load vanishes


def test_the_offset_follows_the_thresholds_of_the_latch_pair(latch: Latch, nominal: dict) -> None:
    latch.set_vth({"mn_int": 10e-3, "mn_bar": 10e-3})
    together = latch.offset()
    latch.set_vth({"mn_int": 10e-3, "mn_bar": -10e-3})
    apart = latch.offset()
    assert together == pytest.approx(nominal["offset"], abs=3e-3)
    # a slower left side (dint) needs the right bit line that much higher to be beaten
    assert apart - nominal["offset"] == pytest.approx(20e-3, rel=0.25)


def test_sigma_agrees_with_the_pair_formula(samples: Samples) -> None:
    # sqrt(2) sigma of the latch's NFETs, and up to a fifth more from the PFETs and the path through the pass devices
    pair = math.sqrt(2) * load_technology().device("nmos").sigma("vth")
    assert pair == pytest.approx(15.2e-3, abs=0.1e-3)
    shifts = samples["vth"]
    linear, *_ = np.linalg.lstsq(np.column_stack([np.ones(COUNT), shifts]), samples["offset"], rcond=None)
    sigmas = [load_technology().device(role).sigma("vth") for role in TRANSISTORS.values()]
    sigma = math.hypot(*(linear[1:] * sigmas))
    assert pair < sigma < 1.2 * pair
    sampling = 4 / math.sqrt(2 * COUNT)
    assert np.std(samples["offset"], ddof=1) == pytest.approx(sigma, rel=sampling)


def test_the_latch_nfets_dominate(samples: Samples) -> None:
    terms = np.column_stack([np.ones(COUNT), samples["vth"]])
    linear, *_ = np.linalg.lstsq(terms, samples["offset"], rcond=None)
    weight = dict(zip(TRANSISTORS, linear[1:], strict=True))
    assert weight["mn_int"] > 0 > weight["mn_bar"]
    assert min(abs(weight["mn_int"]), abs(weight["mn_bar"])) > 5 * max(
        abs(value) for name, value in weight.items() if name not in ("mn_int", "mn_bar")
    )


def test_a_sample_replays_alone_with_the_same_bits(samples: Samples) -> None:
    task = SenseAmpMonteCarlo(SEED)
    context = task.prepare()
    for index in (5, 2):
        again = task.run(context, index)
        assert again["offset"] == samples["offset"][index]
        assert again["delay"] == samples["delay"][index]
        assert np.array_equal(again["vth"], samples["vth"][index])


def test_another_seed_draws_another_amplifier(samples: Samples) -> None:
    task = SenseAmpMonteCarlo(dataclasses.replace(SEED, seed=8))
    assert task.run(task.prepare(), 0)["offset"] != samples["offset"][0]


def test_more_overdrive_decides_sooner(nominal: dict) -> None:
    assert np.all(np.diff(nominal["overdrive_delay"]) < 0)


def test_waveforms_show_a_0_and_a_1(nominal: dict) -> None:
    assert nominal["read0_dout"][-1] == pytest.approx(0.0, abs=0.02)
    assert nominal["read1_dout"][-1] == pytest.approx(1.8, abs=0.02)
    for bit in (0, 1):
        assert abs(nominal[f"read{bit}_dint"][-1] - nominal[f"read{bit}_dint_bar"][-1]) == pytest.approx(1.8, abs=0.05)
        assert np.ptp(nominal[f"read{bit}_bl"]) < 1e-9


def test_energy_is_that_of_the_capacitances_charged(nominal: dict) -> None:
    # a cycle charges one internal node, the output (when it rises), the enable's gates: tens of femtofarads at 1.8 V
    assert 5e-15 * 1.8**2 < nominal["energy"] < 50e-15 * 1.8**2


def test_every_field_has_a_unit(nominal: dict, samples: Samples) -> None:
    assert {*nominal, *samples.columns} <= set(UNITS)


def test_figures_count_failed_samples(nominal: dict, samples: Samples) -> None:
    holed = Samples(samples.count, samples.columns, {3: "no convergence"})
    found = figures(nominal, holed)
    assert found["failed_samples"].value == 1
    assert found["samples"].value == COUNT
    kept = np.delete(samples["offset"], 3)
    assert found["offset_mean"].value == pytest.approx(np.mean(kept))
    assert found["offset_sigma"].value == pytest.approx(np.std(kept, ddof=1))
    assert found["offset"].value == nominal["offset"]
    assert set(figures(nominal)) == {"offset", "delay", "energy"}
    assert {found[name].kind for name in ("samples", "failed_samples", "delay_undecided")} == {"counted"}


def test_the_fitted_delay_holds_for_samples_it_never_saw(nominal: dict, samples: Samples) -> None:
    offset, delay = fit_sense_amp(nominal, samples, {"corner": "tt"})
    overdrive = samples["offset"] - DELAY_DIFFERENCE
    assert delay(overdrive) == pytest.approx(samples["delay"], rel=0.05)
    assert delay.residual.rms < 0.03 * nominal["delay"]
    assert delay.residual.samples == COUNT
    assert offset(0.0) == pytest.approx(np.mean(samples["offset"]))
    assert offset(1.0) - offset(0.0) == pytest.approx(np.std(samples["offset"], ddof=1))
    assert 0 < offset.residual.maximum < offset.residual.limit
    assert offset.parameters["nonlinearity"] < 1e-3
    assert offset.provenance["corner"] == "tt"


def test_too_few_samples_fit_nothing(nominal: dict, samples: Samples) -> None:
    few = Samples(3, {name: column[:3] for name, column in samples.columns.items()})
    with pytest.raises(FitError, match="needs 24 samples"):
        fit_sense_amp(nominal, few, {})


def test_a_slow_corner_at_low_supply_is_still_measured() -> None:
    latch = SenseAmpNominal(Conditions(corner="ss", temperature=-40.0, vdd=1.2)).prepare()
    assert -0.1 < latch.offset() < 0
    assert latch.delay(DELAY_DIFFERENCE) > 5e-10


def test_a_common_mode_outside_the_supply_is_an_error() -> None:
    with pytest.raises(ConfigError, match="raise vdd"):
        SenseAmpNominal(Conditions(vdd=0.1)).prepare()


def test_a_wrong_spread_or_delay_does_not_pass_the_check(nominal: dict, samples: Samples) -> None:
    half = Samples(COUNT // 2, {name: column[: COUNT // 2] for name, column in samples.columns.items()})
    rest = Samples(COUNT - COUNT // 2, {name: column[COUNT // 2 :] for name, column in samples.columns.items()})
    models = {model.name: model for model in fit_sense_amp(nominal, half, {})}
    right = check_sense_amp(models, nominal, rest)
    assert all(found.maximum < found.limit and found.samples == rest.count for found in right.values())
    for change in ({"mean": 0.0}, {"sigma": 0.1}):
        offset = dataclasses.replace(
            models["sense_amp.offset"], parameters={**models["sense_amp.offset"].parameters, **change}
        )
        wrong = check_sense_amp({**models, "sense_amp.offset": offset}, nominal, rest)["sense_amp.offset"]
        assert wrong.maximum > wrong.limit
    slow = {**models["sense_amp.delay"].parameters, "a": 1.3 * models["sense_amp.delay"].parameters["a"]}
    delay = dataclasses.replace(models["sense_amp.delay"], parameters=slow)
    wrong = check_sense_amp({**models, "sense_amp.delay": delay}, nominal, rest)["sense_amp.delay"]
    assert wrong.maximum > wrong.limit


def test_an_output_that_never_rises_is_an_error_and_a_sample_without_delay_keeps_its_offset(monkeypatch) -> None:
    latch = SenseAmpNominal().prepare()
    stuck = {"time": np.array([0.0, 1e-9]), "dout": np.zeros(2), f"{INSTANCE}.dint_bar": np.zeros(2)}
    monkeypatch.setattr(latch, "transient", lambda _difference, _stop: stuck)
    with pytest.raises(SimulationError, match="does not rise within"):
        latch.delay(-0.2)
    task = SenseAmpMonteCarlo(SEED)
    latch, nominal = task.prepare()
    monkeypatch.setattr(latch, "offset", lambda _around: 0.01)
    monkeypatch.setattr(latch, "transient", lambda _difference, _stop: stuck)
    record = task.run((latch, nominal), 0)
    assert record["offset"] == 0.01
    assert np.isnan(record["delay"])


def test_full_variation_has_the_thresholds_of_the_seed_and_spreads_more(samples: Samples) -> None:
    task = SenseAmpMonteCarlo(SEED, variation="full")
    context = task.prepare()
    records = [task.run(context, index) for index in range(24)]
    for index, record in enumerate(records):
        assert np.array_equal(record["vth"], samples["vth"][index])
        assert record["toxe"].shape == (9,)
    apart = [record["offset"] - samples["offset"][index] for index, record in enumerate(records)]
    assert 8e-3 < np.std(apart) < 40e-3  # oxides alone shift a latch NFET as far as its threshold does
    drawn = Samples(24, {name: np.array([record[name] for record in records]) for name in records[0]})
    with pytest.raises(FitError, match=r"needs 60 samples.*24"):
        fit_sense_amp({"common_mode": 1.6}, drawn, {})
    assert len(variables(context[0].variation.devices, "full")) == 27


def test_nothing_varies_with_variation_none(nominal: dict) -> None:
    task = SenseAmpMonteCarlo(SEED, variation="none")
    context = task.prepare()
    records = [task.run(context, index) for index in range(24)]
    drawn = Samples(24, {name: np.array([record[name] for record in records]) for name in records[0]})
    found = figures(nominal, drawn, "variation: none")
    assert found["offset_sigma"].value == found["delay_sigma"].value == 0.0
    assert found["offset_mean"].source == "variation: none"
    assert not any(name.startswith("failure") for name in found)
    with pytest.raises(FitError, match="same in all samples"):
        fit_sense_amp(nominal, drawn, {})


def test_failures_are_those_of_counted_transients(nominal: dict, samples: Samples) -> None:
    """300 amplifiers that the spreads were not taken from: wrong or undecided at a time, one transient each."""
    found = decisions(nominal, samples)
    latch, total, difference = Latch(SEED, SenseBench()), 300, 0.08
    outputs, times = [], np.array([190e-12, 250e-12])
    for index in range(total):
        latch.vary(latch.variation.draw(np.random.default_rng([11, index])))
        run = latch.transient(-difference, latch.bench.enabled + 300e-12)
        outputs.append(np.interp(latch.bench.enabled + times, run["time"], run["dout"]))
    counted = np.mean(np.array(outputs) < latch.vdd / 2, axis=0)
    expected = found.failure(times, difference)
    assert 5e-3 < expected[1] < expected[0] < 0.5
    # counting, and mean and sigma that are known to sigma / sqrt(n) and to 1 / sqrt(2 n)
    score = np.abs(np.log(expected)) * 2 / COUNT**0.5
    error = np.sqrt(expected * (1 - expected) / total) + expected * score
    assert np.all(np.abs(counted - expected) < 3 * error)
    figure = figures(nominal, samples)
    assert figure["failed_reads_1x"].value > figure["failed_reads_2x"].value
    assert figure["failure_probability_3x"].value == pytest.approx(
        found.failure(1.0, nominal["read_difference"]), rel=0.05
    )


def test_decisions_in_their_limits() -> None:
    known = Decisions(mean=-0.05, sigma=0.015, start=60e-12, tau=30e-12)
    assert known.failure(1.0, 0.05) == pytest.approx(0.5)  # at leisure, the offset alone decides
    assert known.failure(60e-12, 0.2) > 0.999  # there an overdrive of 1 V is needed
    assert np.all(np.diff(known.failure(np.linspace(1e-10, 4e-10, 20), 0.1)) < 0)
    assert np.all(np.diff(known.failure(2e-10, np.linspace(0.05, 0.2, 20))) < 0)
    late = dataclasses.replace(known, bias=10e-12, spread=1e-15)
    assert late.failure(2e-10, 0.08) == pytest.approx(known.failure(1.9e-10, 0.08), rel=1e-3)


def test_offsets_follow_their_loads(nominal: dict, samples: Samples) -> None:
    with pytest.raises(ConfigError, match="3 points or more"):
        sweep(SEED, SenseBench(), "vth", 2)
    offset, sigma = offset_spread(SEED, SenseBench(), "vth")
    assert offset == pytest.approx(nominal["offset"], abs=1e-4)
    assert sigma == pytest.approx(np.std(samples["offset"], ddof=1), rel=4 / math.sqrt(2 * COUNT))
    even = Latch(SEED, SenseBench(c_difference=-2e-15)).offset()  # about the output inverter's gate
    assert abs(even) < 0.1 * abs(nominal["offset"])
    assert (even - nominal["offset"]) / -2 == pytest.approx(-25e-3, rel=0.1)  # V per fF
    points = AXES["c_difference"].points(5, SenseBench())
    assert np.all(np.abs(points) < 2 * SenseBench().c_internal)


def test_a_sample_that_failed_is_a_failed_read(nominal: dict, samples: Samples) -> None:
    whole = figures(nominal, samples)
    lost = figures(nominal, dataclasses.replace(samples, failures={0: "no convergence", 1: "no convergence"}))
    for times in (1, 3):
        name = f"failed_reads_{times}x"
        still = int(np.sum(~(samples["read_delay"][2:] <= times * nominal["read_delay"])))
        assert lost[name].value == still + 2
    assert lost["failed_reads_3x"].value > whole["failed_reads_3x"].value
