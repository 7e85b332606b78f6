import math
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from bitline.core.samples import Samples
from circuits.sar_adc import SarAdc
from circuits.sar_array import CapacitorArray, convert, levels, nonlinearity, transitions
from circuits.technology import load_technology
from spice.characterise import Conditions, part
from spice.engine import engine
from spice.raw import read_raw
from spice.sar_adc import SHARES, UNITS, Converter, SarAdcMonteCarlo, SarAdcNominal, figures
from spice.sar_comparator import ComparatorMonteCarlo

SEED = Conditions(seed=4)
SMALL = Converter(SarAdc(CapacitorArray(bits=5), t_bit=4e-9))


@pytest.fixture(scope="module")
def nominal() -> dict:
    task = SarAdcNominal(SEED, SMALL)
    return task.run(task.prepare(), 0)


@pytest.fixture(scope="module")
def samples() -> Samples:
    task = SarAdcMonteCarlo(SEED, SMALL)
    context = task.prepare()
    records = [task.run(context, index) for index in range(4)]
    return Samples(4, {name: np.array([record[name] for record in records]) for name in records[0]})


def test_a_matched_array_is_linear() -> None:
    steps = transitions(CapacitorArray(bits=8).nominal())
    np.testing.assert_allclose(steps, np.arange(1, 256) / 256, atol=1e-12)
    inl, dnl = nonlinearity(steps)
    assert np.max(np.abs(inl)) < 1e-9
    assert np.max(np.abs(dnl)) < 1e-9


def test_a_heavy_capacitor_bends_the_curve_where_its_bit_turns() -> None:
    array = CapacitorArray(bits=4)
    capacitors = array.nominal()
    capacitors[-1] += 0.5 * array.unit  # the most significant
    _, dnl = nonlinearity(transitions(capacitors))
    assert np.argmax(np.abs(dnl)) == 6  # code 7, before the step to 8
    assert dnl[6] == pytest.approx(1.5 / (14.5 / 14) - 1)  # against the mean of 14 steps, half a unit longer together


def test_a_greedy_search_leaves_codes_out_and_never_turns_back() -> None:
    array = CapacitorArray(bits=4)
    capacitors = array.nominal()
    capacitors[-1] -= 2.5 * array.unit  # lighter than all others together by more than a unit
    steps = transitions(capacitors)
    assert np.all(np.diff(steps) >= 0)
    assert np.any(np.diff(steps) == 0)
    # the search itself, input by input
    level = levels(capacitors)
    for v in np.linspace(0.01, 0.99, 97):
        code = 0
        for bit in (3, 2, 1, 0):
            code |= (1 << bit) if v >= level[code | (1 << bit)] else 0
        assert convert(np.array(v), steps) == code


def test_the_spread_of_the_middle_step_is_that_of_its_units() -> None:
    # DNL at half scale: 2^(n-1) units against as many less one, each with its own sigma
    array = CapacitorArray(bits=6)
    rng = np.random.default_rng(1)
    middle = [nonlinearity(transitions(array.drawn(rng)))[1][30] for _ in range(600)]
    assert np.std(middle) == pytest.approx(array.unit_sigma * math.sqrt(63), rel=4 / math.sqrt(1200))
    wide = CapacitorArray(bits=6, side=4e-6)
    assert wide.unit_sigma == pytest.approx(array.unit_sigma / 2)  # one over the root of the area


def test_the_netlist_converts_as_the_levels_say(nominal: dict) -> None:
    np.testing.assert_array_equal(nominal["converted_code"], nominal["expected_code"])
    ideal = np.floor(np.array(SHARES) * 32)
    assert np.max(np.abs(nominal["converted_code"] - ideal)) <= 1
    assert np.all(np.diff(nominal["converted_code"]) > 0)
    assert abs(nominal["offset_error"]) < nominal["lsb"]
    assert 0 < nominal["gain_error"] < 0.1  # the sampling gate leaves its charge on 32 units


def reference_energy(capacitors: np.ndarray, code: int, v_ref: float) -> float:
    """What the reference gives in a cycle (J) by charge alone, ideal switches, plate by plate."""
    weights, bits = capacitors[1:] / capacitors.sum(), range(len(capacitors) - 1)
    low, top, charge = np.zeros(len(weights)), 0.0, 0.0  # plates at 0, the common plate against the input
    steps = []
    for bit in reversed(bits):
        steps.append((bit, 1.0))
        if not code >> bit & 1:
            steps.append((bit, 0.0))
    for bit, pulled in [*steps, (None, 0.0)]:  # and all of them back, the common plate at the input
        after = low.copy()
        after[slice(None) if bit is None else bit] = pulled
        moved = -v_ref * float(weights @ after) - top
        charge += capacitors[0] * -moved + float(np.sum((capacitors[1:] * (v_ref * low - moved))[after == 0]))
        low, top = after, top + moved
    return charge * v_ref


