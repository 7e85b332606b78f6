"""The range of a tile's converters from calibration inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from circuits.converters import code_limits
from circuits.mapping import Placement
from circuits.tile import Floats, Ints, TileConfig

_SHARES = np.geomspace(1 / 32, 1.0, 81)  # of the largest level, tried for the least error: steps of 4 %


def full_scale_for(config: TileConfig, planes: Ints, weights: Ints) -> float:
    """Full scale that planes[p, batch, rows] need on ideal cells, in currents of digit 1 on digit 1.

    At least the largest code: ideal currents have no finer steps than one product.
    """
    layout = config.layout
    placement = Placement.in_order(*weights.shape)
    products = layout.products(layout.levels(weights, placement, len(weights)), placement)
    levels = (planes @ products).astype(np.float64)
    levels = np.abs(levels) if config.signed else np.maximum(levels, 0.0)
    if layout.digital_reference:  # what cells at g_min bring is not subtracted before the converter
        idle = config.g_min / (config.g_max - config.g_min) * layout.level_max
        levels += idle * planes.sum(axis=-1)[..., None]
    high = code_limits(config.adc_bits, signed=config.signed)[1]
    return max(_chosen(config, levels, high), float(high))


def _chosen(config: TileConfig, levels: Floats, high: int) -> float:
    largest = float(levels.max(initial=0))
    if config.adc.range == "max" or largest == 0:
        return largest
    if config.adc.range == "percentile":
        return float(np.percentile(levels[levels > 0], config.adc.percentile))
    # a plane's errors count with the square of its weight
    weights = np.repeat(4.0 ** (config.dac.bits * np.arange(len(levels))), levels[0].size)
    values, place = np.unique(levels.ravel(), return_inverse=True)
    counts = np.bincount(place.ravel(), weights).astype(np.float64)
    errors = [_squares(values, counts, share * largest, high) for share in _SHARES]
    return float(_SHARES[int(np.argmin(errors))] * largest)


def _squares(values: Floats, counts: Floats, full_scale: float, high: int) -> float:
    """Weighted sum of squared errors of clipping and rounding values to `high` codes up to `full_scale`."""
    lsb = full_scale / high
    errors: Any = np.minimum(np.rint(values / lsb), high) * lsb - values
    return float(counts @ errors**2)
