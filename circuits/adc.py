"""Analog-to-digital converters as they are built: where their steps' errors come from.

The *thresholds* of a converter are the levels at which its code changes; ideally they lie half an LSB between codes.
INL is the distance of a threshold from its ideal place, DNL that of a step from 1 LSB, both in LSB (IEEE Std 1241).

| kind | steps come from | `mismatch` is the spread of |
|---|---|---|
| sar | a binary-weighted capacitor array, each converter its own | a unit capacitor, relative |
| ramp | one ramp for the tile's converters | a step of the ramp, relative |
| flash | a comparator a step, each converter its own | a comparator's threshold, in LSB |

The end points of SAR and ramp are taken as trimmed: their errors are those of the steps alone, and gain and offset are
parameters of their own. A SAR with a non-monotone array misses codes; a flash counts its ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bitline.core.errors import ConfigError
from circuits.converters import code_limits

Floats = np.ndarray[Any, np.dtype[np.float64]]

KINDS = ("sar", "ramp", "flash")
RANGES = ("max", "percentile", "mse")


@dataclass(frozen=True)
class Adc:
    """A converter beyond its bits and offset.

    Args:
        kind: "sar", "ramp" or "flash".
        mismatch: spread of what its steps are made of; the module says of what.
        inl: of each threshold, in LSB, the same for every converter; empty for none. It adds to what is drawn.
        gain_sigma: relative spread of the gain over converters.
        noise: input-referred, rms, new at every conversion (V).
        range: how its full scale is chosen on calibration inputs: their largest level ("max"), a percentile of the
            levels that are not 0 ("percentile"), or what leaves the least mean square error of clipping and rounding
            together ("mse").
        percentile: of "percentile", in percent.
        signed: whether negative levels have codes as well, where the mapping has any; else the converter covers 0 to
            full scale and clips them.

    Raises:
        ConfigError: a value that no converter can have.
    """

    kind: Literal["sar", "ramp", "flash"] = "sar"
    mismatch: float = 0.0
    inl: tuple[float, ...] = ()
    gain_sigma: float = 0.0
    noise: float = 0.0
    range: Literal["max", "percentile", "mse"] = "max"
    percentile: float = 99.9
    signed: bool = True

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"there is no converter {self.kind!r}; there are {', '.join(KINDS)}")
        if self.range not in RANGES:
            raise ConfigError(f"there is no range {self.range!r}; there are {', '.join(RANGES)}")
        for name in ("mismatch", "gain_sigma", "noise"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"adc.{name} is {value!r}; it must be finite and 0 or more")
        if not 0 < self.percentile <= 100:
            raise ConfigError(f"adc.percentile is {self.percentile!r}; it must be above 0 and up to 100")
        if not all(map(math.isfinite, self.inl)):
            raise ConfigError("adc.inl holds a value that is not finite")

    def checked(self, bits: int, *, signed: bool = True) -> None:
        """Refuse a table of INL that does not fit a converter of `bits`.

        Raises:
            ConfigError: it has another length than the converter has steps.
        """
        low, high = code_limits(bits, signed=signed)
        if self.inl and len(self.inl) != high - low:
            raise ConfigError(
                f"adc.inl has {len(self.inl)} values; a converter of {bits} bits has {high - low} thresholds here"
            )

    def thresholds(self, bits: int, converters: int, rng: np.random.Generator, *, signed: bool = True) -> Floats | None:
        """Levels (LSB) at which codes change, shape (converters, steps); None where all steps are ideal.

        Raises:
            ConfigError: `inl` has another length than the converter has steps.
        """
        low, high = code_limits(bits, signed=signed)
        ideal = low + 0.5 + np.arange(high - low)
        self.checked(bits, signed=signed)
        if self.mismatch == 0 and not self.inl:
            return None
        drawn = np.tile(ideal, (converters, 1))
        if self.mismatch > 0:
            drawn = {"sar": self._sar, "ramp": self._ramp, "flash": self._flash}[self.kind](drawn, bits, rng)
        if self.inl:
            drawn = np.maximum.accumulate(drawn + np.array(self.inl), axis=1)
        return drawn

    def _sar(self, ideal: Floats, bits: int, rng: np.random.Generator) -> Floats:
        sizes = 2.0 ** np.arange(bits)
        capacitors = sizes + self.mismatch * np.sqrt(sizes) * rng.standard_normal((len(ideal), bits))
        capacitors *= (2**bits - 1) / capacitors.sum(axis=1, keepdims=True)
        steps = ideal.shape[1]
        first = 2**bits - 1 - steps  # 1 where the least code is unused
        reached = np.stack([sar_levels(each) for each in capacitors])[:, 1 + first :]
        return np.asarray(reached + ideal[0, 0] - (1 + first))

    def _ramp(self, ideal: Floats, bits: int, rng: np.random.Generator) -> Floats:  # noqa: ARG002 - as its like
        steps = ideal.shape[1] - 1
        walk = np.cumsum(1 + self.mismatch * rng.standard_normal(steps)) if steps else np.empty(0)
        rise = np.concatenate([[0.0], walk * steps / walk[-1]]) if steps else np.zeros(1)
        return np.tile(np.maximum.accumulate(ideal[0, 0] + rise), (len(ideal), 1))

    def _flash(self, ideal: Floats, bits: int, rng: np.random.Generator) -> Floats:  # noqa: ARG002 - as its like
        return np.sort(ideal + self.mismatch * rng.standard_normal(ideal.shape), axis=1)


def sar_levels(capacitors: Floats) -> Floats:
    """Level from which on a successive approximation ends at code u or above, shape (2^bits,), u = 0 first.

    Bits are tried from the largest; one stays where the level is at or above the sum of the capacitors kept with it.

    Args:
        capacitors: in LSB, of the least bit first, shape (bits,).
    """
    low = np.array([-np.inf])
    high = np.array([np.inf])
    kept = np.zeros(1)
    for size in capacitors[::-1]:
        split = np.clip(kept + size, low, high)
        low = np.stack([low, split], axis=1).ravel()
        high = np.stack([split, high], axis=1).ravel()
        kept = np.stack([kept, kept + size], axis=1).ravel()
    return low


def inl(thresholds: Floats, low: int) -> Floats:
    """INL (LSB) of thresholds[..., steps] of a converter whose least code is `low`."""
    return np.asarray(thresholds - (low + 0.5 + np.arange(thresholds.shape[-1])))


def dnl(thresholds: Floats) -> Floats:
    """DNL (LSB) of thresholds[..., steps], shape (..., steps - 1): of the codes between the first and the last."""
    return np.asarray(np.diff(thresholds, axis=-1) - 1)
