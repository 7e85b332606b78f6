"""Plain Monte Carlo: the reference that every other method is held against, where it can reach."""

from __future__ import annotations

import math

from bitline.core.seeds import stream
from spice.rare.estimate import Estimate, from_counts
from spice.rare.limit_state import LimitState, fails

METHOD = "plain Monte Carlo"
_BATCH = 1000


def plain(limit: LimitState, seed: int, relative_error: float, most: int) -> Estimate:
    """Count failures until enough were seen for the relative standard error, or `most` points were simulated.

    Args:
        limit: what fails.
        seed: of the points; batches have streams of their own.
        relative_error: wanted relative standard error.
        most: simulations at most.
    """
    failed = count = 0
    while count < most:
        points = stream(seed, "rare.plain", count).standard_normal((min(_BATCH, most - count), limit.dimension))
        failed += int(fails(limit.margins(points)).sum())
        count += len(points)
        if failed and math.sqrt((1 - failed / count) / failed) <= relative_error:
            return from_counts(failed, count, limit.simulations, METHOD)
    warning = (
        f"{failed} of {count} points failed, too few for a relative error of {relative_error:g}: "
        "allow more simulations, or leave the method to bitline"
    )
    return from_counts(failed, count, limit.simulations, METHOD, (warning,))
