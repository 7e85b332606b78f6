"""Computing columns against ngspice: every cell with all its transistors, and the lumped column."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from bitline.core.model_file import ModelFile, quadratic_terms
from circuits.cim import CimConfig
from circuits.cim_column import CimDesign
from circuits.cim_model import ColumnModel
from crossbar.sram_cim import CimArray
from spice.characterise import Conditions
from spice.cim import CimNominal
from spice.cim_array import SpiceCimArray
from spice.cim_bench import CimBench, CimSetting
from spice.cim_disturb import DisturbBench
from spice.cim_fits import Discharge
from spice.mismatch import shifts
from spice.parts.cim_column import make

LIMIT = 0.02  # of the swing: what one number for a bit line may cost
_FOLDER = Path(__file__).parent / "golden_cim"


@pytest.mark.parametrize("variation", ["vth", "full"])
@pytest.mark.parametrize("cell", ["8t", "6t"])
def test_bit_lines_of_whole_columns_agree(cell: str, variation: str) -> None:
    name = f"{cell}_16" if variation == "vth" else f"{cell}_16_full"
    models = ModelFile.load(_FOLDER / f"{name}.json")  # fitted to columns of 16 cells
    config = CimConfig(ColumnModel.of(models), rows=16, cols=3, weight_bits=3, input_bits=2, noise=False)
    rng = np.random.default_rng(0)
    w, x = rng.integers(-3, 4, (16, 1)), rng.integers(0, 4, (2, 16))
    setting = CimSetting(design=CimDesign(cells=16, cell=cell), variation=variation)
    fast, slow = CimArray(config), SpiceCimArray(config, setting)
    for array in (fast, slow):
        array.program(w, np.random.default_rng(5))
        array.set_range(array.required_range(x))
    volts = slow.voltages(x)
    found = fast.voltage(config.planes(x) @ fast.weights_of_rows(), fast.driven(config.planes(x)))
    swing = config.vdd - volts.min()
    assert swing > 0.5
    assert np.abs(found - volts).max() < LIMIT * swing
    # mismatch is what brings them together: with equal cells they differ by more
    counts = config.planes(x) @ (fast.bits == 1)
    assert np.abs(fast.voltage(counts) - volts).max() > LIMIT * swing


def test_the_discharge_depends_on_the_dose_alone() -> None:
    bench = CimBench(CimSetting(design=CimDesign(cells=64)))
    once, twice = bench.end(8, 0, 0.4e-9), bench.end(16, 0, 0.2e-9)
    assert once == pytest.approx(twice, abs=0.02)  # the edges' share
    assert bench.end(8, 32, 0.4e-9) < once  # rows of 0 take charge


def test_full_word_lines_flip_6t_cells_and_lowered_ones_do_not() -> None:
    bench = DisturbBench(CimSetting(design=CimDesign(cell="6t")))
    none = np.zeros(len(bench.varied))
    assert bench.trip(1.8, none) == pytest.approx(0.823, abs=0.01)  # its write margin by the bit line
    assert bench.trip(0.8, none) < -0.2


@pytest.mark.parametrize("cell", ["8t", "6t"])
def test_full_variation_shifts_a_rows_current_by_its_oxide(cell: str) -> None:
    bench = CimBench(CimSetting(design=CimDesign(cell=cell), variation="full"))
    names = [each.name for each in bench.inputs]
    assert {name.partition("_")[0] for name in names} >= {"dvth", "dtoxe"}
    devices = {each.device for each in bench.inputs}
    nominal = bench.currents({device: {"vth": 0.0, "toxe": 0.0} for device in devices})[0]
    thick = bench.currents({device: {"vth": 0.0, "toxe": 0.05} for device in devices})[0]
    assert thick < 0.98 * nominal  # a thicker oxide conducts less
    again = bench.currents({device: {"vth": 0.0, "toxe": 0.0} for device in devices})[0]
    assert again == nominal  # what was set is taken back


def test_an_array_of_another_variation_is_refused() -> None:
    config = CimConfig(ColumnModel.of(ModelFile.load(_FOLDER / "8t_16.json")), rows=16, noise=False)
    with pytest.raises(ConfigError, match="characterised with another"):
        SpiceCimArray(config, CimSetting(design=CimDesign(cells=16), variation="full"))


def test_bit_lines_of_another_array_are_those() -> None:
    config = CimConfig(ColumnModel.of(ModelFile.load(_FOLDER / "8t_16.json")), rows=16, cols=6, weight_bits=3)
    whole = CimArray(config)
    whole.program(np.full((12, 2), 3), np.random.default_rng(1))
    whole.set_range(12.0)
    part = SpiceCimArray(replace(config, noise=False), CimSetting(design=CimDesign(cells=16)))
    part.take(whole, slice(3, 5))
    digits = np.arange(12) % 2
    fast = whole.voltage(digits @ whole.weights_of_rows()[:, 3:5], whole.driven(digits))
    np.testing.assert_allclose(part.bit_lines(digits), fast, atol=LIMIT * 1.1)
    assert part.bit_lines(np.zeros(12, dtype=np.int64)).tolist() == [config.vdd] * 2


def test_a_discharge_is_known_with_any_number_of_rows_of_0() -> None:
    """Pulses on rows of either value that no fit has seen, up to a column with every word line on."""
    setting = CimSetting(design=CimDesign(cells=64))
    bench, task = CimBench(setting), CimNominal(setting)
    nominal = task.run(bench, 0)
    fitted = Discharge.of(nominal)
    unlifted = replace(fitted, lost=np.array([fitted.lost[0], 0.0]))
    k = 12
    width = 0.8 * float(nominal["dose"]) / k
    for z in (0, 26, 52):
        truth = bench.end(k, z, width)
        s = fitted.doses(np.array([float(k)]), np.array([float(z)]), np.array([width]))
        assert fitted.at(s)[0] == pytest.approx(truth, abs=0.008)
    without = unlifted.doses(np.array([float(k)]), np.array([52.0]), np.array([width]))
    assert unlifted.at(without)[0] > truth + 0.03


@pytest.mark.parametrize("cell", ["8t", "6t"])
def test_full_variation_is_fitted_to_a_third_of_a_percent_where_a_quadratic_is_not(cell: str) -> None:
    """On 100 rows that the fit has not seen."""
    variation = "full"
    models = ModelFile.load(_FOLDER / f"{cell}_16_{variation}.json")
    column = ColumnModel.of(models)
    bench = CimBench(CimSetting(design=CimDesign(cells=16, cell=cell), variation=variation))
    scores = np.random.default_rng(8).standard_normal((100, len(bench.inputs)))
    nominal = bench.currents(shifts(bench.inputs, 0 * scores[0]))[0]
    truth = np.array([bench.currents(shifts(bench.inputs, each))[0] for each in scores]) / nominal
    error = np.log(column.factors(scores) / truth)
    assert np.sqrt(np.mean(error**2)) < 0.0045
    assert np.abs(error).max() < 0.03
    quadratic = np.linalg.lstsq(quadratic_terms(scores), np.log(truth), rcond=None)[0]  # though it has seen them
    assert np.std(quadratic_terms(scores) @ quadratic - np.log(truth)) > 2 * np.std(error)


def test_fits_hold_out_what_they_are_checked_on() -> None:
    models = ModelFile.load(_FOLDER / "8t_16.json")
    assert models["cim.discharge"].residual.maximum < 0.02
    assert models["cim.log_current"].residual.maximum < 0.001
    full = ModelFile.load(_FOLDER / "8t_16_full.json")["cim.log_current"]
    assert full.kind == "monomials"
    assert full.residual.maximum < 0.05
    assert set(make().netlists(Conditions())) == {"current", "discharge"}
    assert set(make(cell="6t").netlists(Conditions())) == {"current", "discharge", "disturb"}
