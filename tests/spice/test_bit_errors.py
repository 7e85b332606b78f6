"""Bit errors: the sampled chip against plain counting, against transients it never saw, and its correlations."""

from dataclasses import replace

import numpy as np
import pytest

from bitline.core.errors import ConfigError, FitError, ModelRangeError
from bitline.core.samples import Samples
from circuits.column import ColumnDesign
from circuits.sense_amp import TRANSISTORS
from spice.bit_errors import Chip, chip_failures, figures, shmoo
from spice.characterise import Conditions, part
from spice.column_cycles import AMPLIFIER, CELL, Column, ColumnSetting, read_value
from spice.column_samples import CELL_ROLES, UNITS, ColumnSamples, ColumnSamplesNominal, SampleSetting
from spice.rare.read_swing import reading
from spice.read_model import read_model

SETTING = SampleSetting(Conditions(seed=4), ColumnDesign(cells=128, ways=1), lowest=0.8, supplies=2)
COUNT = 40


@pytest.fixture(scope="module")
def nominal():
    task = ColumnSamplesNominal(SETTING)
    return task.run(task.prepare(), 0)


@pytest.fixture(scope="module")
def samples():
    task = ColumnSamples(SETTING)
    context = task.prepare()
    records = [task.run(context, index) for index in range(COUNT)]
    return Samples(COUNT, {name: np.stack([record[name] for record in records]) for name in records[0]})


@pytest.fixture(scope="module")
def model(nominal, samples):
    return read_model(nominal, samples)


def test_every_field_has_a_unit(nominal, samples):
    assert {*nominal, *samples.columns} <= set(UNITS)


def test_the_fits_hold_for_samples_they_never_saw(model):
    current, offset = model.residual.T
    assert np.all(current < 0.003)  # relative; the spread is 5 %
    assert np.all(offset < 0.5e-3)  # V; the spread is 16 mV


def test_a_cell_has_the_swing_of_its_own_column_in_ngspice(model, samples):
    column = Column(ColumnSetting(SETTING.conditions, SETTING.design))
    varied = SETTING.varied(CELL_ROLES)
    worst = np.argsort(samples["read_current_left"][:, 1])[:2]
    for index in worst:
        scores = samples["cell_scores"][index]
        named = {f"m.{CELL}.m{name}": shift for name, shift in varied.at(scores).items()}
        for stored in (0, 1):
            time, apart = column.develop(stored, 6e-10, named)
            for sensing in (2e-10, 4e-10):
                swing = model.swings(1, sensing, scores, stored)
                assert swing == pytest.approx(np.interp(sensing, time, apart), rel=0.03)


def test_whole_columns_read_as_the_margins_say(model):
    """Cells and amplifiers that the model never saw, as close to failing as they come: the loss decides."""
    column = Column(ColumnSetting(SETTING.conditions, SETTING.design))
    varied = SETTING.varied({**CELL_ROLES, **TRANSISTORS})
    scores = np.random.default_rng(6).standard_normal((4000, len(varied.variables)))
    sensing = model.sensing_time(1, 3e-2)
    speed = model.speeds(1, scores[:, :6], 1)
    margins = model.given(1, sensing, speed, 1) + model.offsets(1, scores[:, 6:])
    at_rest = model.swings(1, sensing, scores[:, :6], 1) + model.offsets(1, scores[:, 6:])
    assert np.mean(margins < 0) > 2 * np.mean(at_rest < 0)  # so much the offset at rest misses
    access = reading(column, sensing, 1)
    close = [np.flatnonzero((low < margins) & (margins < high))[:5] for low, high in ((-8e-3, -4e-3), (4e-3, 8e-3))]
    for index in np.concatenate(close):
        shifts = varied.at(scores[index])
        placed = {f"m.{CELL}.m{name}": shifts[name] for name in CELL_ROLES}
        placed |= {f"m.{AMPLIFIER}.{name}": shifts[name] for name in TRANSISTORS}
        assert read_value(column.run(access, placed), column.vdd, access)[0] == (margins[index] > 0)


def test_rates_are_those_of_counted_reads(model):
    sensing = model.sensing_time(1, 2e-2)
    rates = model.rates(1, np.array([sensing]))[:, 0]
    assert np.mean(rates) == pytest.approx(2e-2, rel=1e-3)
    errors = np.stack([Chip.draw(model, 32, 16, 9, n).errors(1, sensing) for n in range(300)])
    counted = errors.mean(axis=(0, 2, 3))
    spread = 4 * np.std(errors.mean(axis=2), axis=(0, 2)) / np.sqrt(300 * 16)  # columns are what is independent
    assert np.all(np.abs(counted - rates) < spread + 1e-6)
    assert rates[1] > 10 * rates[0]  # the amplifier leans to 0


def test_rates_are_drawn_from_the_studys_seed_and_say_their_error(model, nominal, samples):
    sensing = np.array([model.sensing_time(1, rate) for rate in (1e-2, 1e-6)])
    other = [read_model({**nominal, "seed": seed}, samples) for seed in range(20, 36)]
    rates = np.stack([one.rates(1, sensing) for one in other])
    claimed = model.rates_and_errors(1, sensing)[1]
    assert model.seed == SETTING.conditions.seed == 4
    assert np.all(claimed[1] < 0.05 * model.rates(1, sensing)[1])
    ratio = rates.std(axis=0, ddof=1)[1] / claimed[1]
    assert np.all(np.abs(ratio - 1) < 4 / np.sqrt(2 * 15))
    found = figures({**nominal, "seed": 21}, samples)["bit_error_rate_1"]
    assert found.value == other[1].rates(1, nominal["sensing_time"][1:])[1, 0]
    assert found.source.endswith("loss simulated at swings of 60 to 240 mV, held beyond")


