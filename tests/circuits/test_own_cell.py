"""A designer's own cell and PDK: what is read, which transistor is which, and what is said when it does not fit."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bitline.core.errors import BitlineError, ConfigError, NetlistError
from circuits import cells
from circuits.technology import Technology, load_technology

PDK = Path(__file__).parent / "data" / "made_up_pdk"
FLAT = """\
* six transistors
.subckt mine BL BR WL VP VG
Ma BL WL s1 VG special_nfet_pass_w0p14_l0p15 w=0.14u l=0.15u
Mb s2 WL BR VG special_nfet_pass_w0p14_l0p15 w=0.14u l=0.15u
Mc VG s2 s1 VG special_nfet_latch_w0p21_l0p15 w=0.21u l=0.15u ad=1p as=2p
Md s2 s1 VG VG special_nfet_latch_w0p21_l0p15 w=0.21u l=0.15u
Me s1 s2 VP VP special_pfet_latch_w0p14_l0p15 w=0.14u l=0.15u
Mf VP s1 s2 VP special_pfet_latch_w0p14_l0p15 w=0.14u l=0.15u
.ends
"""
TOML = """\
format = 1
name = "mine"
base = "sky130"
[cell]
netlist = "mine.sp"
subckt = "mine"
pins = { bit_line = "BL", bit_line_bar = "BR", word_line = "WL", supply = "VP", ground = "VG" }
"""


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., Path]:
    def write(description: str = TOML, netlist: str = FLAT) -> Path:
        (tmp_path / "mine.sp").write_text(netlist)
        path = tmp_path / "mine.toml"
        path.write_text(description)
        return path

    return write


@pytest.fixture
def pdk(tmp_path: Path) -> Path:
    shutil.copytree(PDK, tmp_path / "pdk")
    return tmp_path / "pdk"


def transistors(technology: Technology, corner: str = "tt") -> dict[str, list[str]]:
    lines = cells.cell(technology, corner, 1.8, 27.0).text.splitlines()
    return {line.split()[0]: line.split()[1:] for line in lines if line.startswith("m")}


def test_a_cell_like_the_shipped_one_makes_the_same_decks(own: Callable[..., Path]) -> None:
    mine = load_technology(own(netlist=FLAT.replace(" ad=1p as=2p", "")))
    for deck in (cells.cell, cells.butterfly, cells.write):
        theirs = deck(load_technology(), "ss", 1.7, 85.0).text.splitlines()
        assert sorted(deck(mine, "ss", 1.7, 85.0).text.splitlines()) == sorted(theirs)


def test_roles_come_from_the_connections_and_a_turned_transistor_turns_its_junctions(own: Callable[..., Path]) -> None:
    cell = load_technology(own()).cell
    assert cell is not None
    assert set(cell.devices) == set(cells.DEVICES)
    assert not cell.extras
    assert cell.devices["pull_down_left"].parameters == pytest.approx({"ad": 2e-12, "as": 1e-12}, abs=0)
    assert cell.devices["pull_down_right"].parameters == {}


def test_the_bit_lines_say_which_side_is_left(own: Callable[..., Path]) -> None:
    wide = FLAT.replace("Mc VG s2 s1 VG special_nfet_latch_w0p21_l0p15 w=0.21u", "Mc VG s2 s1 VG nch w=0.3u")
    named = TOML + 'q = "s1"\nq_bar = "s2"\nmodels = { nch = "special_nfet_latch_w0p21_l0p15" }\n'
    technology = load_technology(own(named, wide))
    assert technology.device("pull_down_left").w == pytest.approx(0.3e-6)
    assert technology.device("pull_down_right").w == pytest.approx(0.21e-6)
    swapped = named.replace('"BL"', '"x"').replace('"BR"', '"BL"').replace('"x"', '"BR"')
    with pytest.raises(NetlistError, match=r"'cell\.q' and 'cell\.q_bar' are s1 and s2, but .* lead to s2 and s1"):
        load_technology(own(swapped, wide))
    turned = load_technology(own(swapped.replace('"s1"', '"x"').replace('"s2"', '"s1"').replace('"x"', '"s2"'), wide))
    assert turned.device("pull_down_right").w == pytest.approx(0.3e-6)


def test_equal_transistors_in_parallel_are_one(own: Callable[..., Path]) -> None:
    line = "Md s2 s1 VG VG special_nfet_latch_w0p21_l0p15 w=0.21u l=0.15u"
    one = load_technology(own()).device("pull_down_right")
    two = load_technology(own(netlist=FLAT.replace(line, f"{line}\n{line.replace('Md', 'Mg')} m=2"))).device(
        "pull_down_right"
    )
    assert two.m == 3
    assert two.sigma("vth") == pytest.approx(one.sigma("vth") / 3**0.5)
    with pytest.raises(NetlistError, match=r"md \(.*mine\.sp:6\) and mg \(.*\) stand parallel as pull_down_right but"):
        load_technology(own(netlist=FLAT.replace(line, f"{line}\n{line.replace('Md', 'Mg').replace('0.21u', '0.3u')}")))


def test_the_published_cell_has_two_further_transistors_on_every_bench() -> None:
    published = load_technology("sky130_published")
    assert published.cell is not None
    assert [extra.nodes for extra in published.cell.extras] == [("q", "wl", "q", "vdd"), ("qb", "wl", "qb", "vdd")]
    lines = transistors(published)
    assert len(lines) == 8
    assert {name: nodes for name, nodes in lines.items() if "extra" not in name} == transistors(load_technology())
    write = [line for line in cells.write(published, "tt", 1.8, 27.0).text.splitlines() if line.startswith("mextra")]
    assert len(write) == 8
    assert write[0].split()[1:5] == ["held_bl_left", "high", "held_bl_left", "vdd"]


def test_sizes_of_the_shipped_cell_can_be_given_alone(own: Callable[..., Path]) -> None:
    path = own('format = 1\nname = "wide"\nbase = "sky130"\n[devices.pull_down]\nw = 0.3e-6\n')
    wide, shipped = load_technology(path), load_technology()
    assert wide.device("pull_down_right").w == pytest.approx(0.3e-6)
    assert wide.device("pull_down").name == shipped.device("pull_down").name
    assert wide.device("pull_down").sigma("vth") < shipped.device("pull_down").sigma("vth")
    assert wide.devices["nmos"] == shipped.devices["nmos"]
    assert wide.vdd == shipped.vdd


def test_a_pdk_is_made_flat(pdk: Path) -> None:
    technology = load_technology(pdk)
    assert technology.corners == ("tt", "ss")
    assert {path.name for path in technology.files} == {"technology.toml", "models.lib", "wrapped.spice", "cell.sp"}
    narrow, wide = technology.device("pass_gate_left"), technology.device("nmos")
    assert (narrow.w, narrow.l) == (pytest.approx(0.14e-6), pytest.approx(0.15e-6))
    assert technology.card("pull_up_left", "ss").parameters["vth0"] == pytest.approx(-0.55)
    assert technology.card("pass_gate_left", "ss").parameters["vth0"] == pytest.approx(0.55)  # of the first bin
    assert technology.card("nmos", "ss").parameters["vth0"] == pytest.approx(0.50)  # of the second
    assert technology.card("nmos", "tt").parameters["toxe"] == pytest.approx(4e-9)
    assert technology.device("pull_down_left").m == 2
    assert wide.sigma("vth") == pytest.approx(3e-9 / (0.65e-6 * 0.15e-6) ** 0.5)
    assert narrow.sigma("vth") == pytest.approx(5e-9 / (0.14e-6 * 0.15e-6) ** 0.5)
    assert technology.device("pull_down_left").mismatch == wide.mismatch  # the same wrapper


def toml(old: str, new: str) -> tuple[str, str]:
    assert old in TOML
    return TOML.replace(old, new), FLAT


def netlist(old: str, new: str) -> tuple[str, str]:
    assert old in FLAT
    return TOML, FLAT.replace(old, new)


@pytest.mark.parametrize(
    ("written", "kind", "message"),
    [
        (
            toml('"mine.sp"', '"main.sp"'),
            ConfigError,
            r"mine\.toml: 'cell\.netlist' is 'main\.sp', but there is no .*/",
        ),
        (toml('subckt = "mine"', 'subckt = "mime"'), ConfigError, r"'cell\.subckt' is 'mime'.*did you mean 'mine'"),
        (toml('"BR"', '"BLB"'), ConfigError, r"'cell\.pins\.bit_line_bar' is 'blb', no pin of mine \(its pins: bl br"),
        (toml(', ground = "VG"', ""), ConfigError, r"'cell\.pins\.ground' is missing"),
        (toml('"VG"', '"VP"'), ConfigError, r"'cell\.pins\.ground' and 'cell\.pins\.supply' are both 'vp'"),
        (toml("bit_line =", "bitline ="), ConfigError, r"unknown key 'cell\.pins\.bitline'; did you mean 'bit_line'"),
        (toml("subckt =", "subcircuit ="), ConfigError, r"unknown key 'cell\.subcircuit'"),
        (toml("[cell]", '[cell]\nq = "s1"'), ConfigError, r"'cell\.q' and 'cell\.q_bar' go together"),
        (toml("[cell]", '[cell]\nmodels = { n = "nix" }'), ConfigError, r"'cell\.models\.n' is 'nix', no known model"),
        (toml('base = "sky130"', 'base = "sky13"'), ConfigError, "no technology 'sky13'; did you mean 'sky130'"),
        (toml('base = "sky130"', 'base = "sky130"\nlib = "x"'), ConfigError, "'lib' does not go with 'base'"),
        (toml("[cell]", "[mismatch.n]\nvht = 1e-9\n[cell]"), ConfigError, r"unknown key 'mismatch\.n\.vht'"),
        (netlist("mine BL BR WL", "mine BL BR WL VB"), ConfigError, r"'cell\.pins' leaves out vb of mine .*n_well"),
        (
            netlist("Ma BL WL s1 VG special_nfet_pass_w0p14", "Ma BL WL s1 VG special_nfet_pas_w0p14"),
            NetlistError,
            r"mine\.sp:3: no file defines a \.model 'special_nfet_pas_w0p14_l0p15'; did you mean 'special_nfet_pass_",
        ),
        (netlist("Ma BL", "Xa BL VG"), NetlistError, r"mine\.sp:3: xa is a 'special_.*', which no file defines"),
        (netlist("w=0.14u l=0.15u\nMb", "w=0.14u\nMb"), NetlistError, r"mine\.sp:3: ma: 'l' is missing"),
        (netlist("w=0.14u l=0.15u\nMb", "w={wx} l=1u\nMb"), NetlistError, r"mine\.sp:3: w: parameter 'wx' is used but"),
        (
            netlist("Ma BL WL s1", "Ma BL s2 s1"),
            NetlistError,
            "no 6T cell: between 'bit_line' and one .* there is no N",
        ),
        (netlist("Mb s2 WL", "Mb s1 WL"), NetlistError, "no 6T cell: both pass gates end at node 's1'"),
        (
            netlist("Me s1 s2", "Me s1 s1"),
            NetlistError,
            "no 6T cell: pull_up_left is missing, a PFET between q and vdd",
        ),
        (netlist("Me s1 s2 VP VP", "Me s1 s2 VP n"), NetlistError, r"the bulk of me .* is at 'n'; .* 'supply' or 'n_w"),
        (netlist(".ends", "R1 s1 BL 10\n.ends"), NetlistError, r"mine\.sp:9: 'r1': only transistors \(M\)"),
        (
            netlist(".ends", "Mx s1 BR s2 VG special_nfet_pass_w0p14_l0p15 w=1u l=1u\n.ends"),
            NetlistError,
            r"no 6T cell: mx \(.*:9\) is one transistor too many, between the two sides",
        ),
        (netlist("l=0.15u\nMb", "l=0.15u delvto=0.1\nMb"), NetlistError, r"mine\.sp:3: ma has a delvto"),
        (netlist(".subckt", '.include "cards.sp"\n.subckt'), NetlistError, r"mine\.sp:2: .*cards\.sp: No such file"),
        (
            netlist("w=0.14u l=0.15u\nMb", "w=0.14 l=0.15\nMb"),
            NetlistError,
            r"mine\.sp:3: ma would be 0\.14 m .*'scale'",
        ),
        (netlist("l=0.15u\nMb", "l=0.15u nf=2\nMb"), NetlistError, r"mine\.sp:3: ma has nf=2; write fingers as m"),
        (netlist("l=0.15u\nMb", "l=0.15u temp=9\nMb"), NetlistError, r"mine\.sp:3: ma: 'temp' is not read"),
        (netlist(".ends", "C1 s1 s2 1f ic=1\n.ends"), NetlistError, r"mine\.sp:9: c1: 'ic' is not read"),
        (
            toml("[cell]", "[mismatch.nchh]\nvth = 1e-9\n[cell]"),
            ConfigError,
            r"'mismatch\.nchh' is no model of the cell",
        ),
        (
            toml("[cell]", '[cell]\nmodels = { special_nfet_past_w0p14_l0p15 = "special_nfet_pass_w0p14_l0p15" }'),
            ConfigError,
            r"names no such model; did you mean 'special_nfet_pass_w0p14_l0p15'",
        ),
        (toml('base = "sky130"', 'base = "mine.toml"'), ConfigError, r"mine\.toml: 'base' leads back to .*mine\.toml"),
        (netlist(".subckt", ".if (1)\n.subckt"), NetlistError, r"mine\.sp:2: \.if is not read"),
    ],
)
def test_what_does_not_fit_is_named(
    written: tuple[str, str], kind: type[BitlineError], message: str, own: Callable[..., Path]
) -> None:
    with pytest.raises(kind, match=message):
        load_technology(own(*written))


@pytest.mark.parametrize(
    ("file", "old", "new", "kind", "message"),
    [
        (
            "technology.toml",
            '"models.lib"',
            '"model.lib"',
            ConfigError,
            r"'lib' is 'model\.lib', but there is no .*model\.l",
        ),
        (
            "technology.toml",
            '"slow"',
            '"slew"',
            NetlistError,
            r"models\.lib: has no section '\.lib slew'; did you mean",
        ),
        (
            "technology.toml",
            'model = "nch"',
            'model = "nhc"',
            NetlistError,
            r"'devices\.nmos\.model': no file .*'nhc'; did",
        ),
        ("technology.toml", '"slow"', '"shrunk"', NetlistError, r"\(shrunk\): .* another size .* than in .*\(tt\)"),
        ("technology.toml", "w = 0.65e-6", "w = 650e-6", NetlistError, "no model for W = 650 um.* none of its 2 bins"),
        (
            "technology.toml",
            '"nmos"',
            '"pmos"',
            NetlistError,
            r"\.model 'nch_mos_w0p65_l0p15' is nmos, but 'devices\.nm",
        ),
        (
            "models.lib",
            "dvth_n = 0\n",
            "dvth_x = 0\n",
            NetlistError,
            r"/common/wrapped\.spice:11: .*'vth0'.*'dvth_n' is used but",
        ),
        ("models.lib", "common/wrapped", "common/warped", NetlistError, r"common/warped\.spice: No such file"),
        (
            "common/wrapped.spice",
            "pmos level=54",
            "pmos level=1",
            NetlistError,
            r"is level 1, in which .* \(delvto\); give",
        ),
        (
            "cell.sp",
            "gnd! inverter wn=0.42\nxright",
            "inverter\nxright",
            NetlistError,
            r"cell\.sp:9: xleft has 3 nodes, but",
        ),
    ],
)
def test_what_a_pdk_lacks_is_named(
    file: str, old: str, new: str, kind: type[BitlineError], message: str, pdk: Path
) -> None:
    text = (pdk / file).read_text()
    assert old in text
    (pdk / file).write_text(text.replace(old, new, 1))
    with pytest.raises(kind, match=message):
        load_technology(pdk)


def test_a_capacitor_counts_as_often_as_its_m_says(own: Callable[..., Path]) -> None:
    one = load_technology(own(*netlist(".ends", "C1 s1 s2 20f\n.ends"))).cell
    many = load_technology(own(*netlist(".ends", "C1 s1 s2 0.02f m=1000\n.ends"))).cell
    assert one is not None
    assert many is not None
    assert one.capacitors[0].value == pytest.approx(20e-15)
    assert many.capacitors[0].value == pytest.approx(20e-15)


def test_a_cell_without_slopes_says_what_does_not_vary(pdk: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = (pdk / "technology.toml").read_text()
    (pdk / "technology.toml").write_text(re.sub(r"\[mismatch\.pch\].*", "", text, flags=re.DOTALL))
    technology = load_technology(pdk)
    assert technology.device("pull_up_left").sigma("vth") == 0
    assert re.search(r"no \[mismatch\.pch\] in .*technology\.toml: xleft\.mp does not vary", caplog.text)


def test_the_example_is_a_cell_with_wider_pull_downs() -> None:
    technology = load_technology(Path(__file__).parents[2] / "examples" / "own_cell")
    assert technology.device("pull_down_left").w == pytest.approx(0.28e-6)
    assert technology.cell is not None
    assert technology.cell.is_plain
    assert [capacitor.nodes for capacitor in technology.cell.capacitors] == [("q", "qb")]
