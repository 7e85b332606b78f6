"""Makes the golden currents of tests/crossbar/golden with the ngspice program: python tests/crossbar/make_golden.py.

A case is a deck (.cir), for review in any SPICE, and a .json of the same name with the inputs and ngspice's currents.
"""

import json
from pathlib import Path

import numpy as np

from circuits.crossbar import Wires, crossbar_netlist, resistors
from spice.batch import run_batch, version

FOLDER = Path(__file__).parent / "golden"

# word lines, bit lines, wires (wl, bl, driver, sink), share of open cells
CASES = {
    "single": (1, 1, (3.0, 5.0, 100.0, 50.0), 0.0),
    "tall": (7, 3, (2.0, 5.0, 100.0, 50.0), 0.3),
    "wide": (3, 8, (20.0, 1.0, 0.0, 0.0), 0.0),
    "row": (1, 6, (50.0, 4.0, 0.0, 10.0), 0.0),
    "column": (6, 1, (4.0, 50.0, 10.0, 0.0), 0.0),
    "ideal_word_lines": (4, 5, (0.0, 10.0, 0.0, 0.0), 0.2),
    "ideal_bit_lines": (5, 4, (7.0, 0.0, 0.0, 0.0), 0.2),
    "driver_alone": (4, 3, (0.0, 3.0, 200.0, 0.0), 0.0),
    "sink_alone": (4, 3, (2.0, 0.0, 0.0, 1000.0), 0.0),
    "driver_and_sink": (5, 6, (0.0, 0.0, 1000.0, 500.0), 0.2),
    "no_wires": (4, 6, (0.0, 0.0, 0.0, 0.0), 0.2),
    "wires_above_cells": (12, 9, (2e4, 1e4, 1e3, 1e3), 0.1),
}


def case_inputs(name):
    m, n, ohms, open_share = CASES[name]
    rng = np.random.default_rng(sorted(CASES).index(name))
    g = rng.uniform(1e-6, 1e-4, (m, n)) * (rng.random((m, n)) >= open_share)
    return g, rng.uniform(-0.2, 0.3, (3, m)), Wires(*ohms)


def case_netlist(name):
    g, v, wires = case_inputs(name)
    return crossbar_netlist(g.shape, wires, resistors(g), v)


def make(name):
    g, v, wires = case_inputs(name)
    netlist = case_netlist(name)
    plot = run_batch(netlist)
    i = np.stack([plot[f"vbl{j}#branch"] for j in range(g.shape[1])], axis=-1)
    (FOLDER / f"{name}.cir").write_text(netlist.deck())
    wired = {key: getattr(wires, key) for key in ("r_wire_wl", "r_wire_bl", "r_driver", "r_sink")}
    document = {"ngspice": version(), "wires": wired, "g": g.tolist(), "v": v.tolist(), "i": i.tolist()}
    (FOLDER / f"{name}.json").write_text(json.dumps(document) + "\n")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        make(case)
