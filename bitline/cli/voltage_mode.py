"""A study whose tiles are read by voltage (`array.sensing = "voltage"`): its arrays, and their rung 2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.cli.cells import cells_and_lines
from bitline.cli.drive import Laid, bits, driven_array
from bitline.cli.study import Study
from bitline.core.errors import ConfigError
from bitline.core.executor import Record
from bitline.core.model_file import ModelFile
from circuits.voltage_mode import VoltageModeConfig
from crossbar.voltage_mode import transfer_matrix
from nn.study import AccuracyTask
from spice.voltage_mode import line_voltages

UNITS = {"g": "S", "v": "V", "fast_v": "V", "ngspice_v": "V", "error": "1", "chip": "1", "tile": "1"}

_OF_CURRENTS = (
    *("mapping", "dac", "faults", "verify", "telegraph", "ageing", "timing"),
    *("remap", "adcs", "r_sink", "noise_way", "precision"),
)
_OF_CURRENT_CONVERTERS = ("kind", "mismatch", "inl", "gain_sigma", "signed")


def check_settings(study: Study) -> None:
    """Refuse what arrays read by voltage have not.

    Raises:
        ConfigError: a key of `array` that is of arrays read by current alone.
    """
    array = study.array
    keys = [name for name in _OF_CURRENTS if getattr(array, name) != type(array).model_fields[name].default]
    own = type(array.adc).model_fields
    keys += [f"adc.{name}" for name in _OF_CURRENT_CONVERTERS if getattr(array.adc, name) != own[name].default]
    if array.adc.range == "mse":
        keys.append("adc.range")
    if keys:
        raise ConfigError(
            f"array.{keys[0]} is of tiles that are read by current; leave it out or set array.sensing to it"
            if keys[0] != "adc.range"
            else 'array.adc.range = "mse" is of tiles that are read by current; "max" and "percentile" are left'
        )


def voltage_config(study: Study, models: ModelFile) -> VoltageModeConfig:
    """The array that a study asks for, with cells and converters as characterised; see `cli.arrays.tile_config`.

    Raises:
        ConfigError: a key that such arrays have not.
        ModelRangeError: conductances or a read voltage that the 1T1R cell was not characterised at.
        FitError: the model file lacks the ReRAM cell or the sense amplifier.
    """
    check_settings(study)
    own = study.array
    return VoltageModeConfig(
        **cells_and_lines(study, models),
        noise=own.adc.noise,
        normaliser=own.normaliser,
        range="max" if own.adc.range == "max" else "percentile",
        percentile=own.adc.percentile,
    )


@dataclass(frozen=True)
class VoltageProducts:
    """Task: settled voltages of floating bit lines of a block of a tile, at speed and by ngspice.

    Args:
        accuracy: the study's accuracy task, whose chips, arrays and images are taken.
        config: of its arrays.
        size: word and bit lines of a block, at most.
    """

    accuracy: AccuracyTask
    config: VoltageModeConfig
    size: int

    def prepare(self) -> Laid:
        """The network on its arrays."""
        return Laid.of(self.accuracy)

    def run(self, context: Laid, index: int) -> Record:
        """Compare product number `index`.

        Returns:
            g (size, size), v (size,), fast_v and ngspice_v (size,), error = max |difference| / max |ngspice|, chip,
            tile (layer, row, column); lines that a tile has not are 0.
        """
        found, array, _ = driven_array(self.accuracy, context, bits, index)
        v = np.stack([found.plane, -found.plane], axis=-1).ravel() * self.config.v_read
        rows = self._driven(np.abs(v) > 0)
        g, v = array.conductances[rows, : self.size], v[rows]
        fast = v @ transfer_matrix(g, self.config.wires)
        slow = line_voltages(g, v[None], self.config.wires)[0]
        spare = [(0, self.size - length) for length in g.shape]
        return {
            "g": np.pad(g, spare),
            "v": np.pad(v, spare[0]),
            "fast_v": np.pad(fast, spare[1]),
            "ngspice_v": np.pad(slow, spare[1]),
            "error": float(np.max(np.abs(fast - slow)) / np.max(np.abs(slow))),
            "chip": index,
            "tile": np.array([index % len(context.layers), *found.tile]),
        }

    def _driven(self, lines: np.ndarray[Any, np.dtype[np.bool_]]) -> slice:
        """The neighbouring word lines that are driven most, whole pairs."""
        size = min(self.size // 2 * 2, len(lines))
        start = int(np.argmax(np.convolve(lines, np.ones(size), mode="valid")))
        return slice(start // 2 * 2, start // 2 * 2 + size)


def voltage_products(study: Study, models: ModelFile, task: AccuracyTask) -> VoltageProducts:
    """The comparison of a study."""
    return VoltageProducts(task, voltage_config(study, models), study.trust.size)
