"""Global process variation: dies that lie continuously between the corners.

A foundry's corner cards say where the process may go, not how often. That is an input here: a corner is said to lie
`corner_sigma` standard deviations of the NMOS and as many of the PMOS from the typical die. A die is then two scores,
(n, p), standard normal and independent (in SKY130 the corners where one polarity is fast and the other slow lie as far
out as those where both go together), positive for faster transistors.

The numbers of a device's card (threshold, oxide thickness, mobility, effective length and width: whatever the corner
cards differ in) follow the one polynomial with the terms 1, n, p, n p, n^2 + p^2 that passes through the five corners:
at a corner's scores a die has that corner's card exactly. Beyond the corners it is an extrapolation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from circuits.technology import Technology

Floats = np.ndarray[Any, np.dtype[np.float64]]

SCORES = ("n", "p")
DIRECTIONS = ((1, 1), (-1, -1), (1, -1), (-1, 1))


@dataclass(frozen=True)
class Process:
    """Cards of dies between a technology's corners.

    Args:
        technology: gives the cards; its first corner is the typical die.
        directions: (n, p) of the other corners: 1 where that polarity is fast, -1 where it is slow.
        corner_sigma: how many standard deviations of each polarity a corner lies out.

    Raises:
        ConfigError: the four corners of n and p are not all there, or `corner_sigma` is not above 0.
    """

    technology: Technology
    directions: Mapping[str, tuple[int, int]]
    corner_sigma: float = 3.0

    def __post_init__(self) -> None:
        if not 0 < self.corner_sigma < np.inf:
            raise ConfigError(
                f"corner_sigma = {self.corner_sigma}: a corner lies some standard deviations out, above 0"
            )
        if missing := [way for way in DIRECTIONS if way not in self.directions.values()]:
            named = ", ".join(" ".join(map(_word, way, ("N", "P"))) for way in missing)
            raise ConfigError(f"{self.technology.name}: no corner with {named}; a global process needs all four")

    def scores(self, rng: np.random.Generator) -> tuple[float, float]:
        """Scores (n, p) of a die."""
        n, p = rng.standard_normal(2)
        return float(n), float(p)

    def parameters(self, role: str, n: float, p: float) -> dict[str, float]:
        """The parameters of a device's card at a die's scores, those that the corner cards differ in.

        Raises:
            ConfigError: the technology has no such device, or a card lacks a number that another corner's gives.
        """
        typical, *corners = (self.technology.card(role, corner).parameters for corner in self._corners())
        names = sorted({name for card in corners for name in card if card[name] != typical.get(name)})
        nominal = np.array([_value(typical, name, role) for name in names])
        steps = np.array([[_value(card, name, role) for name in names] for card in corners]) - nominal
        where = np.array([_terms(*way) for way in DIRECTIONS])
        moved = np.array(_terms(n / self.corner_sigma, p / self.corner_sigma)) @ np.linalg.solve(where, steps)
        return dict(zip(names, (nominal + moved).tolist(), strict=True))

    def _corners(self) -> list[str]:
        by_direction = {way: corner for corner, way in self.directions.items()}
        return [self.technology.corners[0], *(by_direction[way] for way in DIRECTIONS)]


def _terms(n: float, p: float) -> tuple[float, float, float, float]:
    """Of the polynomial, without its constant."""
    return n, p, n * p, (n * n + p * p) / 2


def _value(card: Mapping[str, float], name: str, role: str) -> float:
    """A number of a card; a binning term (of length, width or both) that it does not give is 0."""
    if name not in card and not (name[0] in "lwp" and name[1:] in card):
        raise ConfigError(f"the cards of {role!r} give '{name}' in some corners only; give it in all of them")
    return card.get(name, 0.0)


def _word(way: int, polarity: str) -> str:
    return f"{'fast' if way > 0 else 'slow'} {polarity}"
