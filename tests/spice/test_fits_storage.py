"""Fits of an SRAM macro as storage: what is known comes back, what strays shows, and the benches' own symmetries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bitline.core.errors import ConfigError, FitError, ModelRangeError
from bitline.core.model_file import FittedModel, quadratic_terms
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits import cells
from spice.characterise import Conditions
from spice.column_samples import CELL_ROLES
from spice.fits_storage import check_storage, fit_storage
from spice.mismatch import thresholds
from spice.storage_drawing import Drawing
from spice.storage_samples import FIELDS, StorageDesign
from spice.storage_setting import FARTHEST, SWINGS, StorageSetting, resting_scores, wide_scores

SETTING = StorageSetting(cells=32)
LOSS_SWINGS = np.array([0.06, 0.12, 0.24])
RNG = stream(5, "test.storage")
QUADRATIC = RNG.normal(size=(3, 28)) * np.array([[0.1], [0.02], [0.01]])  # constant, of the temperature, of the supply
SLOPES = RNG.normal(size=(3, 9)) * 0.01
RETENTION = np.concatenate([[0.3, 0.02], RNG.normal(size=6) * 0.03, RNG.normal(size=28) * 1e-3])


def at(conditions: Conditions) -> tuple[float, float]:
    return conditions.temperature / 100, conditions.vdd - 1.5


def cell_value(conditions: Conditions, scores: np.ndarray) -> np.ndarray:
    t, v = at(conditions)
    coefficients = QUADRATIC[0] + t * QUADRATIC[1] + (v + v * v * t * t) * QUADRATIC[2]
    return np.exp(quadratic_terms(scores[:, :6]) @ coefficients + further(scores))


def offset_value(conditions: Conditions, scores: np.ndarray) -> np.ndarray:
    t, v = at(conditions)
    slopes = SLOPES[0] + t * SLOPES[1] + v * SLOPES[2]
    return -0.02 + 0.01 * t * v + scores[:, :9] @ slopes + 1e-3 * scores[:, 9:].sum(axis=1)


def retained(conditions: Conditions, scores: np.ndarray) -> np.ndarray:
    t = np.full((len(scores), 1), conditions.temperature / 100)
    return quadratic_terms(np.concatenate([t, scores[:, :6]], axis=1)) @ RETENTION + 0.1 * further(scores)


def further(scores: np.ndarray) -> np.ndarray:
    """Linear in what varies beside the six thresholds, of the left transistors alone."""
    return scores[:, 6:9] @ np.array([0.03, 0.02, -0.01])[: scores[:, 6:9].shape[1]]


def mirrored(count: int = 6) -> list[int]:
    swap = dict(zip(cells.SIDES, cells.SIDES[::-1], strict=True))
    names = [name.rpartition("_") for name in cells.DEVICES]
    once = [cells.DEVICES.index(f"{role}_{swap[side]}") for role, _, side in names]
    return [block + index for block in range(0, count, 6) for index in once]  # a parameter after the other


def drawn(conditions: Conditions, cell: np.ndarray, amplifier: np.ndarray) -> dict[str, np.ndarray]:
    other = cell[:, mirrored(cell.shape[1])]
    zero, one = retained(conditions, cell), retained(conditions, other)
    return {
        "read_current_left": 1e-5 * cell_value(conditions, cell),
        "read_current_right": 1e-5 * cell_value(conditions, other),
        "write_time_0": 4e-11 / cell_value(conditions, cell),
        "write_time_1": 4e-11 / cell_value(conditions, other),
        "offset": offset_value(conditions, amplifier),
        "drv": np.maximum(zero, one),
        "drv_lost": np.where(zero >= one, 0.0, 1.0),
    }


def macro_value(conditions: Conditions) -> float:
    t, v = at(conditions)
    return float(1e-9 * np.exp(0.2 * t - v + 0.3 * v * v + 0.1 * t * t * v))


def leakage(temperature: float, vdd: float) -> float:
    """Below thresholds, and a floor that is no slower function of the supply: they part where a low order misses."""
    subthreshold = 1e-8 * np.exp(-20 * (300 / (273.15 + temperature) - 1) + 0.8 * vdd)
    return float(subthreshold + 2e-11 * np.exp(4 * (vdd - 1.2)))


def samples_of(count: int, rows: list[dict[str, np.ndarray]]) -> Samples:
    return Samples(count, {name: np.stack([row[name] for row in rows]) for name in rows[0]})


def made(setting: StorageSetting = SETTING) -> tuple[dict[str, object], Samples, Samples]:
    """Nominal record, samples of the design and of mismatch, from known functions."""
    cell, amplifier = wide_scores(setting)
    rows = []
    swings = np.array(SWINGS)
    for index, one in enumerate(StorageDesign(setting).conditions):
        times = macro_value(one) * np.exp(2 * swings - swings**2)
        loss = np.stack([(0.01 + 0.1 * LOSS_SWINGS**2) * (1 + bit * at(one)[0]) for bit in (0, 1)])
        figures = {f"macro_{name}": np.array(macro_value(one)) for name in FIELDS}
        resting, around = resting_scores(setting, index), setting.leakage_temperatures(index)
        at_rest = drawn(one, resting, amplifier)
        rows.append(
            {
                "temperature": np.array(one.temperature),
                "vdd": np.array(one.vdd),
                "swing_time": times,
                "loss": loss,
                "replica_time": np.array(macro_value(one)),
                "node": np.array(float(index < 9)),
                "rest_scores": resting,
                **{f"rest_{name}": at_rest[name] for name in ("drv", "drv_lost")},
                "rest_temperature": around,
                "rest_leakage": np.array([leakage(float(t), one.vdd) for t in around]),
                "cell_scores": cell,
                "amplifier_scores": amplifier,
                **figures,
                **drawn(one, cell, amplifier),
            }
        )
    own, other = setting.varied()
    between = setting.between()
    nominal = {
        **{f"{n}_variables": ",".join(x.name for x in v.variables) for n, v in (("cell", own), ("amplifier", other))},
        **{f"{n}_sigma": np.array([x.sigma for x in v.variables]) for n, v in (("cell", own), ("amplifier", other))},
        "loss_swing": LOSS_SWINGS,
        "other_temperature": np.array([one.temperature for one in between]),
        "other_vdd": np.array([one.vdd for one in between]),
    }
    rng = stream(6, "test.storage")
    scores, more = (rng.standard_normal((20, len(varied.variables))) for varied in setting.varied())
    each = [drawn(one, scores, more) for one in between]
    mismatch = {name: np.stack([one[name] for one in each], axis=-1) for name in each[0]}
    return nominal, samples_of(11, rows), Samples(20, {**mismatch, "cell_scores": scores, "amplifier_scores": more})


@pytest.fixture(scope="module")
def fitted() -> dict[str, FittedModel]:
    nominal, design, _ = made()
    return {model.name: model for model in fit_storage(nominal, design, {"part": "sram_storage"})}


@pytest.mark.parametrize("variation", ["vth", "full"])
def test_known_functions_come_back_between_the_nodes(variation: str) -> None:
    setting = replace(SETTING, variation=variation)
    nominal, design, _ = made(setting)
    fitted = {model.name: model for model in fit_storage(nominal, design, {})}
    cell, amplifier = (varied.variables for varied in setting.varied())
    rng = stream(8, "test.storage")
    scores, more = (rng.standard_normal((30, len(varied))) for varied in (cell, amplifier))
    side = mirrored(len(cell))
    shifts, other = scores * [one.sigma for one in cell], more * [one.sigma for one in amplifier]
    for one in (replace(setting.conditions, temperature=60.0, vdd=1.33), *setting.between()):
        where = one.temperature, one.vdd
        found = fitted["storage.read_current"](*where, *shifts.T)
        assert found == pytest.approx(1e-5 * cell_value(one, scores), rel=1e-8)
        found = fitted["storage.cell_write_time"](*where, *shifts[:, side].T)
        assert found == pytest.approx(4e-11 / cell_value(one, scores[:, side]), rel=1e-8)
        assert fitted["storage.offset"](*where, *other.T) == pytest.approx(offset_value(one, more), abs=1e-10)
        found = fitted["storage.drv"](one.temperature, *shifts.T)
        assert found == pytest.approx(retained(one, scores), abs=1e-9)
        for name in {*FIELDS, "replica_time"} - {"leakage"}:
            assert fitted[f"storage.{name}"](*where) == pytest.approx(macro_value(one), rel=1e-9)
        swing = np.array([0.07, 0.31, 0.58])
        found = fitted["storage.swing_time"](*where, swing)
        assert found == pytest.approx(macro_value(one) * np.exp(2 * swing - swing**2), rel=1e-8)
        found = fitted["storage.loss_1"](*where, 0.2)
        assert found == pytest.approx((0.01 + 0.1 * 0.04) * (1 + at(one)[0]), rel=1e-8)


def test_the_leakage_follows_both_of_its_mechanisms_between_the_nodes(fitted: dict[str, FittedModel]) -> None:
    model = fitted["storage.leakage"]
    assert model.residual.samples == 6
    assert model.residual.limit is not None
    assert 0 < model.residual.maximum < model.residual.limit
    for temperature in np.linspace(-40.0, 125.0, 23):
        for vdd in (1.3, 1.47, 1.75):
            assert model(temperature, vdd) == pytest.approx(leakage(float(temperature), vdd), rel=0.1)


def test_the_value_that_a_drawn_cell_loses_is_told_from_its_thresholds(fitted: dict[str, FittedModel]) -> None:
    one = replace(SETTING.conditions, temperature=60.0)
    scores = stream(9, "test.storage").standard_normal((4000, 6))
    lost = drawn(one, scores, np.zeros((4000, 9)))["drv_lost"]
    shifts = scores * [variable.sigma for variable in SETTING.varied()[0].variables]
    lean, mirror = (fitted["storage.lean"](60.0, *x.T) for x in (shifts, shifts[:, mirrored()]))
    assert np.mean((lean > 0) == (lost == 0)) > 0.97
    assert lean == pytest.approx(-mirror, abs=1e-9)  # a mirrored cell loses the other value


def test_held_out_conditions_and_cells_give_the_residuals(fitted: dict[str, FittedModel]) -> None:
    nominal, design, mismatch = made()
    assert fitted["storage.access_time"].residual.samples == 2
    assert fitted["storage.access_time"].residual.maximum < 1e-9
    assert fitted["storage.swing_time"].residual.samples == 2 * len(SWINGS)
    checked = check_storage(fitted, nominal, mismatch)
    assert {name.removeprefix("storage.") for name in checked} == {
        *("read_current", "cell_write_time", "offset", "drv", "lean"),
    }
    lean = checked.pop("storage.lean")  # some cells are close to even
    assert lean.samples == checked["storage.drv"].samples == 40
    assert lean.rms < 0.1 * np.std(mismatch["drv"])
    assert all(one.maximum < 1e-8 and one.outside == 0 for one in checked.values())
    assert checked["storage.read_current"].samples == 20 * 2 * 2
    stray = Samples(20, {**mismatch.columns, "read_current_left": 1.1 * mismatch["read_current_left"]})
    assert check_storage(fitted, nominal, stray)["storage.read_current"].rms == pytest.approx(0.1 / 1.1 / 2**0.5)
    columns = {
        **design.columns,
        "macro_access_time": design["macro_access_time"] * np.where(design["node"] == 1, 1, 1.2),
    }
    again = {model.name: model for model in fit_storage(nominal, Samples(11, columns), {})}
    assert again["storage.access_time"].residual.maximum == pytest.approx(0.2 / 1.2)


def test_nothing_is_said_beyond_what_was_fitted(fitted: dict[str, FittedModel]) -> None:
    zero = np.zeros(6)
    for where in ((27.0, 1.2), (27.0, 1.9), (130.0, 1.5)):
        with pytest.raises(ModelRangeError):
            fitted["storage.read_current"](*where, *zero)
        with pytest.raises(ModelRangeError):
            fitted["storage.read_energy"](*where)
    sigma = SETTING.varied()[0].variables[0].sigma
    fitted["storage.read_current"](27.0, 1.5, FARTHEST * sigma, *zero[1:])
    with pytest.raises(ModelRangeError, match="dvth"):
        fitted["storage.read_current"](27.0, 1.5, 1.01 * FARTHEST * sigma, *zero[1:])


def test_a_condition_that_failed_or_has_too_few_cells_is_told() -> None:
    nominal, design, _ = made()
    with pytest.raises(FitError, match="condition 3"):
        fit_storage(nominal, Samples(11, design.columns, {3: "no convergence"}), {})
    columns = {**design.columns, "write_time_0": np.full_like(design["write_time_0"], np.nan)}
    columns["write_time_1"] = columns["write_time_0"]
    with pytest.raises(FitError, match="more cells"):
        fit_storage(nominal, Samples(11, columns), {})


def test_settings_that_leave_nothing_to_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="variation"):
        StorageSetting(variation="none")
    with pytest.raises(ConfigError, match="lowest"):
        StorageSetting(lowest=1.0)
    with pytest.raises(ConfigError, match="lie within"):
        StorageSetting(temperatures=(0.0, 20.0))


def test_a_mirrored_cell_does_with_1_what_the_cell_does_with_0() -> None:
    drawing = Drawing(SETTING, Conditions())
    amplifier = thresholds(dict.fromkeys(("mn_int", "mn_bar"), 0.0))
    shifts = dict(zip(CELL_ROLES, (0.05, 0.02, -0.03, -0.02, 0.01, 0.04), strict=True))
    swap = dict(zip(cells.SIDES, cells.SIDES[::-1], strict=True))
    mirror = {f"{n.rpartition('_')[0]}_{swap[n.rpartition('_')[2]]}": v for n, v in shifts.items()}
    one, other = (drawing.measure(thresholds(which), amplifier) for which in (shifts, mirror))
    assert one["read_current_left"] == pytest.approx(other["read_current_right"], rel=1e-3)
    assert one["write_time_0"] == pytest.approx(other["write_time_1"], rel=1e-2)
    assert one["drv"] == pytest.approx(other["drv"], abs=3e-4)
    assert {one["drv_lost"], other["drv_lost"]} == {0.0, 1.0}
    # the left pull-down is the weaker: the left node is worse at 0, and a stored 0 goes first
    assert one["drv_lost"] == 0.0
    assert one["read_current_left"] < one["read_current_right"]
