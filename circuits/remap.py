"""Where to put rows and outputs so that stuck cells do the least harm.

The harm of a placement is the sum over weights of the square of what stuck cells add to them. It is lowered by turns:
word lines are assigned to inputs with the outputs where they are, then places to outputs, each with the polarity that
suits it, with the inputs where they are. Each assignment is the best there is (Hungarian method), so that the harm
never rises; the whole is a local optimum. It takes the map of faults as known, as a test after fabrication gives it.
"""

from __future__ import annotations

import numpy as np

from circuits.faults import STUCK_ON, FaultMap
from circuits.mapping import Placement
from circuits.tile import Floats, Ints, TileConfig

_TURNS = 4


def placed(config: TileConfig, weights: Ints, faults: FaultMap) -> Placement:
    """The placement of weights[inputs, outputs] on a tile with stuck cells."""
    from scipy.optimize import linear_sum_assignment

    best = Placement.in_order(*weights.shape)
    least = harm(config, weights, faults, best)
    for _ in range(_TURNS):
        if least == 0:
            break
        cost = _row_costs(config, weights, faults, best)
        rows = linear_sum_assignment(cost)[1].astype(np.int64)
        straight, crossed = (_slot_costs(config, weights, faults, rows, swap) for swap in _polarities(config))
        slots = linear_sum_assignment(np.minimum(straight, crossed))[1].astype(np.int64)
        each = np.arange(len(slots))
        turned = Placement(rows, slots, crossed[each, slots] < straight[each, slots])
        found = harm(config, weights, faults, turned)
        if found >= least:
            break
        best, least = turned, found
    return best


def harm(config: TileConfig, weights: Ints, faults: FaultMap, placement: Placement) -> float:
    """Sum over weights of the square of what stuck cells add to them, in weights."""
    return float(np.sum(_errors(config, weights, faults, placement) ** 2))


def _polarities(config: TileConfig) -> tuple[bool, bool]:
    return False, config.layout.differential


def _stuck_levels(config: TileConfig, faults: FaultMap) -> Floats:
    """The digit that a stuck cell stands for; no whole one where it conducts what no programmed cell does."""
    on = config.g_max if config.faults.g_on is None else config.faults.g_on
    g = np.where(faults == STUCK_ON, on, config.faults.g_off)
    return np.asarray((g - config.g_min) / (config.g_max - config.g_min) * config.layout.level_max)


def _errors(config: TileConfig, weights: Ints, faults: FaultMap, placement: Placement) -> Floats:
    """What stuck cells add to each weight, shape (inputs, outputs)."""
    word = placement.rows[:, None, None]
    stuck = _stuck_levels(config, faults)
    changes = [
        np.where(faults[word, lines] != 0, stuck[word, lines] - digits, 0.0)
        for lines, digits in zip(config.layout.lines(placement), config.layout.parts(weights), strict=True)
    ]
    return np.asarray((changes[0] - changes[1]) @ _slice_weights(config))


def _slice_weights(config: TileConfig) -> Floats:
    return np.asarray(2.0 ** (config.layout.slice_bits * np.arange(config.layout.slices)))


def _row_costs(config: TileConfig, weights: Ints, faults: FaultMap, placement: Placement) -> Floats:
    """Harm of each input on each word line, shape (inputs, word lines), outputs staying where they are."""
    cost = np.empty((len(weights), config.rows))
    for line in range(config.rows):
        there = Placement(np.full(len(weights), line), placement.slots, placement.swapped)
        cost[:, line] = np.sum(_errors(config, weights, faults, there) ** 2, axis=1)
    return cost


def _slot_costs(config: TileConfig, weights: Ints, faults: FaultMap, rows: Ints, swap: bool) -> Floats:  # noqa: FBT001 - a polarity
    """Harm of each output in each place, shape (outputs, places), inputs staying where they are."""
    outputs = weights.shape[1]
    cost = np.empty((outputs, config.outputs))
    for slot in range(config.outputs):
        there = Placement(rows, np.full(outputs, slot), np.full(outputs, swap))
        cost[:, slot] = np.sum(_errors(config, weights, faults, there) ** 2, axis=0)
    return cost
