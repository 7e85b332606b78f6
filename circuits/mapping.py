"""How weights become cells: pairs or offset columns, whole or in slices, and how codes become outputs again.

A weight is split in *digits* of `slice_bits` bits, least significant first, one digit a slice; a digit d stands in a
cell as the conductance g_min + (g_max - g_min) d / (2^slice_bits - 1). A *channel* is what one conversion gives: the
difference of two bit lines, or one bit line alone. The codes of an output's slices are shifted and added.

| scheme | digits of | channel | bit lines an output, S slices |
|---|---|---|---|
| differential | the magnitude; the sign says which of a pair | plus - minus, neighbours | 2 S |
| offset, analog reference | w + 2^(weight_bits - 1) | bit line - reference bit line | S, and S a tile |
| offset, digital reference | the same | bit line; reference bit lines too, their codes subtracted | S, and S a tile |

The cells of a reference bit line hold the digits of 2^(weight_bits - 1), the weight 0. Offset columns with a digital
reference are those of Shafiee et al. (ISAAC), ISCA 2016, but with a reference column where ISAAC counts inputs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from bitline.core.errors import ConfigError

Ints = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

SCHEMES = ("differential", "offset")
REFERENCES = ("analog", "digital")


@dataclass(frozen=True)
class Mapping:
    """How weights become cells.

    Args:
        scheme: "differential" or "offset".
        reference: of the offset scheme: subtracted before the converter ("analog") or after it ("digital").
        slice_bits: bits of a weight that a cell holds; None for all of them.

    Raises:
        ConfigError: no such scheme or reference, or no bits.
    """

    scheme: Literal["differential", "offset"] = "differential"
    reference: Literal["analog", "digital"] = "analog"
    slice_bits: int | None = None

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise ConfigError(f"there is no mapping {self.scheme!r}; there are {', '.join(SCHEMES)}")
        if self.reference not in REFERENCES:
            raise ConfigError(f"there is no reference {self.reference!r}; there are {', '.join(REFERENCES)}")
        if self.slice_bits is not None and self.slice_bits < 1:
            raise ConfigError(f"slice_bits is {self.slice_bits}; a slice has 1 bit or more")

    @property
    def signed(self) -> bool:
        """Whether what is converted has a sign: a single bit line's current has none."""
        return self.scheme == "differential" or self.reference == "analog"


@dataclass(frozen=True, eq=False)
class Placement:
    """Where on a tile the rows and outputs of its weights are.

    Args:
        rows: word line of each input, shape (inputs,).
        slots: place of each output among the tile's, shape (outputs,).
        swapped: whether the bit lines of an output's pairs have changed places, shape (outputs,).
    """

    rows: Ints
    slots: Ints
    swapped: Flags

    @classmethod
    def in_order(cls, rows: int, outputs: int) -> Placement:
        """The first lines, as they come."""
        return cls(np.arange(rows), np.arange(outputs), np.zeros(outputs, dtype=np.bool_))


@dataclass(frozen=True)
class Layout:
    """A mapping on a tile of so many bit lines.

    Args:
        mapping: the scheme.
        weight_bits: of the signed weights.
        cols: bit lines of the tile.

    Raises:
        ConfigError: the tile has too few bit lines for an output.
    """

    mapping: Mapping
    weight_bits: int
    cols: int
    slices: int = field(init=False)
    slice_bits: int = field(init=False)

    def __post_init__(self) -> None:
        bits = self.weight_bits - 1 if self.differential else self.weight_bits
        each = min(self.mapping.slice_bits or bits, bits)
        object.__setattr__(self, "slice_bits", each)
        object.__setattr__(self, "slices", -(-bits // each))
        if self.outputs < 1:
            raise ConfigError(
                f"cols is {self.cols}: too few bit lines for an output of {self.slices} slices, mapped as "
                f"{self.mapping.scheme}"
            )

    @property
    def differential(self) -> bool:
        """Whether an output is made of pairs."""
        return self.mapping.scheme == "differential"

    @property
    def digital_reference(self) -> bool:
        """Whether reference bit lines are converted too; a channel is a single bit line then, and never negative."""
        return not self.mapping.signed

    @property
    def level_max(self) -> int:
        """The largest digit."""
        return int(2**self.slice_bits - 1)

    @property
    def outputs(self) -> int:
        """How many fit a tile."""
        if self.differential:
            return self.cols // (2 * self.slices)
        return (self.cols - self.slices) // self.slices

    def channels(self, outputs: int) -> int:
        """Conversions for so many outputs."""
        return outputs * self.slices + (self.slices if self.digital_reference else 0)

    def lines(self, placement: Placement) -> tuple[Ints, Ints]:
        """The bit lines that count for and against each output, shapes (outputs, slices)."""
        parts = placement.slots[:, None] * self.slices + np.arange(self.slices)
        if self.differential:
            turned = placement.swapped[:, None]
            return 2 * parts + turned, 2 * parts + ~turned
        references = self.cols - self.slices + np.arange(self.slices)
        return parts, np.tile(references, (len(parts), 1))

    def bit_lines(self, placement: Placement) -> tuple[Ints, Ints | None]:
        """The bit lines that each channel adds and subtracts, shapes (channels,); None where it subtracts none."""
        plus, minus = self.lines(placement)
        if self.digital_reference:
            return np.concatenate([plus.ravel(), minus[0]]), None
        return plus.ravel(), minus.ravel()

    def digits(self, values: Ints) -> Ints:
        """Digits of values of 0 or more, least significant first, in a new last axis."""
        return np.asarray((values[..., None] >> self.slice_bits * np.arange(self.slices)) & self.level_max)

    def parts(self, weights: Ints) -> tuple[Ints, Ints]:
        """The digits for and against each of weights[inputs, outputs], shapes (inputs, outputs, slices)."""
        if self.differential:
            return self.digits(np.maximum(weights, 0)), self.digits(np.maximum(-weights, 0))
        half = 2 ** (self.weight_bits - 1)
        return self.digits(weights + half), self.digits(np.full_like(weights, half))

    def levels(self, weights: Ints, placement: Placement, rows: int) -> Ints:
        """The digit that every cell holds, shape (rows, cols), for weights[inputs, outputs]; 0 where there is none."""
        level = np.zeros((rows, self.cols), dtype=np.int64)
        words = placement.rows[:, None]
        for lines, digits in zip(self.lines(placement), self.parts(weights), strict=True):
            level[words, lines.ravel()] = digits.reshape(len(weights), -1)
        return level

    def products(self, levels: Ints, placement: Placement) -> Ints:
        """What each channel weighs a word line with, in digits, shape (rows, channels), from `levels`."""
        plus, minus = self.bit_lines(placement)
        return np.asarray(levels[:, plus] if minus is None else levels[:, plus] - levels[:, minus])

    def combined(self, codes: Ints) -> Ints:
        """Outputs, shape (batch, outputs), from the channels' codes, shape (batch, channels)."""
        if self.digital_reference:
            reference = codes[:, -self.slices :]
            each = codes[:, : -self.slices].reshape(len(codes), -1, self.slices) - reference[:, None, :]
        elif self.slices == 1:
            return codes
        else:
            each = codes.reshape(len(codes), -1, self.slices)
        total = each[..., 0].copy()
        for s in range(1, self.slices):
            total += each[..., s] << (s * self.slice_bits)
        return np.asarray(total)
