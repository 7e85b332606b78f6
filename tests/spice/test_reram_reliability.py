import math

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from bitline.core.figures import MODELLED
from bitline.core.samples import Samples
from circuits.reram_ageing import CMO_HFOX
from circuits.reram_endurance import EnduranceLaw
from spice.characterise import Conditions, part
from spice.reram_read import ReadBench
from spice.reram_reliability import TIMES, UNITS, Life, ReliabilityMonteCarlo, ReliabilityNominal, figures, room

CONDITIONS = Conditions(seed=5)
COUNT = 240
LIFE = Life()


@pytest.fixture(scope="module")
def bench() -> ReadBench:
    return ReliabilityNominal(CONDITIONS).prepare()


@pytest.fixture(scope="module")
def nominal(bench: ReadBench) -> dict:
    return ReliabilityNominal(CONDITIONS).run(bench, 0)


@pytest.fixture(scope="module")
def samples(bench: ReadBench) -> Samples:
    task = ReliabilityMonteCarlo(CONDITIONS)
    records = [task.run(bench, index) for index in range(COUNT)]
    return Samples(COUNT, {name: np.array([record[name] for record in records]) for name in records[0]})


def test_bands_widen_and_drift_with_time(nominal: dict) -> None:
    assert np.all(np.diff(nominal["retained_sigma"], axis=1) > 0)
    assert np.all(np.diff(nominal["retained_mean"], axis=1) < 0)
    assert np.all(np.diff(nominal["usable_by_time"]) <= 0)
    assert nominal["retained_mean"][:, 0] == pytest.approx(nominal["level"])


def test_reads_have_the_spread_that_went_in(samples: Samples) -> None:
    for column, time in enumerate(TIMES.values()):
        expected = LIFE.sigma(samples["target"], time)  # the transistor's mismatch adds next to nothing
        score = (samples["read_g"][:, column] - samples["target"] - CMO_HFOX.mean_shift(time)) / expected
        assert np.mean(score) == pytest.approx(0, abs=4 / math.sqrt(COUNT))
        assert np.std(score) == pytest.approx(1, rel=4 / math.sqrt(2 * COUNT))


def test_a_cell_keeps_its_rank(samples: Samples) -> None:
    moved = samples["aged_g"] - samples["programmed"][:, None]
    assert np.corrcoef(moved[:, 0], moved[:, -1])[0, 1] > 0.999


def test_levels_lie_apart_by_construction() -> None:
    low, high, time = 10e-6, 45e-6, 86400.0
    count = LIFE.usable(low, high, time)
    least, most = room(low, high)
    even = np.linspace(least, most, count)
    sigma = LIFE.sigma(even, time)
    needed = np.sum(LIFE.apart * (sigma[:-1] + sigma[1:]))
    assert needed <= (most - least) * 1.02  # all of them fit
    assert needed + LIFE.apart * 2 * sigma[-1] > most - least  # and one more would not
    assert Life(apart=6.0).usable(low, high, time) < count
    assert LIFE.usable(50e-6, 20e-6, time) == 0


def test_retention_and_lifetime_are_where_levels_become_too_few(nominal: dict, bench: ReadBench) -> None:
    def by_time(time: float) -> int:
        return LIFE.usable(bench.low, bench.high, time)

    assert by_time(nominal["retention_time"]) >= LIFE.levels > by_time(nominal["retention_time"] * 1.0001)
    window = EnduranceLaw().window
    for factor, enough in ((1.0, True), (1.0001, False)):
        on, off = window(nominal["lifetime_cycles"] * factor, nominal["g_on"], nominal["g_off"])
        assert (LIFE.usable(float(off), float(on), 1.0) >= LIFE.levels) == enough
    assert nominal["lifetime"] == pytest.approx(nominal["lifetime_cycles"] / 1e-2)


def test_a_window_that_closes_holds_no_more_levels(nominal: dict) -> None:
    assert nominal["usable_by_cycle"][0] == pytest.approx(nominal["usable_by_time"][0], abs=1)
    assert nominal["usable_by_cycle"].max() == nominal["usable_by_cycle"][0]


def test_what_is_not_known_to_end_is_a_bound(bench: ReadBench) -> None:
    life = Life(levels=2)
    found = figures(ReliabilityNominal(CONDITIONS, life=life).run(bench, 0), None, life)
    assert found["retention_time"].value == pytest.approx(CMO_HFOX.last)
    assert found["retention_time"].source.startswith("at least")
    usual = figures(ReliabilityNominal(CONDITIONS).run(bench, 0), None, LIFE)
    assert not usual["retention_time"].source.startswith("at least")
    assert {usual[name].kind for name in ("retention_time", "lifetime", "lifetime_cycles")} == {MODELLED}


def test_more_errors_later(nominal: dict, samples: Samples) -> None:
    found = figures(nominal, samples, LIFE)
    errors = [found[f"level_errors_{name}"].value for name in TIMES]
    assert errors == sorted(errors)
    assert errors[-1] > 0.05
    sigmas = [found[f"level_sigma_{name}"].value for name in TIMES]
    assert np.all(np.diff(sigmas) > 0)
    assert {*nominal, *samples.columns} <= set(UNITS)


def test_a_sample_replays_alone(bench: ReadBench, samples: Samples) -> None:
    again = ReliabilityMonteCarlo(CONDITIONS).run(bench, 77)
    assert all(np.array_equal(again[name], samples[name][77]) for name in again)


def test_an_endurance_of_one_s_own(tmp_path, bench: ReadBench) -> None:
    path = tmp_path / "cycles.csv"
    path.write_text("cycles,g_on (uS),g_off (uS)\n1,45,5\n1e4,40,10\n1e6,20,15\n")
    life = Life(endurance=str(path), cycles=1e4, update_rate=1.0)
    task = ReliabilityNominal(CONDITIONS, life=life)
    record = task.run(bench, 0)
    found = figures(record, None, life)
    assert found["window_on"].value == pytest.approx(40e-6)
    assert "cycles.csv" in found["lifetime"].source
    assert 1e4 < record["lifetime_cycles"] < 1e6
    assert record["window_on"][-1] == pytest.approx(20e-6)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"levels": 1}, "levels"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"update_rate": 0.0}, "update_rate"),
        ({"cycles": 1e12}, "endurance is known"),
        ({"endurance": "no.csv"}, "'law' or a file"),
    ],
)
def test_impossible_settings_are_errors(settings: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        part("reram_reliability", settings)
