"""SRAM as storage: drawn chips against what their devices say, bit by bit, on a made-up model file."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import ndtr

from bitline.core.errors import ConfigError, FitError, ModelRangeError
from bitline.core.figures import SIMULATED
from bitline.core.model_file import FittedModel, Input, ModelFile, Residual
from bitline.core.seeds import stream
from crossbar.sram_storage import Access, SramChip, SramMacro, mirror
from crossbar.sram_storage_rates import hold_rates, rates, shmoo
from crossbar.sram_storage_words import StoredWords, packed, store_weights

SHIFTS = [f"dvth_{role}_{side}" for side in ("left", "right") for role in ("pull_down", "pass_gate", "pull_up")]
PASS_LEFT = SHIFTS.index("dvth_pass_gate_left")
SIGMA = [0.03] * len(SHIFTS)
EASY = Access(1.8, 27.0)
FAST = Access(1.8, 27.0, 500e6, "clock")
CONDITIONS = (Input("temperature", "C", -40.0, 125.0), Input("vdd", "V", 1.2, 1.8))


def fitted(name: str, kind: str, inputs: tuple[Input, ...], parameters: dict[str, object]) -> FittedModel:
    made = {"address_bits": 4, "word_bits": 16, "replica_cells": 8}
    none = Residual(0.0, 0.0, 0, "1")
    return FittedModel(f"storage.{name}", kind, inputs, name, "1", parameters, none, SIMULATED, provenance=made)


def over_conditions(
    name: str,
    constant: float,
    faster: float,
    slopes: dict[int, float],
    names: list[str],
    *,
    log: bool,
) -> FittedModel:
    """Linear in shifts over sigma; `faster` of the constant (or its logarithm) goes with the supply."""
    count = len(names)
    rows = np.zeros((1 + count + count * (count + 1) // 2, 2, 2))
    rows[0, 0] = (math.log(constant) if log else constant), faster
    for index, slope in slopes.items():
        rows[1 + index, 0, 0] = slope
    inputs = (*CONDITIONS, *(Input(one, "V", -0.18, 0.18) for one in names))
    parameters = {
        "temperatures": [-40.0, 125.0],
        "supplies": [1.2, 1.8],
        "scale": [0.03] * count,
        "coefficients": [rows.tolist()],
        "logarithm": log,
    }
    return fitted(name, "quadratics_over_conditions", inputs, parameters)


def series(name: str, coefficients: object, *more: Input, log: bool = True) -> FittedModel:
    inputs = (*CONDITIONS, *more)
    ranges = [[one.low, one.high] for one in inputs]
    return fitted(
        name,
        "chebyshev",
        inputs,
        {"ranges": ranges, "coefficients": coefficients, "logarithm": log},
    )


def made_up(**changed: float) -> ModelFile:
    figures = {
        **dict.fromkeys(("access_time", "cycle_time"), 1.1e-9),
        "word_line_time": 0.4e-9,
        "sensing_time": 0.6e-9,
        "replica_time": 0.5e-9,
        "write_time": 0.7e-9,
        "precharge_time": 1e-9,
        "read_energy": 5e-12,
        "write_energy": 9e-12,
        "leakage": 5e-8,
        **changed,
    }
    found = [series(name, [[math.log(value), -0.3]]) for name, value in figures.items()]
    swing = Input("swing", "V", 0.05, 0.6)
    found.append(series("swing_time", [[[math.log(0.3e-9), 0.9], [-0.4, 0.0]]], swing))
    found += [series(f"loss_{bit}", [[[0.01 + 0.004 * bit, 0.0]]], swing, log=False) for bit in (0, 1)]
    amplifier = ["dvth_mn_int", "dvth_mn_bar"]
    drv = np.zeros((1, 36))
    drv[0, :3] = 0.25, 0.01, 0.03  # of the temperature and the left pull-down
    lean = np.zeros((1, 36))
    lean[0, [2, 5]] = 1.0, -1.0  # a weak left pull-down loses its 0
    scale = [100.0, *SIGMA]
    inputs = (CONDITIONS[0], *(Input(one, "V", -0.18, 0.18) for one in SHIFTS))
    found += [
        over_conditions("read_current", 3e-5, 0.4, {0: -0.1, 1: -0.12}, SHIFTS, log=True),
        over_conditions("cell_write_time", 5e-11, -0.3, {1: 0.15, 2: -0.04}, SHIFTS, log=True),
        over_conditions("offset", -0.01, 0.0, {0: 0.012, 1: -0.012}, amplifier, log=False),
        fitted("lean", "minimum_of_quadratics", inputs, {"scale": scale, "coefficients": lean.tolist()}),
        fitted("drv", "minimum_of_quadratics", inputs, {"scale": scale, "coefficients": drv.tolist()}),
    ]
    return ModelFile({}, {model.name: model for model in found})


@pytest.fixture(scope="module")
def macro() -> SramMacro:
    return SramMacro.of(made_up())


def nominal(macro: SramMacro, offset: float = -0.01) -> SramChip:
    """A chip without mismatch but for a common offset (V)."""
    chip = macro.chip(1, 0)
    amplifiers = np.zeros_like(chip.amplifiers)
    amplifiers[:, 0] = (offset + 0.01) / 0.012 * 0.03
    return replace(chip, cells=np.zeros_like(chip.cells), amplifiers=amplifiers, replica=0 * chip.replica)


def sensed(macro: SramMacro, sensing: float) -> Access:
    """Reads that the clock gives so long (s) at 1.8 V."""
    around = macro.value("access_time", EASY) - macro.value("sensing_time", EASY)
    return replace(FAST, frequency=1 / (macro.value("precharge_time", EASY) + around + sensing))


def opened(macro: SramMacro, time: float) -> Access:
    """A cycle that is open for so long (s) at 1.8 V."""
    return replace(FAST, frequency=1 / (macro.value("precharge_time", EASY) + time))


def random_words(macro: SramMacro, count: int) -> np.ndarray:
    return stream(7, "test.words").integers(0, 1 << macro.bits, count, dtype=np.uint16)


def rng() -> np.random.Generator:
    return stream(9, "test.noise")


def test_the_macro_is_the_one_that_its_models_were_made_for(macro: SramMacro) -> None:
    assert (macro.words, macro.bits, macro.replica_cells) == (16, 16, 8)
    assert mirror(macro.model("read_current")) == [3, 4, 5, 0, 1, 2]


def test_a_chip_is_the_same_alone_or_after_others(macro: SramMacro) -> None:
    again = macro.chip(3, 5)
    for number in range(5):
        macro.chip(3, number)
    assert np.array_equal(macro.chip(3, 5).cells, again.cells)
    assert np.array_equal(macro.chip(3, 5).amplifiers, again.amplifiers)
    assert not np.array_equal(macro.chip(3, 4).cells, again.cells)
    assert not np.array_equal(macro.chip(4, 5).cells, again.cells)


def test_with_time_enough_words_come_back(macro: SramMacro) -> None:
    memory, words = StoredWords(macro.chip(1, 0)), random_words(macro, 16)
    memory.write(np.arange(16), words, EASY)
    assert np.array_equal(memory.read(np.arange(16), EASY, rng()), words)
    assert np.array_equal(memory.read(np.array([3, 3, 0]), EASY, rng()), words[[3, 3, 0]])


@pytest.mark.parametrize(("sign", "wrong"), [(1.0, 0), (-1.0, 1)])
def test_an_offset_spoils_one_value_of_its_own_column(macro: SramMacro, sign: float, wrong: int) -> None:
    chip = nominal(macro)
    amplifiers = chip.amplifiers.copy()
    amplifiers[3] = sign * 0.15, -sign * 0.15  # 120 mV
    quiet = replace(chip, macro=replace(macro, noise_capacitance=math.inf), amplifiers=amplifiers)
    found = quiet.misreads(sensed(macro, 0.1e-9))
    only = np.zeros((2, 16, 16))
    only[wrong, :, 3] = 1
    assert np.array_equal(found, only)


def test_a_weak_cell_stays_weak_and_spoils_one_value(macro: SramMacro) -> None:
    chip = nominal(macro, 0.05)
    cells = chip.cells.copy()
    cells[5, 2, PASS_LEFT] = 0.17  # reads its 0 through the left pass gate, at half the current
    quiet = replace(chip, macro=replace(macro, noise_capacitance=math.inf), cells=cells)
    clock = sensed(macro, 0.1e-9)
    memory = StoredWords(quiet)
    for value, wrong in ((0, 4), (0xFFFF, 0xFFFF)):
        memory.contents[:] = value
        first = memory.read(np.arange(16), clock, rng())
        assert first[5] == wrong
        assert np.array_equal(np.delete(first, 5), np.full(15, value))
        assert np.array_equal(memory.read(np.arange(16), clock, stream(10, "other")), first)


def test_noise_flips_a_marginal_read_as_often_as_it_should(macro: SramMacro) -> None:
    chip = nominal(macro, 0.05)
    quiet = replace(chip, macro=replace(macro, noise_capacitance=math.inf))

    def chance(sensing: float) -> float:
        return float(chip.misreads(sensed(macro, sensing * 1e-9))[0, 0, 0])

    close = float(brentq(lambda sensing: chance(sensing) - 0.2, 0.05, 0.15))
    expected = chance(close)
    access = sensed(macro, close * 1e-9)
    assert expected == pytest.approx(0.2, rel=1e-3)
    assert quiet.misreads(access).max() == 0  # the margin is positive: noise alone spoils it
    memory = StoredWords(chip)
    count = 4000
    read = memory.read(np.zeros(count, dtype=int), access, rng())
    wrong = int(np.bitwise_count(read).sum())
    sigma = math.sqrt(16 * count * expected * (1 - expected))
    assert abs(wrong - 16 * count * expected) < 4 * sigma
    assert len(np.unique(read)) > 100


def test_the_noise_is_that_of_two_capacitances(macro: SramMacro) -> None:
    assert macro.noise(EASY) == pytest.approx(math.sqrt(2 * 1.380649e-23 * 300.15 / 5e-15))
    assert macro.noise(replace(EASY, temperature=125.0)) > macro.noise(EASY)


def test_a_read_margin_is_swing_less_loss_less_offset(macro: SramMacro) -> None:
    for stored, sign in ((0, 1), (1, -1)):
        swing = 0.06
        chip = nominal(macro, sign * (swing - 0.012 - 0.004 * stored))
        sensing = 0.3e-9 * math.exp(-0.4 + 0.9 * (swing - 0.325) / 0.275)
        access = sensed(macro, sensing)
        assert chip.sensing(access) == pytest.approx(sensing)
        found = chip.misreads(access)
        assert found[stored, 0, 0] == pytest.approx(ndtr(-0.002 / macro.noise(access)), rel=0.05)
        assert found[1 - stored, 0, 0] == pytest.approx(0, abs=1e-12)


def test_outputs_that_come_too_late_rest_at_0(macro: SramMacro) -> None:
    late = Access(1.8, 27.0, 800e6)
    assert np.array_equal(macro.chip(1, 0).misreads(late)[:, 0, 0], [0.0, 1.0])
    memory = StoredWords(macro.chip(1, 0))
    memory.contents[:] = 0xABCD
    assert not memory.read(np.arange(16), late, rng()).any()


def test_the_replica_waits_for_its_own_cells(macro: SramMacro) -> None:
    chip = nominal(macro)
    assert chip.sensing(EASY) == pytest.approx(macro.value("sensing_time", EASY))
    slow = replace(chip, replica=chip.replica + 0.03)
    share = math.exp(-0.1 - 0.12)
    expected = macro.value("sensing_time", EASY) + macro.value("replica_time", EASY) * (1 / share - 1)
    assert slow.sensing(EASY) == pytest.approx(expected)


def test_a_slow_cell_keeps_its_old_value_when_written(macro: SramMacro) -> None:
    chip = nominal(macro)
    cells = chip.cells.copy()
    cells[4, 7, PASS_LEFT] = 0.17  # what pulls the left node to 0
    slow = replace(chip, cells=cells)
    taken = macro.value("write_time", EASY) + macro.value("precharge_time", EASY)
    access = replace(EASY, frequency=1 / (taken + 10e-12))
    memory = StoredWords(slow)
    memory.contents[:] = 0xFFFF
    memory.write(np.arange(16), np.zeros(16, dtype=np.uint16), access)
    assert memory.contents[4] == 1 << 7
    assert not np.delete(memory.contents, 4).any()
    memory.write(np.arange(16), np.full(16, 0xFFFF, dtype=np.uint16), access)  # the other value it takes
    assert (memory.contents == 0xFFFF).all()


def test_values_are_lost_below_the_retention_voltage(macro: SramMacro) -> None:
    chip = macro.chip(2, 1)
    retention = chip.retention(27.0)
    expected = 0.25 + 0.01 * 0.27 + chip.cells[..., 0] + np.zeros((16, 16))  # 0.03 V a sigma of 0.03 V
    zero = chip.cells[..., 0] > chip.cells[..., 3]
    assert retention[0] == pytest.approx(np.where(zero, expected, 0))
    assert retention[1] == pytest.approx(np.where(zero, 0, expected - chip.cells[..., 0] + chip.cells[..., 3]))
    supply = float(np.median(retention[retention > 0]))
    memory = StoredWords(chip)
    before = random_words(macro, 16)
    memory.contents[:] = before
    lost = memory.hold(supply, 27.0)
    stored = (before[:, None] >> np.arange(16, dtype=np.uint16)) & 1
    wrong = np.where(stored == 1, retention[1], retention[0]) >= supply
    assert np.array_equal(memory.contents, before ^ packed(wrong, np.uint16))
    assert lost == wrong.sum()
    assert 0 < lost < 256


def test_words_through_the_macro_equal_round_after_round(macro: SramMacro) -> None:
    chip = macro.chip(1, 2)
    quiet = replace(chip, macro=replace(macro, noise_capacitance=math.inf))
    access = opened(macro, macro.value("write_time", EASY) + 3e-12)
    assert 0 < quiet.unwritten(access).mean() < 1
    words = random_words(macro, 100)
    at_once = StoredWords(quiet).through(words, access, rng())
    memory, found = StoredWords(quiet), []
    for start in range(0, 100, 16):
        part = words[start : start + 16]
        memory.write(np.arange(len(part)), part, access)
        found.append(memory.read(np.arange(len(part)), access, rng()))
    assert np.array_equal(at_once, np.concatenate(found))
    assert not np.array_equal(at_once, words)


def test_reads_equal_those_bit_by_bit(macro: SramMacro) -> None:
    quiet = replace(macro.chip(1, 4), macro=replace(macro, noise_capacitance=math.inf))
    access = sensed(macro, 0.075e-9)
    memory = StoredWords(quiet)
    memory.contents[:] = random_words(macro, 16)
    chance = quiet.misreads(access)
    read = memory.read(np.arange(16), access, rng())
    for address in range(16):
        for column in range(16):
            stored = int(memory.contents[address]) >> column & 1
            wrong = chance[stored, address, column] > 0.5
            assert int(read[address]) >> column & 1 == (stored ^ int(wrong))
    assert 0 < np.bitwise_count(read ^ memory.contents).sum() < 200


@pytest.mark.parametrize("shape", [(5, 3), (16, 4, 2), (1,), (0,)])
def test_weights_come_back(macro: SramMacro, shape: tuple[int, ...]) -> None:
    weights = stream(3, "test.weights").integers(-128, 128, shape, dtype=np.int8)
    found = store_weights(StoredWords(macro.chip(1, 0)), weights, EASY, rng())
    assert found.dtype == np.int8
    assert np.array_equal(found, weights)


def test_the_first_weight_lies_in_the_low_byte(macro: SramMacro) -> None:
    memory = StoredWords(macro.chip(1, 0))
    store_weights(memory, np.array([1, -1, 2], dtype=np.int8), EASY, rng())
    assert memory.contents[:2].tolist() == [0xFF01, 0x0002]


def test_rates_fall_with_supply_and_rise_with_frequency_and_temperature_of_rest(macro: SramMacro) -> None:
    by_supply = rates(macro, [replace(FAST, frequency=633e6, vdd=v) for v in (1.5, 1.6, 1.7, 1.8)], 6, 1)
    by_clock = rates(macro, [opened(macro, t) for t in (6e-10, 5.2e-10, 4.5e-10, 4.4e-10)], 6, 1)
    held = hold_rates(macro, np.array([0.15, 0.2, 0.25, 0.3, 0.35]), 27.0, 6, 1)
    for falling in (by_supply["read"].mean, by_supply["write"].mean, held.mean):
        assert (np.diff(falling) <= 0).all()
        assert falling[0] > falling[-1]
    for rising in (by_clock["read"].mean, by_clock["write"].mean):
        assert (np.diff(rising) >= 0).all()
        assert rising[0] < rising[-1]
    warm, cold = (hold_rates(macro, np.array([0.3]), t, 6, 1).mean[0] for t in (125.0, -40.0))
    assert warm > cold
    assert held.sigma.max() > 0


def test_bits_lost_at_rest_are_as_many_a_chip_as_a_binomial_says(macro: SramMacro) -> None:
    chips, supply = 400, 0.3
    held = hold_rates(macro, np.array([supply]), 27.0, chips, 5)
    counts = 2 * held.bits * held.chips[0]  # a cell loses one of both values
    assert counts == pytest.approx(np.round(counts))
    kept = ndtr((supply - 0.25 - 0.01 * 0.27) / 0.03)  # of one side; the weaker of both says it
    chance = 1 - kept**2
    variance = held.bits * chance * (1 - chance)
    assert abs(counts.mean() - held.bits * chance) < 4 * math.sqrt(variance / chips)
    assert counts.var(ddof=1) / variance == pytest.approx(1, abs=4 * math.sqrt(2 / chips))
    assert held.sigma[0] == pytest.approx(counts.std(ddof=1) / 2 / held.bits)


@pytest.mark.parametrize("columns_vary", [True, False])
def test_columns_and_the_replica_spread_misreads_from_chip_to_chip_as_their_draws_say(*, columns_vary: bool) -> None:
    found = replace(SramMacro.of(made_up(sensing_time=0.08e-9, replica_time=0.075e-9)), noise_capacitance=math.inf)
    number, rows, columns = 300, found.words, found.bits
    speeds = math.hypot(0.1, 0.12)  # sigma of a cell's logarithm
    counts, expected, variance, sensing = (np.empty(number) for _ in range(4))
    for k in range(number):
        chip = found.chip(6, k)
        if not columns_vary:  # all at 20 mV, so that the replica alone is left
            chip = replace(chip, amplifiers=np.tile([0.075, 0.0], (columns, 1)))
        sensing[k] = chip.sensing(EASY)
        offsets = -0.01 + (chip.amplifiers @ [0.012, -0.012]) / 0.03
        chances = np.array([ndtr(_slowest_right(sensing[k], offset) / speeds) for offset in offsets])
        expected[k], variance[k] = rows * chances.sum(), rows * (chances * (1 - chances)).sum()
        counts[k] = chip.misreads(EASY)[0].sum()
    # each chip against its own draws: independent cells, so a binomial a column
    assert np.sum((counts - expected) ** 2) / variance.sum() == pytest.approx(1, abs=0.4)
    # chip to chip: what its cells scatter and what its columns and its replica do add up, far beyond equal cells' share
    share = expected.mean() / rows / columns
    alike = rows * columns * share * (1 - share)
    assert counts.var() / (variance.mean() + expected.var()) == pytest.approx(1, abs=0.25)
    assert counts.var() > 3 * alike
    if columns_vary:
        read = rates(found, [EASY], 20, 6)["read"]
        assert read.values[0, :, 0] * rows * columns == pytest.approx(counts[:20])
    else:
        assert (np.diff(expected[np.argsort(sensing)]) <= 1e-9).all()  # a late enable is a safe one
    # the replica: the mean of eight lognormal speeds, to second order in their spread
    relative = (math.exp(speeds**2) - 1) / found.replica_cells
    mean, discharge = math.exp(speeds**2 / 2), found.value("replica_time", EASY)
    constant = found.value("sensing_time", EASY) - discharge
    slowed = discharge / mean * (1 + relative)
    assert abs(sensing.mean() - constant - slowed) < 4 * sensing.std() / math.sqrt(number)
    spread = discharge / mean * math.sqrt(relative)
    assert sensing.std() == pytest.approx(spread, rel=4 / math.sqrt(2 * number) + 0.03)


def _slowest_right(sensing: float, offset: float) -> float:
    """Logarithm of the speed at which a cell that stores 0 has a swing that its loss and the offset just take."""
    lowest = 0.3e-9 * math.exp(-0.4 - 0.9)  # s, to 50 mV; in proportion before that

    def margin(log: float) -> float:
        late = sensing * math.exp(log) / lowest
        return 0.05 * late * (late < 1) + (0.05 + 0.275 * math.log(late) / 0.9) * (late >= 1) - 0.01 * math.exp(log)

    return float(brentq(lambda log: margin(log) - offset, -30.0, 1.5)) if offset > 0 else -math.inf


def test_a_shmoo_has_a_corner_that_works_and_one_that_does_not(macro: SramMacro) -> None:
    found = shmoo(macro, FAST, np.array([1.2, 1.8]), np.array([300e6, 700e6]), 1, 0)
    assert found[1, 0] < 1e-6
    assert found[0, 1] > 50
    assert found[1, 0] <= found[1, 1]


def test_what_no_fit_has_seen_is_refused(macro: SramMacro) -> None:
    chip = macro.chip(1, 0)
    for access in (Access(1.0), Access(1.9), Access(1.5, 150.0)):
        with pytest.raises(ModelRangeError, match="outside the fitted range"):
            chip.misreads(access)
    with pytest.raises(ModelRangeError, match="dvth_pull_down_left"):
        replace(chip, cells=chip.cells + 1).misreads(EASY)


def test_bad_input_is_refused(macro: SramMacro) -> None:
    memory = StoredWords(macro.chip(1, 0))
    with pytest.raises(ConfigError, match="addresses go from 0 to 15"):
        memory.read(np.array([16]), EASY, rng())
    with pytest.raises(ConfigError, match="16 bits"):
        memory.write(np.array([0]), np.array([1 << 16]), EASY)
    with pytest.raises(ConfigError, match="int8"):
        store_weights(memory, np.zeros(3), EASY, rng())  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="frequency"):
        Access(1.8, timing="clock")
    with pytest.raises(ConfigError, match="timing"):
        Access(1.8, timing="soon")
    with pytest.raises(ConfigError, match="64 bits"):
        replace(macro, bits=65)
    with pytest.raises(FitError, match="storage"):
        SramMacro.of(ModelFile({}, {}))


def test_costs_are_of_the_models(macro: SramMacro) -> None:
    found = macro.costs(EASY)
    assert found["read_energy"].value == pytest.approx(5e-12 * math.exp(-0.3))
    assert found["leakage_power"].value == pytest.approx(1.8 * 5e-8 * math.exp(-0.3))
    assert found["highest_frequency"].value == pytest.approx(1 / found["cycle_time"].value)
