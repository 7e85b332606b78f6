"""The methods by name, and the choice between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bitline.core.errors import ConfigError
from bitline.core.suggest import suggestion
from spice.rare.estimate import Estimate
from spice.rare.limit_state import LimitState
from spice.rare.mixture import mixture
from spice.rare.plain import plain
from spice.rare.subset import subset

Method = Callable[[LimitState, int, float, int], Estimate]

METHODS: Mapping[str, tuple[Method, int]] = {
    "mixture": (mixture, 2_000),
    "subset": (subset, 20_000),
    "plain": (plain, 100_000),
}
"""Method by name, and the simulations it is allowed where nothing else is said."""

AUTO = "auto"
_FEW = 100  # dimensions up to which slopes can be afforded: a cell and its amplifier in full have 39


def estimate(
    limit: LimitState, method: str = AUTO, seed: int = 1, relative_error: float = 0.1, most: int | None = None
) -> Estimate:
    """Estimate a failure probability.

    Args:
        limit: what fails.
        method: of `METHODS`, or "auto": mixture importance sampling up to 100 dimensions, subset simulation beyond.
        seed: of every draw.
        relative_error: wanted relative standard error, above 0.
        most: simulations at most; the method's own bound by default.

    Raises:
        ConfigError: an unknown method, an impossible error, or `most` is too few for the method.
        SimulationError: nothing fails within the method's reach.
    """
    if method == AUTO:
        method = "mixture" if limit.dimension <= _FEW else "subset"
    if method not in METHODS:
        raise ConfigError(f"no method {method!r}{suggestion(method, (AUTO, *METHODS))}")
    if not 0 < relative_error < 1:
        raise ConfigError(f"relative error = {relative_error:g}: it lies between 0 and 1, as 0.1")
    chosen, bound = METHODS[method]
    return chosen(limit, seed, relative_error, bound if most is None else most)
