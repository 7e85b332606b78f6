"""What a macro is made of, and what it has against failures."""

from __future__ import annotations

from dataclasses import dataclass

from bitline.core.errors import ConfigError


@dataclass(frozen=True)
class MacroPlan:
    """A macro and what it has against failures.

    Args:
        words: of the macro.
        word_bits: bits of a word, without check bits.
        ways: words of a row; as many bit-line pairs share an amplifier.
        spare_rows: each for `ways` words.
        spare_columns: each with an amplifier of its own.

    Raises:
        ConfigError: a count that is impossible, or words that do not fill rows.
    """

    words: int = 128
    word_bits: int = 16
    ways: int = 1
    spare_rows: int = 0
    spare_columns: int = 0

    def __post_init__(self) -> None:
        for name, least in (("words", 1), ("word_bits", 1), ("ways", 1), ("spare_rows", 0), ("spare_columns", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"macro: {name} = {getattr(self, name)}; there are at least {least}")
        if self.words % self.ways:
            raise ConfigError(f"macro: {self.words} words do not fill rows of {self.ways}; choose a multiple")

    @property
    def rows(self) -> int:
        """Rows in use."""
        return self.words // self.ways

    @property
    def coded_bits(self) -> int:
        """Of a word with its check bits."""
        return self.word_bits + self.check_bits

    @property
    def check_bits(self) -> int:
        """Of a Hamming code that corrects one error a word: the fewest r with 2^r > word_bits + r."""
        count = 1
        while 2**count <= self.word_bits + count:
            count += 1
        return count
