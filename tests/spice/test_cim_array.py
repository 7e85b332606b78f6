"""Computing columns against ngspice: every cell with all its transistors, and the lumped column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bitline.core.model_file import ModelFile
from circuits.cim import CimConfig
from circuits.cim_column import CimDesign
from circuits.cim_model import ColumnModel
from crossbar.sram_cim import CimArray
from spice.characterise import Conditions
from spice.cim_array import SpiceCimArray
from spice.cim_bench import CimBench, CimSetting
from spice.parts.cim_column import make

LIMIT = 0.02  # of the swing: what one number for a bit line may cost
_FOLDER = Path(__file__).parent / "golden_cim"


@pytest.mark.parametrize("cell", ["8t", "6t"])
def test_bit_lines_of_whole_columns_agree(cell: str) -> None:
    models = ModelFile.load(_FOLDER / f"{cell}_16.json")  # fitted to columns of 16 cells
    config = CimConfig(ColumnModel.of(models), rows=16, cols=3, weight_bits=3, input_bits=2, noise=False)
    rng = np.random.default_rng(0)
    w, x = rng.integers(-3, 4, (16, 1)), rng.integers(0, 4, (2, 16))
    fast, slow = CimArray(config), SpiceCimArray(config, CimSetting(design=CimDesign(cells=16, cell=cell)))
    for array in (fast, slow):
        array.program(w, np.random.default_rng(5))
        array.set_range(array.required_range(x))
    volts = slow.voltages(x)
    found = fast.voltage(config.planes(x) @ fast.weights_of_rows())
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
    bench = CimBench(CimSetting(design=CimDesign(cell="6t")))
    assert bench.trip(1.8, {}) == pytest.approx(0.823, abs=0.01)  # its write margin by the bit line
    assert bench.trip(0.8, {}) < -0.2


def test_fits_hold_out_what_they_are_checked_on() -> None:
    models = ModelFile.load(_FOLDER / "8t_16.json")
    assert models["cim.discharge"].residual.maximum < 0.02
    assert models["cim.log_current"].residual.maximum < 0.05
    part = make()
    assert set(part.netlists(Conditions())) == {"current", "discharge"}
