"""Bit errors: the sampled chip against plain counting, against transients it never saw, and its correlations."""

from dataclasses import replace

import numpy as np
import pytest

from bitline.core.errors import FitError, ModelRangeError
from bitline.core.samples import Samples
from circuits import cells, sense_amp
from circuits.column import ColumnDesign
from circuits.technology import load_technology
from spice.bit_errors import Chip, chip_failures, figures, read_model, shmoo
from spice.characterise import Conditions
from spice.column_cycles import CELL, Column, ColumnSetting
from spice.column_samples import UNITS, ColumnSamples, ColumnSamplesNominal, SampleSetting

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
    sigma = np.array([load_technology().device(name.rsplit("_", 1)[0]).sigma("vth") for name in cells.DEVICES])
    worst = np.argsort(samples["read_current_left"][:, 1])[:2]
    for index in worst:
        shifts = samples["cell_vth"][index]
        named = dict(zip((f"m.{CELL}.m{name}" for name in cells.DEVICES), shifts, strict=True))
        for stored in (0, 1):
            time, apart = column.develop(stored, 6e-10, named)
            for sensing in (2e-10, 4e-10):
                swing = model.swings(1, sensing, shifts / sigma, stored)
                assert swing == pytest.approx(np.interp(sensing, time, apart), rel=0.03)


def test_rates_are_those_of_counted_reads(model):
    sensing = model.sensing_time(1, 2e-2)
    rates = model.rates(1, np.array([sensing]))[:, 0]
    assert np.mean(rates) == pytest.approx(2e-2, rel=1e-3)
    errors = np.stack([Chip.draw(model, 32, 16, 9, n).errors(1, sensing) for n in range(300)])
    counted = errors.mean(axis=(0, 2, 3))
    spread = 4 * np.std(errors.mean(axis=2), axis=(0, 2)) / np.sqrt(300 * 16)  # columns are what is independent
    assert np.all(np.abs(counted - rates) < spread + 1e-6)
    assert rates[1] > 10 * rates[0]  # the amplifier leans to 0


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
    with pytest.raises(ModelRangeError, match=r"only at 1\.44, 1\.8 V"):
        model.at(1.0)
    few = Samples(10, {name: column[:10] for name, column in samples.columns.items()})
    with pytest.raises(FitError, match="ask for more"):
        read_model(nominal, few)
    assert set(figures(nominal, few)) == {"sensing_time", "samples", "failed_samples"}


def test_figures_are_the_models(model, nominal, samples):
    found = figures(nominal, samples)
    top = model.at(1.8)
    assert found["bit_error_rate_1"].value == model.rates(top, np.array([nominal["sensing_time"]]))[1, 0]
    assert found["sensing_time_1e-03"].value < found["sensing_time_1e-06"].value < found["sensing_time_1e-09"].value
    sigma = [load_technology().device(role).sigma("vth") for role in sense_amp.TRANSISTORS.values()]
    assert len(sigma) == model.offset.shape[1] - 1
    assert found["offset_sigma"].value == pytest.approx(16.5e-3, rel=4 / np.sqrt(2 * COUNT))
    assert replace(SETTING, supplies=1).at()[0].vdd == 1.8
