"""crossbar: currents with wires, at speed and by ngspice, and a tile that multiplies integers."""

from __future__ import annotations

import numpy as np

from bitline.core.seeds import stream
from circuits.crossbar import Wires
from circuits.tile import TileConfig
from crossbar.solve import solve
from crossbar.tile import CrossbarArray
from spice.array import currents


def main() -> None:
    """Solve a crossbar, then multiply on a tile."""
    rng = stream(7, "example")
    g = rng.uniform(1e-6, 39e-6, size=(32, 32))  # g[word_line, bit_line], S
    v = rng.uniform(0.0, 0.2, size=(4, 32))  # v[batch, word_line], V

    ideal, wired = v @ g, solve(g, v, r_wire_wl=1.0, r_wire_bl=1.0)
    print(f"1 ohm a segment takes up to {np.max(1 - wired / ideal):.2%} of a bit line's current")
    ngspice = currents(g, v, Wires(r_wire_wl=1.0, r_wire_bl=1.0))
    print(f"largest difference from ngspice: {np.max(np.abs(wired - ngspice)) / np.max(np.abs(ngspice)):.1e}")

    weights = rng.integers(-127, 128, size=(32, 16))  # a differential weight takes two neighbouring bit lines
    x = rng.integers(0, 256, size=(8, 32))
    tile = CrossbarArray(TileConfig(rows=32, cols=32, read_noise=0.0))
    tile.program(weights, rng)
    tile.set_range(tile.required_range(x))
    codes, stats = tile.mvm(x, rng)
    error = np.abs(codes * tile.scale - x @ weights).max() / np.abs(x @ weights).max()
    print(f"a tile with 8-bit converters is off by {error:.1%} of the largest product")
    energy = tile.cost(stats).energy
    spent = energy["cells"].value + energy["wires"].value
    print(f"its cells and wires take {spent / len(x) * 1e12:.2f} pJ a product")


if __name__ == "__main__":
    main()