def test_a_loss_beyond_the_simulated_swings_says_so(nominal):
    assert figures(nominal)["loss_0"].source == ""
    assert "60 to 240 mV" in figures({**nominal, "swing_setting": 0.3})["loss_0"].source


def test_errors_share_their_column(model):
    sensing = model.sensing_time(1, 2e-2)
    errors = np.stack([Chip.draw(model, 32, 16, 9, n).errors(1, sensing)[1] for n in range(200)])
    by_column = errors.mean(axis=1)
    rate = errors.mean()
    assert by_column.var() > 5 * rate * (1 - rate) / 32  # independent bits would spread so
    found = chip_failures(model, 1, sensing, 32, 16, 9)
    assert found["failing"] < found["independent"]


def test_a_weak_cell_stays_weak(model):
    chip = Chip.draw(model, 64, 16, 2, 0)
    times = [model.sensing_time(supply, 1e-2) for supply in (0, 1)]
    low, high = (chip.errors(supply, time) for supply, time in enumerate(times))
    both = np.mean(low & high)
    assert both > 10 * np.mean(low) * np.mean(high)
    assert np.all(chip.errors(1, 2 * times[1]) <= high)  # time heals, never harms


def test_more_time_and_more_supply_err_less(model):
    found = shmoo(model, np.geomspace(5e-11, 1e-9, 8))
    assert found.rate.shape == (2, 8)
    assert np.all(np.diff(found.rate, axis=1) <= 0)
    assert np.all(found.rate[0, 3:] >= found.rate[1, 3:])


def test_a_sample_replays_alone(samples):
    task = ColumnSamples(SETTING)
    again = task.run(task.prepare(), 7)
    for name, value in again.items():
        np.testing.assert_array_equal(value, samples[name][7])


def test_errors_say_what_is_missing(model, nominal, samples):
    with pytest.raises(ModelRangeError, match=r"only at 1\.44, 1\.8 V and 27 C"):
        model.at(1.0)
    few = Samples(10, {name: column[:10] for name, column in samples.columns.items()})
    with pytest.raises(FitError, match="ask for more"):
        read_model(nominal, few)
    assert set(figures(nominal, few)) == {"sensing_time", "loss_0", "loss_1", "samples", "failed_samples"}
    same = Samples(COUNT, {**samples.columns, "cell_scores": np.zeros((COUNT, 0))})
    with pytest.raises(FitError, match="nothing varies"):
        read_model(nominal, same)
    with pytest.raises(ConfigError, match="write them in C"):
        part("bit-errors", {"temperatures": "hot"})


def test_figures_are_the_models(model, nominal, samples):
    found = figures(nominal, samples)
    top = model.at(1.8)
    assert found["bit_error_rate_1"].value == model.rates(top, nominal["sensing_time"][1:])[1, 0]
    assert found["sensing_time_1e-03"].value < found["sensing_time_1e-06"].value < found["sensing_time_1e-09"].value
    assert len(TRANSISTORS) == model.offset.shape[1] - 1
    assert 0.005 < found["loss_0"].value < found["loss_1"].value < 0.03
    assert found["samples"].kind == "counted"
    assert found["offset_sigma"].value == pytest.approx(16.5e-3, rel=4 / np.sqrt(2 * COUNT))
    assert replace(SETTING, supplies=1).at()[0].vdd == 1.8


def test_heat_and_full_variation_keep_the_sample():
    """Points are the supplies of one temperature, then of the next; thresholds are the seed's whatever else varies."""
    base = replace(SETTING, supplies=1, temperatures=(27.0, 125.0))
    records = []
    for variation in ("vth", "full"):
        task = ColumnSamples(replace(base, variation=variation))
        records.append(task.run(task.prepare(), 3))
    plain, full = records
    assert plain["offset"].shape == (2,)
    assert plain["read_current_left"][1] < 0.95 * plain["read_current_left"][0]
    assert abs(plain["offset"][1] - plain["offset"][0]) < 15e-3  # one amplifier, heated
    for name, count in (("cell_scores", 6), ("amplifier_scores", 9)):
        np.testing.assert_array_equal(plain[name], full[name][:count])
        assert len(full[name]) > 2 * count - 1
    assert abs(full["offset"][0] - plain["offset"][0]) > 1e-3


def test_points_of_temperatures_have_figures_of_their_own(nominal, samples):
    """The simulated points as though they were two temperatures of one supply."""
    hot = {**nominal, "vdd": np.array([1.8, 1.8]), "temperature": np.array([125.0, 27.0])}
    found, model = figures(hot, samples), read_model(hot, samples)
    assert model.at(1.8, 27.0) == 1
    assert found["sensing_time_125C"].value == nominal["sensing_time"][0]
    assert found["sensing_time_1e-06_27C"].value < found["sensing_time_1e-06_125C"].value
    slices = shmoo(model, np.array([2e-10, 4e-10])).slices()
    assert list(slices) == [125.0, 27.0]
    np.testing.assert_array_equal(slices[27.0].rate[0], shmoo(model, np.array([2e-10, 4e-10])).rate[1])