def test_the_reference_gives_what_the_plates_take_in_a_whole_cycle(nominal: dict) -> None:
    capacitors = SMALL.adc.array.nominal()
    ideal = np.mean([reference_energy(capacitors, int(code), 0.9) for code in nominal["converted_code"]])
    # beside it, what flows through a plate's switches while both conduct: a share
    assert ideal < nominal["energy_array"] < 1.35 * ideal
    parts = ("energy_comparator", "energy_array", "energy_sampling")
    assert nominal["energy"] == pytest.approx(sum(nominal[name] for name in parts))
    assert nominal["energy"] == pytest.approx(np.mean(nominal["converted_energy"]))


def test_a_cycle_ends_as_it_began(nominal: dict) -> None:
    netlist = SMALL.netlist(SEED, SHARES[3])
    engine().load(netlist)
    run = engine().run(netlist.analyses[0].removeprefix("."))
    start, stop = SMALL.adc.cycle
    for node in ("top", "clk", "sample", "sample_b", *(f"b{bit}" for bit in range(5))):
        began, ended = np.interp([start, stop], run["time"], run[node])
        assert ended == pytest.approx(began, abs=2e-3), node  # the plates are at the reference, the register at 0
    # the gates of the sampling switch are charged from vdd once a cycle, whatever the array
    gates = sum(8 * load_technology().device(role).w * 0.15e-6 for role in ("nmos_wide", "pmos_wide"))  # m^2
    assert 4e-3 * gates < nominal["energy_sampling"] / 1.8**2 < 16e-3 * gates  # 8 fF/um^2


def test_plain_ngspice_measures_the_same_energy(nominal: dict, measured_alone) -> None:
    found = measured_alone(SMALL.netlist(SEED, SHARES[1]))
    assert sum(found[name] for name in SMALL.adc.given(1.8)) == pytest.approx(nominal["converted_energy"][1], rel=2e-3)
    v_ref, code = 0.9, int(nominal["converted_code"][1])
    held = found["top_end"] + v_ref * levels(SMALL.adc.array.nominal())[code]
    assert held == pytest.approx(nominal["sampled"][1], abs=1e-5)


def test_noise_and_effective_bits(nominal: dict) -> None:
    found = figures(nominal, None, SMALL)
    assert found["sampling_noise"].value == pytest.approx(math.sqrt(1.380649e-23 * 300.15 / SMALL.adc.array.total))
    assert 4.8 < found["enob"].value < 5.0
    loud = figures(nominal | {"comparator_noise": 0.9 / 32 / math.sqrt(12)}, None, SMALL)
    assert found["enob"].value - loud["enob"].value == pytest.approx(0.5, abs=0.02)  # twice the power of quantisation


def test_a_sample_has_the_comparator_of_its_index(samples: Samples) -> None:
    alone = ComparatorMonteCarlo(SEED, SMALL.comparator(SEED))
    assert alone.run(alone.prepare(), 2)["offset"] == samples["offset"][2]
    assert len(set(samples["inl"])) == 4
    again = SarAdcMonteCarlo(SEED, SMALL)
    np.testing.assert_array_equal(again.run(again.prepare(), 3)["capacitors"], samples["capacitors"][3])


def test_the_exported_netlist_converts_alike_in_plain_ngspice(nominal: dict, tmp_path: Path) -> None:
    deck, raw = tmp_path / "conversion.cir", tmp_path / "conversion.raw"
    deck.write_text(SMALL.netlist(SEED, SHARES[1]).deck())
    subprocess.run(["ngspice", "-b", "-r", raw, deck], capture_output=True, check=True, cwd=tmp_path)  # noqa: S607
    (run,) = read_raw(raw)
    code = sum(int(np.interp(SMALL.adc.duration, run["time"], run[f"b{bit}"]) > 0.9) << bit for bit in range(5))
    assert code == nominal["converted_code"][1] == nominal["conversion_code"][-1]


def test_every_field_has_a_unit_and_figures_their_kind(nominal: dict, samples: Samples) -> None:
    assert {*nominal, *samples.columns} <= set(UNITS)
    found = figures(nominal, samples, SMALL)
    assert found["inl_mean"].kind == "modelled"
    assert "SKY130" in found["inl_mean"].source
    for name in ("lsb", "conversion_time", "total_capacitance"):
        assert found[name].kind == "modelled"
    assert "fF/um" in found["total_capacitance"].source
    assert found["enob"].value < figures(nominal, None, SMALL)["enob"].value


def test_impossible_settings_are_errors() -> None:
    for settings, said in (
        ({"bits": 1}, "2 to 12"),
        ({"bits": 8.5}, "whole number"),
        ({"side": 0.1e-6}, "1 to 30 um"),
        ({"t_bit": 1e-12}, "t_bit"),
    ):
        with pytest.raises(ConfigError, match=said):
            part("sar-adc", settings)
