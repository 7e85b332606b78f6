"""Bit-error rates of drawn SRAM chips by mechanism, and where a chip works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bitline.core.figures import MODELLED, Figure
from crossbar.sram_storage import Access, SramMacro

Floats = np.ndarray[Any, np.dtype[np.float64]]

MECHANISMS = ("read", "write", "hold")


@dataclass(frozen=True)
class Rates:
    """Error rates of chips.

    Args:
        values: rate of a stored or written 0 and 1 over a chip's cells, shape (accesses, chips, 2).
        bits: of a chip.
    """

    values: Floats
    bits: int

    @property
    def chips(self) -> Floats:
        """Of each chip, mean of both values, shape (accesses, chips)."""
        return np.asarray(self.values.mean(axis=-1))

    @property
    def mean(self) -> Floats:
        """Over chips, shape (accesses,)."""
        return np.asarray(self.chips.mean(axis=-1))

    @property
    def sigma(self) -> Floats:
        """From chip to chip, shape (accesses,)."""
        return np.asarray(self.chips.std(axis=-1, ddof=1) if self.chips.shape[1] > 1 else np.zeros(len(self.chips)))


def rates(macro: SramMacro, accesses: Sequence[Access], chips: int, seed: int) -> dict[str, Rates]:
    """Rates of reads and writes at every access, over chips 0 to `chips` - 1 of the seed.

    Raises:
        ModelRangeError: an access that no fit has seen.
    """
    found = np.empty((2, len(accesses), chips, 2))
    for number in range(chips):
        chip = macro.chip(seed, number)
        for k, access in enumerate(accesses):
            found[0, k, number] = chip.misreads(access).mean(axis=(1, 2))
            found[1, k, number] = chip.unwritten(access).mean(axis=(1, 2))
    bits = macro.words * macro.bits
    return {name: Rates(values, bits) for name, values in zip(MECHANISMS, found, strict=False)}


def hold_rates(macro: SramMacro, supplies: Floats, temperature: float, chips: int, seed: int) -> Rates:
    """Rates of values that are lost at rest, at every supply (V).

    Raises:
        ModelRangeError: a temperature that no fit has seen.
    """
    found = np.empty((len(supplies), chips, 2))
    for number in range(chips):
        retention = macro.chip(seed, number).retention(temperature)
        found[:, number] = (retention >= np.asarray(supplies)[:, None, None, None]).mean(axis=(2, 3))
    return Rates(found, macro.words * macro.bits)


def shmoo(macro: SramMacro, access: Access, supplies: Floats, frequencies: Floats, seed: int, number: int) -> Floats:
    """Expected wrong bits of one chip that is written in full, half of it ones, and read back.

    Args:
        macro: that it is one of.
        access: its temperature and timing.
        supplies: V, shape (supplies,).
        frequencies: Hz, shape (frequencies,).
        seed: of the study.
        number: of the chip.

    Returns: shape (supplies, frequencies).
    """
    chip = macro.chip(seed, number)
    found = np.empty((len(supplies), len(frequencies)))
    for i, vdd in enumerate(supplies):
        for j, frequency in enumerate(frequencies):
            at = replace(access, vdd=float(vdd), frequency=float(frequency))
            misread, unwritten = chip.misreads(at), chip.unwritten(at)
            # a bit that was not written holds the other value, as does half of them beforehand
            wrong = (misread + unwritten / 2 * (1 - misread - misread[::-1])).mean(axis=0)
            found[i, j] = wrong.sum()
    return found


def figures(
    macro: SramMacro,
    access: Access,
    chips: int,
    seed: int,
    standby: float | None = None,
) -> dict[str, Figure]:
    """Costs at an access and rates by mechanism with their spread over chips.

    Args:
        macro: with its models.
        access: how it is operated.
        chips: drawn, 2 or more for a spread.
        seed: of the study.
        standby: supply (V) of rest; that of the access if None.

    Raises:
        ModelRangeError: an access that no fit has seen.
    """
    found = macro.costs(access)
    by = rates(macro, [access], chips, seed)
    rest = np.array([access.vdd if standby is None else standby])
    by["hold"] = hold_rates(macro, rest, access.temperature, chips, seed)
    source = f"{chips} chips of {macro.words} x {macro.bits} bits"
    for name, rate in by.items():
        for bit in (0, 1):
            found[f"{name}_error_rate_{bit}"] = Figure(float(rate.values[0, :, bit].mean()), "1", MODELLED, source)
        found[f"{name}_error_rate"] = Figure(float(rate.mean[0]), "1", MODELLED, source)
        if chips > 1:
            found[f"{name}_error_rate_sigma"] = Figure(float(rate.sigma[0]), "1", MODELLED, source)
    return found
