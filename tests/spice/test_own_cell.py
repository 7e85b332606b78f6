"""A designer's own cell in ngspice: the figures of the shipped one, and of a wrapped PDK as ngspice itself reads it."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest

from circuits import cells
from circuits.netlist import OPTIONS, Netlist
from circuits.technology import load_technology
from spice.characterise import Conditions
from spice.engine import engine
from spice.sram import LOBES, SramMonteCarlo, SramNominal
from spice.stability import FIGURES as STABILITY
from spice.stability import StabilityMonteCarlo, StabilityNominal

PDK = Path(__file__).parents[1] / "circuits" / "data" / "made_up_pdk"
FLAT = """\
* the shipped cell as somebody else would write it: {pull_down} um wide pull-downs
.subckt mine BL BR WL VP VG
.param narrow=0.14
Ma BL WL s1 VG npass w={{narrow*1u}} l=0.15u
Mb s2 WL BR VG npass w={{narrow*1u}} l=0.15u
Xleft s1 s2 VP VG half
Xright s2 s1 VP VG half
.ends
.subckt half out in p n
Xd n in out n nlatch w={pull_down}u l=0.15u
Mu out in p p platch w=0.14u l=0.15u
.ends
"""
TOML = """\
format = 1
name = "mine"
base = "sky130"
[cell]
netlist = "mine.sp"
subckt = "mine"
pins = {{ bit_line = "{left}", bit_line_bar = "{right}", word_line = "WL", supply = "VP", ground = "VG" }}
[cell.models]
npass = "special_nfet_pass_w0p14_l0p15"
nlatch = "special_nfet_latch_w0p21_l0p15"
platch = "special_pfet_latch_w0p14_l0p15"
"""


def written(folder: Path, *, pull_down: float = 0.21, left: str = "BL", right: str = "BR") -> str:
    folder.mkdir(exist_ok=True)
    (folder / "mine.sp").write_text(FLAT.format(pull_down=pull_down))
    (folder / "mine.toml").write_text(TOML.format(left=left, right=right))
    return str(folder / "mine.toml")


@functools.cache
def cell(technology: str = "sky130", index: int | None = None, variation: str = "vth"):
    if index is None:
        task = SramNominal(technology)
        return task.run(task.prepare(), 0)
    task = SramMonteCarlo(technology, seed=3, variation=variation)
    return task.run(task.prepare(), index)


FIGURES = ("hold_snm", "read_snm", "write_margin_bl", "write_margin_wl", "read_current", "leakage")


@pytest.mark.parametrize("index", [None, 0, 1])
def test_the_shipped_cell_in_other_words_has_the_same_figures(tmp_path, index):
    mine, shipped = cell(written(tmp_path), index), cell(index=index)
    for name in FIGURES:
        assert mine[name] == pytest.approx(shipped[name], rel=1e-6, abs=0), name


def test_likewise_in_full_variation_and_with_the_published_cells_further_transistors():
    """Two PFETs off in both states add their junctions to the leakage, and nothing to a margin."""
    published, shipped = cell("sky130_published", 0, "full"), cell(index=0, variation="full")
    for name in FIGURES[:-1]:
        assert published[name] == pytest.approx(shipped[name], rel=1e-5, abs=0), name
    assert 1.0 < published["leakage"] / shipped["leakage"] < 1.1


def test_likewise_n_curve_retention_and_write_time(tmp_path):
    found = []
    for technology in ("sky130", written(tmp_path), "sky130_published"):
        task = StabilityMonteCarlo(Conditions(technology, seed=3))
        found.append(task.run(task.prepare(), 0))
    shipped, mine, published = found
    for name in STABILITY:
        assert mine[name] == pytest.approx(shipped[name], rel=1e-6, abs=0), name
    assert published["write_time"] > 1.03 * shipped["write_time"]  # their gates load the storage nodes
    assert published["sinm"] == pytest.approx(shipped["sinm"], rel=1e-5, abs=0)


def test_a_wider_pull_down_reads_more_safely_and_faster(tmp_path):
    """And by a BSIM's own scaling: the current of two transistors in series grows by less than the width."""
    wide, narrow = cell(written(tmp_path / "w", pull_down=0.3)), cell(written(tmp_path / "n", pull_down=0.16))
    for name in ("read_snm", "read_current"):
        assert narrow[name] < cell()[name] < wide[name], name
    assert wide["read_current"] / cell()["read_current"] < 0.3 / 0.21


def test_swapped_bit_lines_swap_the_lobes(tmp_path):
    """The same thresholds on the other side: the cell turned round."""
    mine, turned = (
        SramNominal(written(tmp_path / "a")),
        SramNominal(written(tmp_path / "b", left="BR", right="BL")),
    )
    shifts = dict.fromkeys(cells.DEVICES, 0.0) | {"pull_down_left": 0.05, "pull_up_right": -0.03}
    other = {"left": "right", "right": "left"}
    mirrored = {f"{n.rpartition('_')[0]}_{other[n.rpartition('_')[2]]}": shift for n, shift in shifts.items()}
    one, two = mine.prepare().measure(shifts), turned.prepare().measure(mirrored)
    for first, second in LOBES.values():
        assert one[first] == pytest.approx(two[second], rel=1e-5, abs=0)
        assert one[second] == pytest.approx(two[first], rel=1e-5, abs=0)
    assert one["read_snm_q0"] != pytest.approx(one["read_snm_q1"], rel=0.01)


@pytest.mark.parametrize("corner", ["tt", "ss"])
@pytest.mark.parametrize("word_line", [0.0, 1.8])
def test_a_wrapped_pdk_is_what_ngspice_makes_of_it(corner, word_line):
    """The library and the cell as ngspice reads them, against the flat cards: every current of the closed cell."""
    section = {"tt": "tt", "ss": "slow"}[corner]
    sources = [f"{source} {source.removeprefix('v')} 0 1.8" for source in ("vdd", "vbl", "vblb")]
    text = [
        OPTIONS,
        f'.lib "{PDK / "models.lib"}" {section}',
        f'.include "{PDK / "cell.sp"}"',
        *sources,
        f"vwl wl 0 {word_line}",
        "xcell wl bl blb dd 0 sram_6t",
        ".nodeset v(xcell.store)=0 v(xcell.store_b)=1.8",
    ]
    running = engine()
    running.load(Netlist("as ngspice reads it", "\n".join(text)))
    stock = running.run("op")
    running.load(cells.cell(load_technology(PDK), corner, 1.8, 27.0))
    running.alter("vwl", "dc", word_line)
    flat = running.run("op")
    assert flat["q"][0] < 0.5 < flat["qb"][0]
    for stored, named in (("xcell.store", "q"), ("xcell.store_b", "qb")):
        assert flat[named][0] == pytest.approx(stock[stored][0], abs=1e-5)
    for source in ("vbl", "vblb", "vdd"):
        assert flat[f"{source}#branch"][0] == pytest.approx(stock[f"{source}#branch"][0], rel=1e-4, abs=2e-16), source


def test_a_pdks_cell_varies_and_its_slow_corner_is_slow():
    slow = SramNominal(str(PDK), "ss")
    assert slow.run(slow.prepare(), 0)["read_current"] < 0.95 * cell(str(PDK))["read_current"]
    drawn = [cell(str(PDK), index) for index in range(3)]
    assert np.std([record["read_snm"] for record in drawn]) > 1e-3
    task = StabilityNominal(Conditions(str(PDK)))
    record = task.run(task.prepare(), 0)
    assert 0 < record["write_time"] < 1e-9
    assert 0.05 < record["drv"] < 0.6
