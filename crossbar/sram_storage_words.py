"""Words in a drawn SRAM chip: written, kept and read back with the errors that its devices make.

Reads and writes take whole arrays. Bit c of a word is column c.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from crossbar.sram_storage import Access, Bools, Floats, SramChip

Words = np.ndarray[Any, np.dtype[Any]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

_CERTAIN = 1e-12  # a chance of an error below this, or of none, is not drawn
_BLOCK = 1 << 15  # reads whose noise is drawn at once


@dataclass(frozen=True)
class _Misreads:
    """Errors of reads, word by word.

    Args:
        always: bits that are always misread by stored value, each shape (words,).
        chances: of every bit by stored value, shape (2, words, bits), 0 where `always` says it or nothing happens.
        unsure: which words have a chance.
    """

    always: tuple[Words, Words]
    chances: Floats
    unsure: Bools


class StoredWords:
    """The words of one chip, all 0 at first.

    Args:
        chip: that holds them.

    Attributes:
        contents: what its cells hold, shape (words,), unsigned.
    """

    def __init__(self, chip: SramChip) -> None:
        self.chip = chip
        self.contents: Words = np.zeros(chip.macro.words, _type(chip))

    def write(self, addresses: Ints, words: Words, access: Access) -> None:
        """Write words one after the other; bits that do not turn over in time keep their old value.

        Args:
            addresses: shape (n,); a repeated one keeps the order.
            words: unsigned, shape (n,).
            access: how the macro is operated.

        Raises:
            ConfigError: an address or a word that the macro does not have.
            ModelRangeError: an operation that no fit has seen.
        """
        addresses, words = np.asarray(addresses), self._words(words)
        self._check(addresses)
        failing = unwritten(self.chip, access)
        for start, stop in _runs(addresses):  # within one no address comes twice
            at = addresses[start:stop]
            self.contents[at] = _turned(self.contents[at], words[start:stop], failing[0][at], failing[1][at])

    def hold(self, vdd: float, temperature: float) -> int:
        """Rest at a supply (V) and temperature (C); how many bits were lost, each now the other value.

        Raises:
            ModelRangeError: a temperature that no fit has seen.
        """
        lost = self.chip.lost(vdd, temperature)
        zero, one = (packed(own, self.contents.dtype) for own in lost)
        flipped = (one & self.contents) | (zero & ~self.contents)
        self.contents ^= flipped
        return int(np.sum(np.bitwise_count(flipped)))

    def read(self, addresses: Ints, access: Access, rng: np.random.Generator) -> Words:
        """What reads of addresses[n] give, shape (n,); the cells keep their values.

        Args:
            addresses: shape (n,).
            access: how the macro is operated.
            rng: of the amplifiers' noise.

        Raises:
            ConfigError: an address that the macro does not have.
            ModelRangeError: an operation that no fit has seen.
        """
        addresses = np.asarray(addresses)
        self._check(addresses)
        return _read(self.chip, self.contents[addresses], addresses, access, rng)

    def through(self, words: Words, access: Access, rng: np.random.Generator) -> Words:
        """Words written to all addresses in turn, again and again, and read once each before the next round.

        Args:
            words: unsigned, any number, shape (n,).
            access: of writes and reads.
            rng: of the amplifiers' noise.

        Returns: what was read, shape (n,).
        """
        words = self._words(words)
        size = len(self.contents)
        addresses = np.arange(len(words)) % size
        zero, one = unwritten(self.chip, access)
        stored = words
        if zero.any() or one.any():
            stored = np.empty_like(words)
            held = self.contents
            for start in range(0, len(words), size):
                new = words[start : start + size]
                held[: len(new)] = _turned(held[: len(new)], new, zero[: len(new)], one[: len(new)])
                stored[start : start + size] = held[: len(new)]
        elif len(words):
            last = words[-size:]
            self.contents[addresses[-size:]] = last
        return _read(self.chip, stored, addresses, access, rng)

    def _words(self, words: Words) -> Words:
        found = np.asarray(words)
        bits = self.chip.macro.bits
        if found.dtype.kind not in "ui" or (found.size and (found.min() < 0 or int(found.max()) >> bits)):
            raise ConfigError(f"storage: words are whole numbers from 0 to 2^{bits} - 1; the macro has {bits} bits")
        return found.astype(self.contents.dtype)

    def _check(self, addresses: Ints) -> None:
        if addresses.size and (addresses.min() < 0 or addresses.max() >= len(self.contents)):
            raise ConfigError(f"storage: addresses go from 0 to {len(self.contents) - 1}")


def store_weights(
    memory: StoredWords,
    weights: np.ndarray[Any, np.dtype[np.int8]],
    access: Access,
    rng: np.random.Generator,
) -> np.ndarray[Any, np.dtype[np.int8]]:
    """Weights written into the macro as words and read back, as a network gets them that is streamed through it.

    Neighbours of the flattened array share a word, the first in its low bits (two of 8 bits in a word of 16).

    Args:
        memory: a chip whose words are whole bytes.
        weights: of any shape.
        access: of writes and reads.
        rng: of the amplifiers' noise.

    Returns: the same shape.

    Raises:
        ConfigError: weights that are no 8-bit integers, or a macro of other words.
    """
    bits = memory.chip.macro.bits
    if weights.dtype != np.int8 or bits not in (8, 16, 32, 64):
        raise ConfigError(
            f"storage: {weights.dtype} weights in words of {bits} bits; give int8 ones, and a macro of 8, 16, 32 or 64",
        )
    size = bits // 8
    flat = np.ravel(weights).view(np.uint8)
    filled = np.pad(flat, (0, -flat.size % size))
    read = memory.through(filled.view(f"<u{size}"), access, rng).astype(f"<u{size}")
    return read.view(np.int8)[: flat.size].reshape(weights.shape)


def packed(bits: Bools, dtype: Any) -> Words:
    """Words from bits[..., column]."""
    weights = np.left_shift(np.ones(bits.shape[-1], dtype), np.arange(bits.shape[-1], dtype=dtype))
    return np.asarray(np.where(bits, weights, np.zeros(1, dtype)).sum(axis=-1, dtype=dtype))


@functools.lru_cache(maxsize=16)
def unwritten(chip: SramChip, access: Access) -> tuple[Words, Words]:
    """Bits of each word that cannot be turned to 0, and to 1, shape (words,) each."""
    zero, one = chip.unwritten(access)
    return packed(zero, _type(chip)), packed(one, _type(chip))


@functools.lru_cache(maxsize=16)
def _misreads(chip: SramChip, access: Access) -> _Misreads:
    chance = chip.misreads(access)
    certain = chance > 1 - _CERTAIN
    zero, one = (packed(own, _type(chip)) for own in certain)
    left = np.where(certain | (chance < _CERTAIN), 0.0, chance)
    return _Misreads((zero, one), left, np.asarray(left.any(axis=(0, 2))))


def _type(chip: SramChip) -> np.dtype[Any]:
    return np.min_scalar_type((1 << chip.macro.bits) - 1)


def _turned(old: Words, new: Words, stuck_one: Words, stuck_zero: Words) -> Words:
    """What cells hold after a write: `stuck_one` bits cannot be turned to 0, `stuck_zero` ones not to 1."""
    return new ^ ((stuck_one & old & ~new) | (stuck_zero & ~old & new))


def _read(chip: SramChip, stored: Words, addresses: Ints, access: Access, rng: np.random.Generator) -> Words:
    found = _misreads(chip, access)
    zero, one = (always[addresses] for always in found.always)
    read = stored ^ ((one & stored) | (zero & ~stored))
    unsure = np.flatnonzero(found.unsure[addresses])
    columns = np.arange(chip.macro.bits, dtype=stored.dtype)
    for start in range(0, len(unsure), _BLOCK):
        at = unsure[start : start + _BLOCK]
        value = (stored[at, None] >> columns) & 1
        rows = addresses[at]
        chance = np.where(value == 1, found.chances[1][rows], found.chances[0][rows])
        read[at] ^= packed(rng.random(chance.shape) < chance, stored.dtype)
    return np.asarray(read)


def _runs(addresses: Ints) -> list[tuple[int, int]]:
    """Stretches of addresses[n] in which none comes twice."""
    if len(np.unique(addresses)) == len(addresses):
        return [(0, len(addresses))]
    found, start, seen = [], 0, set[int]()
    for k, address in enumerate(addresses.tolist()):
        if address in seen:
            found.append((start, k))
            start, seen = k, set()
        seen.add(address)
    return [*found, (start, len(addresses))]
