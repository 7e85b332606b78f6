"""circuits: a technology, one of its devices, and netlists that plain ngspice runs. Nothing is simulated here."""

from __future__ import annotations

import numpy as np

from circuits.cells import butterfly
from circuits.crossbar import Wires, resistor_crossbar
from circuits.technology import load_technology


def main() -> None:
    """Print what is built."""
    technology = load_technology("sky130")
    print(f"{technology.name}: {technology.vdd} V, corners {', '.join(technology.corners)}")

    device = technology.device("pull_down")  # a role; cells ask for devices by role
    print(f"pull-down {device.name}: sigma of its threshold {device.sigma('vth') * 1e3:.1f} mV")

    cell = butterfly(technology, corner="tt", vdd=1.8, temperature=27.0)
    print(f"{cell.title}: sha256 {cell.hash[:12]}, analysis {cell.analyses[0]}")

    g = np.array([[10e-6, 0.0], [20e-6, 5e-6]])  # g[word_line, bit_line], S; 0 is an open cell
    array = resistor_crossbar(g, v=[0.2, 0.1], wires=Wires(r_wire_wl=1.0, r_wire_bl=1.0))
    print(array.deck())  # save it as array.cir, and `ngspice -b array.cir` gives the currents


if __name__ == "__main__":
    main()
