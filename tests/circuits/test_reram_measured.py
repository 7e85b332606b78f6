import math
from pathlib import Path

import numpy as np
import pytest

from bitline.core.errors import ConfigError, FitError, ModelRangeError
from bitline.core.seeds import stream
from circuits.reram_measured import read_measured
from circuits.reram_measured_spread import MeasuredSpread
from circuits.variation import load_spread

TARGETS = (2, 5, 10, 15, 20, 25, 30, 39)  # uS
READS = 200  # of a target


def published(target: float) -> float:
    return float(load_spread("wan2022").sigma(target * 1e-6)) * 1e6


def write(path: Path, lines: list[str]) -> str:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def cells(tmp_path: Path) -> str:
    rng = stream(3, "test.measured")
    rows = [f"{t},{t + published(t) * rng.standard_normal():.6f}" for _ in range(READS) for t in TARGETS]
    return write(tmp_path / "cells.csv", ["# a test chip", "target (uS),g_uS", *rows])


def test_a_file_gives_back_the_spread_that_made_it(cells: str) -> None:
    spread = load_spread(cells)
    assert isinstance(spread, MeasuredSpread)
    assert (spread.reads, spread.bins) == (READS * len(TARGETS), len(TARGETS))
    error = 4 / math.sqrt(2 * READS)  # of one bin; the fit's is less
    for target in TARGETS:
        assert spread.sigma(target / 1e6) == pytest.approx(published(target) * 1e-6, rel=error)
    assert abs(spread.bias) < 4 * 2.5e-6 / math.sqrt(READS)
    assert "cells.csv" in spread.source
    assert cells not in spread.source  # no folder of the user's


def test_the_held_out_residual_is_what_sampling_explains_and_grows_for_a_wrong_fit(cells: str, tmp_path: Path) -> None:
    spread = load_spread(cells)
    assert spread.expected == pytest.approx(math.sqrt((1 + 4 / len(TARGETS)) / (2 * (READS / 2 - 1))), rel=1e-9)
    assert 0.4 * spread.expected < spread.residual < 2 * spread.expected
    rng = stream(4, "test.measured")
    sigma = {t: 0.5 if k % 2 else 1.0 for k, t in enumerate(TARGETS)}  # no cubic follows a comb
    rows = [f"{t},{abs(t + sigma[t] * 0.5 * rng.standard_normal()):.6f}" for _ in range(READS) for t in TARGETS]
    comb = load_spread(write(tmp_path / "comb.csv", ["target (uS),g (uS)", *rows]))
    assert comb.residual > 3 * comb.expected


def test_the_range_is_the_data_s(cells: str) -> None:
    spread = load_spread(cells)
    assert (spread.low, spread.high) == pytest.approx((2e-6, 39e-6))
    for outside in (1.9e-6, 39.1e-6):
        with pytest.raises(ModelRangeError, match=r"cells\.csv"):
            spread.sigma(outside)


def test_units_and_order_of_columns_do_not_matter(tmp_path: Path) -> None:
    one = read_measured(write(tmp_path / "a.csv", ["g (S), target (uS), time (h)", "1.1e-5, 10, 1"]))
    two = read_measured(write(tmp_path / "b.csv", ["time_s,target_nS,g_mS", "", "# read again", "3600,10000,0.011"]))
    for measured in (one, two):
        assert (measured.g[0], measured.target[0], measured.time[0]) == pytest.approx((1.1e-5, 1e-5, 3600.0))


def test_continuous_targets_are_binned(tmp_path: Path) -> None:
    rng = stream(5, "test.measured")
    targets = rng.uniform(5, 35, 3000)
    rows = [f"{t:.5f},{t + 0.1 * t * rng.standard_normal():.5f}" for t in targets]
    spread = load_spread(write(tmp_path / "continuous.csv", ["target_uS,g_uS", *rows]))
    assert spread.bins > 10
    for target in (8, 20, 32):
        assert spread.sigma(target * 1e-6) == pytest.approx(0.1 * target * 1e-6, rel=0.1)


