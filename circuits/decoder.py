"""A row decoder in two levels, with the rows' word-line drivers.

    address bits -> true and complement -> predecoders (a NAND and a driver a line) -> a line a value of each group of
    bits row: NAND of one line a group -> inverter -> NAND with the word-line enable -> driver -> word line

Predecoded lines and the word-line enable run along the rows as RC wires: near, middle and far end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from bitline.core.errors import ConfigError
from circuits.periphery import gate_name
from circuits.wiring import Draft

MOST_BITS = 9  # three groups of three
GATES = (("nand", 1, 1), ("nand", 1, 4), ("nand", 2, 1), ("nand", 3, 1))
PLACES = ("near", "middle", "far")  # of a wire along the rows


def groups(address_bits: int) -> tuple[int, ...]:
    """Bits of each predecoded group, the lowest bits first: two or three groups, as even as can be.

    Raises:
        ConfigError: fewer than 2 or more than `MOST_BITS` bits.
    """
    if not 2 <= address_bits <= MOST_BITS:
        raise ConfigError(f"decoder: {address_bits} address bits; it takes 2 to {MOST_BITS}")
    count = max(2, math.ceil(address_bits / 3))
    return tuple(address_bits // count + (number < address_bits % count) for number in range(count))


def values(address: int, address_bits: int) -> tuple[int, ...]:
    """Value of each group in `address`."""
    found = []
    for bits in groups(address_bits):
        found.append(address % 2**bits)
        address //= 2**bits
    return tuple(found)


def line(group: int, value: int, place: str) -> str:
    """Node of a predecoded line at a place."""
    return f"pre{group}_{value}_{place}"


def row(inputs: int) -> str:
    """`.subckt row a b [c] wl_en wl vdd_decoder vdd_word_line`; needs `GATES`."""
    names = " ".join("abc"[:inputs])
    return f""".subckt row {names} wl_en wl vdd_decoder vdd_word_line mult=1
x_select {names} row_b vdd_decoder {gate_name("nand", inputs, 1)} mult={{mult}}
x_row row_b row vdd_decoder nand1_x1 mult={{mult}}
x_enable row wl_en wl_b vdd_word_line nand2_x1 mult={{mult}}
x_driver wl_b wl vdd_word_line nand1_x4 mult={{mult}}
.ends"""


def predecoder(draft: Draft, address_bits: int, rows_length: float) -> Iterator[str]:
    """Lines from the inputs `a<bit>` to the predecoded lines on wires of `rows_length` (m); supply vdd_decoder."""
    for bit in range(address_bits):
        yield f"x_a{bit}_b a{bit} a{bit}_b vdd_decoder nand1_x4"
        yield f"x_a{bit}_t a{bit}_b a{bit}_t vdd_decoder nand1_x4"
    first = 0
    for group, bits in enumerate(groups(address_bits)):
        for value in range(2**bits):
            literals = " ".join(f"a{first + j}_{'t' if value >> j & 1 else 'b'}" for j in range(bits))
            name = f"pre{group}_{value}"
            yield f"x_{name}_b {literals} {name}_b vdd_decoder {gate_name('nand', bits, 1)}"
            yield f"x_{name} {name}_b {line(group, value, 'near')} vdd_decoder nand1_x4"
            yield from draft.ladder(draft.wiring.bit_line, rows_length, [line(group, value, place) for place in PLACES])
        first += bits
