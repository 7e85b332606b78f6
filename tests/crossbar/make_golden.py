"""Makes the golden currents of tests/crossbar/golden with the ngspice program: python tests/crossbar/make_golden.py.

A case of golden/ is a deck (.cir), for review in any SPICE, and a .json of the same name with the inputs and ngspice's
currents: linear cells in the usual read. A case of golden_cells/ has any cells and any ends; its inputs are drawn again
from its name, of which the .json has a digest, and only small ones have a deck. The transistor of those is
access_tt.json, which `python tests/crossbar/make_golden.py transistor` fits again.
"""

import hashlib
import json
import sys
import zlib
from pathlib import Path

import numpy as np

from bitline.core.model_file import ModelFile
from circuits.crossbar import Wires, crossbar_netlist, resistors
from circuits.terminals import OPEN, reading, writing
from crossbar.cells import SinhCells, sinh_cells
from crossbar.one_transistor import one_transistor_cells
from crossbar.table_cells import table_cells
from spice.batch import run_batch, version

FOLDER = Path(__file__).parent / "golden"
CELLS = Path(__file__).parent / "golden_cells"
TRANSISTOR = Path(__file__).parent / "access_tt.json"

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


# shape, wires, least cell resistance over 1 ohm, what the cells are, what the ends are
SHORT = (2.0, 5.0, 100.0, 50.0)
CELL_CASES = {
    "linear_floating_lines": (6, 5, SHORT, 1e4, "linear", "floating"),
    "linear_ideal_word_lines_from_the_end": (5, 6, (0.0, 7.0, 0.0, 20.0), 1e4, "linear", "last"),
    "linear_drivers_alone": (4, 5, (0.0, 0.0, 300.0, 200.0), 1e3, "linear", "both"),
    "bent_half": (5, 4, SHORT, 1e3, "bent", "half"),
    "bent_third": (4, 5, SHORT, 1e3, "bent", "third"),
    "bent_ground": (4, 4, SHORT, 1e3, "bent", "ground"),
    "bent_float": (4, 5, SHORT, 1e3, "bent", "float"),
    "table_both": (3, 3, SHORT, 1e3, "table", "both"),
    "transistor_read": (4, 5, SHORT, 1e4, "transistor", "read"),
    "transistor_third": (4, 4, SHORT, 1e4, "transistor", "third"),
    "transistor_last": (5, 4, SHORT, 200, "transistor", "last"),
    **{
        f"{cells}_64_at_{ratio:g}".replace("+", ""): (64, 64, (1.0, 1.0, 0.0, 0.0), ratio, cells, "read")
        for cells in ("linear", "bent", "transistor")
        for ratio in (100_000, 1_000, 200)
    },
}
DECKS = 8  # lines up to which a case has a deck


def cell_case(name):
    """Cells (conductances, or a law), wires and terminals."""
    m, n, ohms, ratio, kind, ends = CELL_CASES[name]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    g = 1 / (ratio * rng.uniform(1, 10, (m, n)))
    g[1, 2], g[2, 1] = 0.0, 1.0 if m > DECKS else g.max()  # an open cell, and in a large array a short
    return _cells(kind, g, rng), Wires(*ohms), _ends(ends, m, n, rng)


def _cells(kind, g, rng):
    if kind == "bent":
        return sinh_cells(g, 4.0)
    if kind == "table":
        volts = np.linspace(0, 0.6, 5)
        known = np.array([1e-4, 5e-4, 1e-3])
        curves = known[:, None] * np.sinh(np.array([[6.0], [4.0], [2.0]]) * volts) / 4
        return table_cells(np.where(g > 0, np.clip(g, 1e-4, 1e-3), 0), volts, curves, known)
    if kind == "transistor":
        gates = rng.uniform(0.7, 1.8, len(g))
        gates[0], gates[-1] = 0.0, 1.8
        bend = 1 / 0.43
        mos = ModelFile.load(TRANSISTOR)["access.mos_iv"]
        return one_transistor_cells(SinhCells(g / bend, np.full(g.shape, bend)), mos, gates)
    return g


def _ends(kind, m, n, rng):
    v = rng.uniform(-0.2, 0.4, (2, m))
    if kind == "floating":
        v[:, [1, 3]] = OPEN
        return reading(v, n, "both", "first")
    if kind in ("half", "third", "ground", "float"):
        return writing((m, n), (2, 1), 0.9, kind, "both", "both" if kind == "third" else "last")
    if kind == "last":
        return reading(v, n, "last", "first")
    return reading(v, n, "both", "both") if kind == "both" else reading(v, n)


def cell_netlist(name):
    cells, wires, ends = cell_case(name)
    cell, extra = (resistors(cells), "") if isinstance(cells, np.ndarray) else cells.elements()
    return crossbar_netlist(ends.shape, wires, cell, ends, extra)


def digest(name):
    """Of the inputs, so that a case whose inputs change is made again; to 10 digits, since sums may round otherwise."""
    cells, _, ends = cell_case(name)
    device = cells if isinstance(cells, np.ndarray) else getattr(cells, "device", cells)
    g = device if isinstance(device, np.ndarray) else getattr(device, "amplitude", getattr(device, "weight", None))
    numbers = [*g.ravel(), *(volt for end in ("wl_first", "bl_last") for volt in getattr(ends, end).ravel())]
    return hashlib.sha256(" ".join(f"{number:.10g}" for number in numbers).encode()).hexdigest()


def make_cells(name):
    netlist, (m, n) = cell_netlist(name), CELL_CASES[name][:2]
    ends = cell_case(name)[2]
    plot = run_batch(netlist)
    found = {}
    for key, source, sign in (
        ("i_wl_first", "bwl", -1),
        ("i_wl_last", "bwr", -1),
        ("i_bl_first", "vbt", 1),
        ("i_bl_last", "vbl", 1),
    ):
        lines, none = m if "wl" in key else n, np.zeros(ends.batch)
        columns = [sign * plot.get(f"{source}{k}#branch", none) for k in range(lines)]
        found[key] = np.stack(columns, axis=-1).tolist()
    if max(m, n) <= DECKS:
        (CELLS / f"{name}.cir").write_text(netlist.deck())
    document = {"ngspice": version(), "inputs": digest(name), **found}
    (CELLS / f"{name}.json").write_text(json.dumps(document) + "\n")


def make_transistor():
    from spice.characterise import Conditions
    from spice.fits_transistor import fit_device, fit_transistor

    models = {model.name: model for model in (fit_transistor(Conditions()), fit_device(Conditions()))}
    ModelFile({}, models).save(TRANSISTOR)


if __name__ == "__main__":
    if sys.argv[1:] == ["transistor"]:
        make_transistor()
    FOLDER.mkdir(exist_ok=True)
    CELLS.mkdir(exist_ok=True)
    for case in CASES:
        make(case)
    for case in CELL_CASES:
        make_cells(case)