def test_reads_at_many_times_need_a_choice(tmp_path: Path) -> None:
    rng = stream(6, "test.measured")
    rows = [f"20,{20 + s * rng.standard_normal():.5f},{t}" for t, s in ((1.0, 1.0), (86400, 3.0)) for _ in range(400)]
    path = write(tmp_path / "aged.csv", ["target (uS),g (uS),time (s)", *rows])
    with pytest.raises(ConfigError, match=r"aged.csv@1"):
        load_spread(path)
    young, old = (load_spread(f"{path}@{t}") for t in ("1.1", "90000"))
    assert young.sigma(20e-6) == pytest.approx(1e-6, rel=4 / math.sqrt(800))
    assert old.sigma(20e-6) == pytest.approx(3e-6, rel=4 / math.sqrt(800))
    with pytest.raises(ConfigError, match="no reads near 50 s"):
        load_spread(f"{path}@50")
    with pytest.raises(ConfigError, match="is no time"):
        load_spread(f"{path}@soon")


def test_device_to_device_and_cycle_to_cycle_come_apart(tmp_path: Path) -> None:
    rng, cells, cycles = stream(7, "test.measured"), 300, 10
    rows = []
    for cell in range(cells):
        own = 20 + 2.0 * rng.standard_normal()
        rows += [f"c{cell},{k},20,{own + 0.7 * rng.standard_normal():.5f}" for k in range(cycles)]
    measured = read_measured(write(tmp_path / "cycles.csv", ["cell,cycle,target (uS),g (uS)", *rows]))
    device, cycle = measured.variation()[measured.target[0]]
    assert device == pytest.approx(2.0e-6, rel=4 / math.sqrt(2 * cells))
    assert cycle == pytest.approx(0.7e-6, rel=4 / math.sqrt(2 * cells * (cycles - 1)))


def test_components_without_cells_are_refused(cells: str) -> None:
    with pytest.raises(ConfigError, match="column 'cell'"):
        read_measured(cells).variation()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["target (uS),g (uS)", "10,9.8", "10,fast"], r"bad.csv:3: column 'g' is 'fast', not a number"),
        (["target (uS),g (uS)", "0,1"], r"bad.csv:2: column 'target' is 0; it must be above 0"),
        (["target (uS),g (uS)", "10,nan"], r"bad.csv:2: column 'g' is nan"),
        (["# head", "target (uS),g (uS)", "", "10"], r"bad.csv:4: 1 values, but the header names 2"),
        (["target (uS),g"], r"bad.csv:1: column 'g' has no unit; write one of S, mS"),
        (["target (uS),g (ohm)"], r"column 'g \(ohm\)' has the unit 'ohm'"),
        (["target (uS),tiem (s),g (uS)"], r"column 2 is 'tiem \(s\)'.*did you mean 'time'"),
        (["g (uS)", "1"], r"no column 'target'"),
        (["g (uS),target (uS),g (S)"], r"column 'g' is there twice"),
        (["g (uS),target (uS),cycle (s)"], r"'cycle' takes none"),
        (["g (uS),target (uS),cycle", "1,1,1.5"], r"bad.csv:2: column 'cycle' is 1.5, not a whole number"),
        (["g (uS),target (uS),time (s)", "1,1,0"], r"bad.csv:2: column 'time' is 0; it must be above 0"),
        (["g (uS),target (uS)"], r"no reads below the header"),
        (["# nothing"], r"empty"),
    ],
)
def test_what_is_wrong_is_said_with_line_and_column(lines: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        load_spread(write(tmp_path / "bad.csv", lines))


def test_a_missing_file_and_too_few_reads_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_spread(str(tmp_path / "none.csv"))
    with pytest.raises(FitError, match="3 reads"):
        load_spread(write(tmp_path / "few.csv", ["target (uS),g (uS)", "1,1", "1,1.1", "1,0.9"]))
    with pytest.raises(FitError, match="no spread"):
        load_spread(write(tmp_path / "equal.csv", ["target (uS),g (uS)", *["1,1"] * 50]))


def test_the_fit_stays_above_zero(tmp_path: Path) -> None:
    rng = stream(8, "test.measured")
    sigma = {5: 3.0, 10: 0.05, 20: 0.05, 30: 3.0}  # a parabola through these is negative between
    rows = [f"{t},{abs(t + s * rng.standard_normal()):.6f}" for t, s in sigma.items() for _ in range(100)]
    spread = load_spread(write(tmp_path / "dip.csv", ["target (uS),g (uS)", *rows]))
    assert np.all(spread.sigma(np.linspace(spread.low, spread.high, 500)) > 0)
