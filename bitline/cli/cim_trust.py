"""Products of a study's own computing columns, simulated again by ngspice: their rung 2 of the ladder of trust.

A chip that the study samples, one of its tiles as programmed and a digit of a test image as it reaches that tile. All
word lines of the tile are kept, for they discharge a bit line together, and as many neighbouring bit lines as netlists
with a transistor in every cell may have cells: `trust.cells_size` squared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bitline.cli.cim import cim_config, part_settings
from bitline.cli.drive import Laid, driven_array
from bitline.cli.study import Study
from bitline.core.array import IntArray
from bitline.core.executor import Record
from bitline.core.model_file import ModelFile
from circuits.cim import CimConfig
from circuits.cim_column import CimDesign
from nn.placement import Layer
from nn.study import AccuracyTask
from spice.characterise import Conditions
from spice.cim_array import SpiceCimArray
from spice.cim_bench import CimSetting

UNITS = {
    "bits": "1",
    "fast_v": "V",
    "ngspice_v": "V",
    "error": "1",
    "codes": "1",
    "disturb": "1",
    "chip": "1",
    "tile": "1",
}


@dataclass(frozen=True)
class ColumnProducts:
    """Task: bit lines of whole columns, every cell with all its transistors and its mismatch.

    Args:
        accuracy: the study's accuracy task, whose chips, arrays and images are taken.
        config: of its arrays.
        setting: conditions and design of their columns.
        cells: of a netlist, about.
    """

    accuracy: AccuracyTask
    config: CimConfig
    setting: CimSetting
    cells: int

    def prepare(self) -> Laid:
        """The network on its arrays."""
        return Laid.of(self.accuracy)

    def run(self, context: Laid, index: int) -> Record:
        """Compare product number `index`.

        Returns:
            bits (rows, bit lines), fast_v and ngspice_v (bit lines,), error = max |difference| over full scale, codes:
            the largest difference in steps of the converter, disturb: probability that a read of this array flips a
            cell, chip, tile (layer, row, column).
        """
        found, array, rng = driven_array(self.accuracy, context, self._digits, index)
        count = min(max(1, self.cells // self.config.rows), self.config.slices)  # any tile has as many
        first = int(rng.integers(array.bits.shape[1] - count + 1))
        lines = slice(first, first + count)
        fast = array.voltage(found.plane @ array.weights_of_rows()[:, lines], array.driven(found.plane))
        slow = SpiceCimArray(replace(array.config, noise=False), self.setting)
        slow.take(array, lines)
        truth = slow.bit_lines(found.plane)
        apart = float(np.max(np.abs(fast - truth)))
        return {
            "bits": self._padded(array.bits[:, lines]),
            "fast_v": fast,
            "ngspice_v": truth,
            "error": apart / (self.config.vdd - self.config.v_low),
            "codes": apart / array.lsb,
            "disturb": array.disturb(),
            "chip": index,
            "tile": np.array([index % len(context.layers), *found.tile]),
        }

    def _digits(self, layer: Layer, values: IntArray) -> IntArray:
        return replace(self.config, input_bits=layer.input_bits).planes(values)[:, 0]

    def _padded(self, bits: IntArray) -> IntArray:
        """With the word lines that the tile leaves off: every netlist has as many."""
        return np.pad(bits, ((0, self.config.rows - len(bits)), (0, 0)))


def column_products(study: Study, models: ModelFile, task: AccuracyTask) -> ColumnProducts:
    """The comparison of a study."""
    config, own = cim_config(study, models), part_settings(study)
    conditions = Conditions(**study.conditions.model_dump(), seed=study.seed)
    variation = own.pop("variation")
    return ColumnProducts(task, config, CimSetting(conditions, CimDesign(**own), variation), study.trust.cells_size**2)
