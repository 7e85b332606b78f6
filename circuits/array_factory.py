"""Arrays of one kind on demand, for whoever lays a network out on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class ConfiguredFactory:
    """Makes arrays of one configuration; picklable.

    Args:
        config: of every array, but for `input_bits`: a `circuits.tile.TileConfig` or `circuits.cim.CimConfig`.
        array: the simulation, as `crossbar.tile.CrossbarArray` or `crossbar.sram_cim.CimArray`.
    """

    config: Any
    array: Callable[[Any], Any]

    @property
    def max_rows(self) -> int:
        """Inputs that an array takes."""
        return int(self.config.rows)

    @property
    def max_cols(self) -> int:
        """Outputs that it gives."""
        return int(self.config.outputs)

    @property
    def weight_bits(self) -> int:
        """Of the signed weights."""
        return int(self.config.weight_bits)

    def __call__(self, rows: int, cols: int, input_bits: int) -> Any:
        """An array for a part of a network: `program` it with weights[rows, cols]."""
        made = self.array(replace(self.config, input_bits=input_bits))
        made.rows, made.cols = rows, cols
        return made
