"""Rung 2 of a study on computing columns: bit lines of whole columns against ngspice, and what it tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bitline.cli.advice import advise
from bitline.cli.causes import causes
from bitline.cli.cim import cim_config
from bitline.cli.cim_trust import ColumnProducts, column_products
from bitline.cli.ladder import COLUMN_LIMIT, product_rungs
from bitline.cli.nonidealities import present
from bitline.cli.study import Study
from bitline.cli.trust import UNITS, product_tasks
from bitline.core.model_file import ModelFile
from bitline.core.samples import Samples
from circuits.cim import CimConfig
from circuits.cim_column import CimDesign
from circuits.cim_model import ColumnModel
from crossbar.sram_cim import cim_factory
from nn.diagnose import Diagnosis, LayerFigures
from spice.cim_bench import CimSetting

_FOLDER = Path(__file__).parents[1] / "spice" / "golden_cim"
ROWS = 12  # of the tile; the columns have 16


_LAYER = LayerFigures("fc1", 0, "linear", 64, 16, 1, 1, 20.0, 20.0, 0.0, 1.0, 0.5, 20.0, 20.0, 20.0, {})


class OneLayer:
    """A layer of one tile, whose inputs are the images."""

    name, input_bits = "fc1", 4
    tiles = (SimpleNamespace(rows=slice(0, ROWS), place=(0, 0)),)

    def vectors(self, x: Any) -> Any:
        return x

    def programmed(self, number: int, factory: Any, seed: int, chip: int) -> Any:
        array = factory(ROWS, 2, self.input_bits)
        rng = np.random.default_rng([seed, chip, number])
        array.program(rng.integers(-3, 4, (ROWS, 2)), rng)
        array.set_range(8.0)
        return array


def task(name: str, **design: Any) -> ColumnProducts:
    cell = name[:2]
    column = ColumnModel.of(ModelFile.load(_FOLDER / f"{name}.json"))
    config = CimConfig(column, rows=16, cols=12, weight_bits=3, sign="differential", v_low=0.9)
    accuracy: Any = SimpleNamespace(target=SimpleNamespace(seed=3, arrays=cim_factory(config)))
    variation = "full" if "full" in name else "vth"
    return ColumnProducts(accuracy, config, CimSetting(design=CimDesign(16, cell, **design), variation=variation), 64)


def laid() -> Any:
    images = np.random.default_rng(0).integers(0, 16, (20, ROWS))
    graph = SimpleNamespace(node=lambda _: SimpleNamespace(inputs=("in",)), run=lambda x: {"in": x})
    return SimpleNamespace(graph=graph, layers=(OneLayer(),), images=images)


@pytest.mark.parametrize("name", ["8t_16", "6t_16_full"])
def test_bit_lines_of_the_arrays_own_cells_agree(name: str) -> None:
    found = task(name).run(laid(), 0)
    assert set(found) <= set(UNITS)
    assert found["bits"].shape == (16, 4)  # 64 cells, the tile's spare word lines as 0
    assert not found["bits"][ROWS:].any()
    assert found["error"] < COLUMN_LIMIT
    assert found["error"] == pytest.approx(np.max(np.abs(found["fast_v"] - found["ngspice_v"])) / 0.9)
    assert found["codes"] == pytest.approx(255 * found["error"], rel=0.2)  # v_low is full scale but for the edges
    assert (found["disturb"] > 0) == name.startswith("6t")
    samples = Samples(1, {key: np.asarray(value)[None] for key, value in found.items()})
    (rung,) = product_rungs({"columns": samples})
    assert rung.holds
    assert "bit lines of whole columns, 16 x 4 cells" in rung.what


def test_a_column_that_was_not_characterised_so_does_not_hold() -> None:
    found = task("8t_16", word_line=0.9).run(laid(), 0)
    assert found["error"] > COLUMN_LIMIT
    samples = Samples(1, {key: np.asarray(value)[None] for key, value in found.items()})
    assert not product_rungs({"columns": samples})[0].holds
    (none,) = product_rungs({"columns": Samples(0, {})})
    assert "not checked" in none.told()


def test_a_study_compares_the_columns_that_it_characterised() -> None:
    study = Study.model_validate({"target": "sram-cim", "sram_cim": {"rows": 16, "v_low": 0.9, "variation": "full"}})
    column = ModelFile.load(_FOLDER / "8t_16_full.json")
    offset = SimpleNamespace(parameters={"sigma": 0.01})
    models: Any = FakeModels(column, offset)
    made = column_products(study, models, SimpleNamespace())  # type: ignore[arg-type]
    assert made.setting.variation == "full"
    assert made.setting.design == replace(CimDesign(16), word_line=0.8)
    assert made.cells == study.trust.cells_size**2
    assert list(product_tasks(study, models, SimpleNamespace())) == ["columns"]  # type: ignore[arg-type]


OFF = {"variation": "none", "offset": False, "noise": False, "curved": False, "zero_rows": False}


def test_keys_turn_off_what_an_array_has() -> None:
    models: Any = FakeModels(ModelFile.load(_FOLDER / "8t_16.json"), SimpleNamespace(parameters={"sigma": 0.01}))

    def made(**keys: Any) -> CimConfig:
        return cim_config(Study.model_validate({"target": "sram-cim", "sram_cim": {"rows": 16, **keys}}), models)

    config = made()
    assert (config.offset_sigma, config.noise, config.curved, config.zero_rows) == (0.01, True, True, True)
    assert config.column.log_current is not None
    config = made(**OFF)
    assert (config.offset_sigma, config.noise, config.curved, config.zero_rows) == (0.0, False, False, False)
    assert config.column.log_current is None


def test_each_of_a_studys_non_idealities_is_a_cause_in_its_layers() -> None:
    models: Any = FakeModels(ModelFile.load(_FOLDER / "8t_16.json"), SimpleNamespace(parameters={"sigma": 0.01}))
    study = Study.model_validate({"target": "sram-cim", "sram_cim": {"rows": 16, "range_share": 0.8}})
    found = causes(study, models, Path("graph.npz"))
    of_layers = [each for each in present(study) if each.target and each.name != "column converter range"]
    assert list(found.without) == [each.name for each in of_layers]
    layer = replace(_LAYER, without_db=dict.fromkeys(found.without, 30.0))
    advised = advise(study, models, Path("graph.npz"), Diagnosis(0, 1, 1.0, (layer,)))
    answered = {cause for each in advised for cause in each.remedy.causes}
    assert answered >= set(found.without)
    changes = {key: value for each in advised for key, value in each.changes.items()}
    assert changes["sram_cim.adc_bits"] == study.sram_cim.adc_bits + 1
    assert changes["sram_cim.extra"] == pytest.approx(models["cim.lost"].parameters["capacitance"], rel=0.005)
    assert "sram_cim.linearise" not in changes  # in force
    assert {key for each in advised for key in each.changes if not each.characterised} == {
        "sram_cim.extra",
        "sram_cim.word_line",
    }


class FakeModels(ModelFile):
    """A column's model file with a sense amplifier beside."""

    def __init__(self, column: ModelFile, offset: Any) -> None:
        super().__init__(column.provenance, {**column.models, "sense_amp.offset": offset})
