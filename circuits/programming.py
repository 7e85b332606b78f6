"""What writing weights into a tile leaves: conductances, stuck cells, and the converters that this tile got."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.converters import Converter, code_limits
from circuits.faults import FaultMap
from circuits.mapping import Placement
from circuits.remap import placed
from circuits.tile import Floats, Ints, TileConfig


@dataclass(frozen=True, eq=False)
class Written:
    """A tile after programming.

    Attributes:
        g: conductances (S), shape (rows, cols).
        offsets: of its converters (V), shape (converters,).
        gains: of its converters, shape (converters,).
        thresholds: at which their codes change (LSB), shape (converters, steps); None for uniform steps.
        dac: what each driver gives for each digit, in steps, shape (rows, digits); None where it is the digit itself.
        faults: 1 stuck on, -1 stuck off, 0 good, shape (rows, cols).
        placement: where rows and outputs are.
        attempts: how often cells that hold weights were programmed, all together.
        missed: those of them that came no nearer than the tolerance, stuck ones not counted.
    """

    g: Floats
    offsets: Floats
    gains: Floats
    thresholds: Floats | None
    dac: Floats | None
    faults: FaultMap
    placement: Placement
    attempts: int
    missed: int

    def converter(self, config: TileConfig) -> Converter:
        """Its converters as the channels in use meet them."""
        low, high = code_limits(config.adc_bits, signed=config.signed)
        number = np.arange(config.layout.channels(len(self.placement.slots))) % len(self.offsets)
        # an offset is the input at which decisions flip, so it is taken off what is converted
        offset = -self.offsets[number] * high / config.v_full_scale
        thresholds = None if self.thresholds is None else self.thresholds[number]
        return Converter(low, high, self.gains[number], np.asarray(offset), thresholds)


def targets(config: TileConfig, weights: Any, placement: Placement | None = None) -> Floats:
    """Conductances (S), shape (rows, cols), that stand for weights[rows used, outputs used].

    Raises:
        ConfigError: weights that do not fit the tile.
    """
    weights = config.checked_weights(weights)
    layout = config.layout
    level = layout.levels(weights, placement or Placement.in_order(*weights.shape), config.rows)
    return config.g_min + (config.g_max - config.g_min) * level / layout.level_max


def write(config: TileConfig, weights: Ints, rng: np.random.Generator) -> Written:
    """Write integer weights[rows used, outputs used] into a tile drawn from `rng`.

    A whole tile of variation is drawn whatever is used of it, so that a cell's draw does not depend on the weights, and
    every kind of draw has a generator of its own, so that none depends on which others there are. A conductance drawn
    beyond what a cell can have is the nearest that it can.

    Raises:
        ConfigError: weights that do not fit the tile, or a map of faults that does not.
        ModelRangeError: a target outside the range of `programming_sigma`.
    """
    weights = config.checked_weights(weights)
    shape = (config.rows, config.cols)
    scores = rng.standard_normal(shape)
    offsets = config.offset_mean + config.offset_sigma * rng.standard_normal(config.converters)
    stuck, repeats, drivers, steps, gains = rng.spawn(5)
    faults = config.faults.map(shape, stuck) if config.faults.any() else np.zeros(shape, dtype=np.int8)
    placement = placed(config, weights, faults) if config.remap else Placement.in_order(*weights.shape)
    target = targets(config, weights, placement)
    g, attempts = target, np.ones(shape)
    if config.programming_sigma is not None:
        g, attempts = config.verify.program(target, config.programming_sigma(target), scores, config.g_reach, repeats)
    used = _used(config, placement)
    missed = used & (faults == 0) & (np.abs(g - target) > (config.verify.tolerance or np.inf))
    return Written(
        g=config.faults.applied(g, faults, config.g_max),
        offsets=offsets,
        gains=1 + config.adc.gain_sigma * gains.standard_normal(config.converters),
        thresholds=config.adc.thresholds(config.adc_bits, config.converters, steps, signed=config.signed),
        dac=config.dac.table(config.rows, drivers),
        faults=faults,
        placement=placement,
        attempts=int(attempts[used].sum()),
        missed=int(np.count_nonzero(missed)),
    )


def _used(config: TileConfig, placement: Placement) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which cells hold a weight or a reference."""
    used = np.zeros((config.rows, config.cols), dtype=np.bool_)
    for lines in config.layout.bit_lines(placement):
        if lines is not None:
            used[placement.rows[:, None], lines] = True
    return used
