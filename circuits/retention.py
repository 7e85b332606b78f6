"""A tile some time after programming: aged cells, and the converters' full scale that follows their mean drift."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from circuits.tile import Floats, TileConfig

if TYPE_CHECKING:
    from circuits.programming import Written


def aged(config: TileConfig, written: Written, rng: np.random.Generator) -> Written:
    """The tile at `config.t_elapsed` (s) after it was written; stuck cells stay.

    A whole tile of scores is drawn from a generator of their own: they are the devices' own, the same at every time.

    Raises:
        ModelRangeError: a time or a conductance that `config.ageing` does not cover.
    """
    (own,) = rng.spawn(1)  # whether it is used or not: other draws shall not depend on that
    if config.ageing is None:
        return written
    scores: Floats = np.asarray(own.standard_normal(written.g.shape))
    good = written.faults == 0
    g = written.g.copy()
    g[good] = np.clip(config.ageing.aged(g[good], config.t_elapsed, scores[good]), *config.g_reach)
    return replace(written, g=g)


def mean_drift(config: TileConfig, written: Written, now: Written) -> float:
    """The factor that takes the channels' cells as written nearest to what they are now; 1 without compensation.

    It is what reads of known inputs tell in the mean, as the global compensation of Joshi et al., Nature
    Communications 11, 2473 (2020), takes it from the tile's own outputs. Where weights are lost it is 1.
    """
    if config.ageing is None or not config.drift_compensation:
        return 1.0
    before, after = (_channels(config, each) for each in (written, now))
    energy, kept = float(np.sum(before * before)), float(np.sum(before * after))
    return kept / energy if energy > 0 and kept > 0 else 1.0


def _channels(config: TileConfig, written: Written) -> Floats:
    plus, minus = config.layout.bit_lines(written.placement)
    g = written.g[written.placement.rows]
    return np.asarray(g[:, plus] if minus is None else g[:, plus] - g[:, minus])
