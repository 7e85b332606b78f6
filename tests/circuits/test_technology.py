"""The shipped cards against the foundry's own library, corner by corner, and what a wrong technology folder says."""

from __future__ import annotations

import importlib.util
import json
import pickle
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bitline.core.errors import BitlineError, ConfigError, NetlistError
from circuits.model_card import parse_cards
from circuits.technology import REFERENCE, SHIPPED, Device, Technology, available, load_technology

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def sky130() -> Technology:
    return load_technology()


@pytest.fixture(scope="module")
def stock() -> ModuleType:
    """The module that measured the golden file; the cards are measured by the same deck."""
    spec = importlib.util.spec_from_file_location("sky130_stock", DATA / "sky130_stock.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((SHIPPED / "sky130" / REFERENCE).read_text())
    return content


def of_size(technology: Technology, cell: str, width: float, length: float) -> Device:
    size = pytest.approx((width * 1e-6, length * 1e-6))
    return next(d for d in technology.devices.values() if d.name.startswith(f"{cell}_w") and (d.w, d.l) == size)


@pytest.fixture(scope="module")
def measured(sky130: Technology, stock: ModuleType) -> dict[str, dict[int, list[dict[str, float]]]]:
    """Figures of the shipped cards: corner, temperature, device."""
    lines = [
        of_size(sky130, cell, width, length).line(str(k), f"d{k}", f"g{k}", "0", f"b{k}")
        for k, (cell, _, width, length) in enumerate(stock.DEVICES)
    ]
    return {corner: stock.measure(sky130.cards(corner), lines) for corner in sky130.corners}


@pytest.mark.parametrize("corner", ["tt", "ff", "ss", "sf", "fs"])
def test_cards_agree_with_the_stock_library(
    corner: str, measured: dict[str, dict[int, list[dict[str, float]]]], golden: dict[str, Any], stock: ModuleType
) -> None:
    # Both solve the same equations: what is left is ngspice's tolerance and the golden file's eight digits.
    for temperature, rows in measured[corner].items():
        expected = golden["corners"][corner][str(temperature)]
        for (cell, _, width, length), figures in zip(stock.DEVICES, rows, strict=True):
            assert figures == pytest.approx(expected[stock.key(cell, width, length)], rel=2e-6), (
                temperature,
                cell,
                width,
            )


def test_every_shipped_device_is_in_the_golden_file(
    sky130: Technology, golden: dict[str, Any], stock: ModuleType
) -> None:
    sizes = {stock.key(d.name.rpartition("_w")[0], d.w * 1e6, d.l * 1e6) for d in sky130.devices.values()}
    assert sizes == set(golden["corners"]["tt"]["27"])


def test_ion_ioff_and_threshold_at_the_typical_corner(
    measured: dict[str, dict[int, list[dict[str, float]]]], stock: ModuleType
) -> None:
    # Measured independently of this deck: Ion uA, Ioff pA, Vth V
    published = {
        ("special_nfet_latch", 0.21, 0.15): (91.4, 0.06, 0.572),
        ("special_nfet_pass", 0.14, 0.15): (70.6, 1.1, 0.523),
        ("special_pfet_latch", 0.14, 0.15): (20.8, 0.01, 0.841),
        ("nfet_01v8", 0.65, 0.15): (334.6, 0.12, 0.585),
        ("pfet_01v8", 1.26, 0.15): (249.5, 58.5, 0.587),
    }
    rows = {(cell, *size): row for (cell, _, *size), row in zip(stock.DEVICES, measured["tt"][27], strict=True)}
    for device, (ion, ioff, vth) in published.items():
        assert rows[device]["ion"] == pytest.approx(ion * 1e-6, abs=0.06e-6)
        assert rows[device]["vth_cc"] == pytest.approx(vth, abs=0.6e-3)
        assert rows[device]["ioff"] == pytest.approx(ioff * 1e-12, rel=0.1, abs=0.005e-12)


@pytest.mark.parametrize(
    ("corner", "nmos_is_fast", "pmos_is_fast"),
    [("ff", True, True), ("ss", False, False), ("sf", True, False), ("fs", False, True)],
)
def test_direction_of_a_corner(
    corner: str,
    nmos_is_fast: bool,  # noqa: FBT001 (pytest passes it by name)
    pmos_is_fast: bool,  # noqa: FBT001 (pytest passes it by name)
    measured: dict[str, dict[int, list[dict[str, float]]]],
    stock: ModuleType,
) -> None:
    for device, row, typical in zip(stock.DEVICES, measured[corner][27], measured["tt"][27], strict=True):
        fast = nmos_is_fast if device[1] == "nmos" else pmos_is_fast
        assert (row["ion"] > typical["ion"]) == fast, device
        assert (row["vth_cc"] < typical["vth_cc"]) == fast, device


def test_devices_by_role(sky130: Technology) -> None:
    sizes = {role: (round(d.w * 1e6, 3), round(d.l * 1e6, 3)) for role, d in sky130.devices.items()}
    assert sizes["pull_down"] == (0.21, 0.15)
    assert sizes["pass_gate"] == sizes["pull_up"] == (0.14, 0.15)
    assert (sizes["nmos"], sizes["pmos"], sizes["pmos_wide"]) == ((0.65, 0.15), (1.26, 0.15), (2.0, 0.15))
    assert sky130.device("pull_up").polarity == "pmos"
    assert sky130.card("pull_up", "tt").parameters["level"] == 49
    assert sky130.card("nmos", "tt").parameters["level"] == 54
    assert sky130.vdd == 1.8
    assert sky130.corners == ("tt", "ff", "ss", "sf", "fs")


def test_mismatch_of_the_cell(sky130: Technology) -> None:
    sigmas = [sky130.device(role).sigma("vth") for role in ("pull_down", "pass_gate", "pull_up")]
    assert sigmas == pytest.approx([29.8e-3, 38.6e-3, 38.4e-3], abs=0.06e-3)
    assert sky130.device("nmos").mismatch == pytest.approx({"vth": 3.356e-9, "toxe": 3.443e-9, "voff": 7e-9})
    assert sky130.device("pmos").mismatch["vth"] == pytest.approx(7.356e-9)
    assert sky130.device("pull_down").sigma("voff") == 0.0
    with pytest.raises(ConfigError, match=r"'vthh'.*did you mean 'vth'"):
        sky130.device("nmos").sigma("vthh")


def currents(deck: str, devices: int, folder: Path) -> list[float]:
    (folder / "deck.cir").write_text(deck)
    (folder / ".spiceinit").write_text("* none\n")
    ran = subprocess.run(["ngspice", "-b", "deck.cir"], cwd=folder, capture_output=True, text=True, check=True)  # noqa: S607 (the ngspice on the path)
    found = [abs(float(value)) for value in re.findall(r"^i\(v\w+\) = (\S+)", ran.stdout, re.MULTILINE)]
    assert len(found) == devices, ran.stdout + ran.stderr
    return found


def bench(technology: Technology, role: str, commands: str) -> str:
    """Two devices of `role`, the second with a card of its own called `own`, one current each after `commands`."""
    device, card = technology.device(role), technology.card(role, "tt")
    second = Device("own", device.polarity, device.w, device.l)
    sign = 1 if device.polarity == "nmos" else -1
    return "\n".join([
        "* one device and its twin",
        technology.cards("tt"),
        card.renamed("own").text,
        f"vg g 0 {sign * 0.6}",
        f"v1 a 0 {sign * 0.5}",
        f"v2 b 0 {sign * 0.5}",
        device.line("1", "a", "g", "0", "0"),
        second.line("2", "b", "g", "0", "0"),
        ".control\nset num_threads=1\nset ng_nomodcheck\nset numdgt=10",
        commands,
        "op\nprint i(v1) i(v2)\nquit\n.endc\n.end\n",
    ])  # fmt: skip


@pytest.mark.parametrize("role", ["pull_down", "pass_gate", "pull_up", "nmos", "pmos"])
def test_delvto_shifts_the_signed_threshold_of_one_instance(sky130: Technology, role: str, tmp_path: Path) -> None:
    first, second = currents(bench(sky130, role, "alter @m2[delvto]=0.03"), 2, tmp_path)
    weaker = sky130.device(role).polarity == "nmos"
    assert (second < 0.95 * first) == weaker
    assert (second > 1.05 * first) == (not weaker)


@pytest.mark.parametrize("role", ["pull_down", "pull_up", "nmos", "pmos"])
def test_a_card_of_its_own_varies_one_transistor(sky130: Technology, role: str, tmp_path: Path) -> None:
    card = sky130.card(role, "tt")
    name = card.parameter("toxe")
    thicker = f"altermod own {name}={card.parameters[name] * 1.03:.9g}"
    same = currents(bench(sky130, role, "* as it is"), 2, tmp_path)
    varied = currents(bench(sky130, role, thicker), 2, tmp_path)
    assert same[0] == same[1] == varied[0]
    assert 0.5 * same[1] < varied[1] < 0.99 * same[1]


def test_vth_is_no_model_parameter(sky130: Technology) -> None:
    with pytest.raises(NetlistError, match="no parameter for the mismatch 'vth'"):
        sky130.card("nmos", "tt").parameter("vth")


def test_a_line_is_complete_and_can_be_added_to() -> None:
    device = Device("nch", "nmos", 0.65e-6, 0.15e-6)
    assert device.line("1", "d", "g", "s", "b") == "m1 d g s b nch w=6.5e-07 l=1.5e-07 ad=0 as=0 pd=0 ps=0 nrd=0 nrs=0"
    assert device.line("1", "d", "g", "s", "b", m=4, ad=1e-13).endswith("ad=1e-13 as=0 pd=0 ps=0 nrd=0 nrs=0 m=4")


DESCRIPTION = """
format = 1
name = "own"
vdd = 1.2
[corners]
typ = "typ.spice"
[devices.pull_down]
model = "nch"
polarity = "nmos"
w = 0.2e-6
l = 0.1e-6
mismatch = { vth = 4e-9 }
"""
CARDS = (
    "* mine\n.model nch nmos level=8 version=3.3.0\n+ vth0=0.4 tox=2n\n* thin\n\n+ k1=0.5\n.model pch PMOS vth0=-0.4\n"
)


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., Path]:
    def write(description: str = DESCRIPTION, cards: str | None = CARDS) -> Path:
        (tmp_path / "technology.toml").write_text(description)
        if cards is not None:
            (tmp_path / "typ.spice").write_text(cards)
        return tmp_path

    return write


def test_a_folder_of_ones_own(own: Callable[..., Path]) -> None:
    technology = load_technology(own())
    assert (technology.name, technology.vdd, technology.corners) == ("own", 1.2, ("typ",))
    card = technology.card("pull_down", "typ")
    assert card.parameters == {"level": 8, "vth0": 0.4, "tox": pytest.approx(2e-9), "k1": 0.5}
    assert parse_cards(card.renamed("twin").text, "a copy")["twin"].parameters == card.parameters
    assert load_technology(str(technology.path)).devices == technology.devices


def swap(old: str, new: str) -> Callable[[], tuple[str, str]]:
    assert old in DESCRIPTION
    return lambda: (DESCRIPTION.replace(old, new), CARDS)


def in_cards(old: str, new: str) -> Callable[[], tuple[str, str]]:
    assert old in CARDS
    return lambda: (DESCRIPTION, CARDS.replace(old, new))


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (swap("format = 1", "format = 2"), ConfigError, r"technology\.toml: 'format' is 2"),
        (swap("format = 1", ""), ConfigError, "'format' is missing"),
        (swap("vdd = 1.2", ""), ConfigError, "'vdd' is missing"),
        (swap("vdd = 1.2", "vdd = true"), ConfigError, "'vdd' is True; it must be a positive number"),
        (swap("vdd = 1.2", "vdd = nan"), ConfigError, "'vdd' is nan"),
        (swap('name = "own"', "name = 3"), ConfigError, "'name' is 3; it must be a text"),
        (swap("vdd =", "vddd = 1\nvdd ="), ConfigError, "unknown key 'vddd'; did you mean 'vdd'"),
        (swap("[corners]", "[corners"), ConfigError, "cannot be read as TOML.*line 5"),
        (swap('typ = "typ.spice"', ""), ConfigError, "'corners' is empty"),
        (swap('"typ.spice"', "7"), ConfigError, "'corners.typ' is 7"),
        (swap('"typ.spice"', '"type.spice"'), NetlistError, r"type\.spice: cannot be read.*'corners\.typ'"),
        (swap("[devices.pull_down]", "[devices]\npull_down = 1\n[x]"), ConfigError, "unknown key 'x'"),
        (swap("w = 0.2e-6", "w = -0.2e-6"), ConfigError, "'devices.pull_down.w' is -2e-07"),
        (
            swap("w = 0.2e-6", 'w = "0.2u"'),
            ConfigError,
            "'devices.pull_down.w' is '0.2u'; it must be a positive number",
        ),
        (swap("l = 0.1e-6", ""), ConfigError, "'devices.pull_down.l' is missing"),
        (swap('polarity = "nmos"', 'polarity = "n"'), ConfigError, "'devices.pull_down.polarity' is 'n'"),
        (swap('polarity = "nmos"', 'polarity = "pmos"'), NetlistError, "'nch' is nmos, but .* is pmos"),
        (
            swap('model = "nch"', 'model = "nchh"'),
            NetlistError,
            r"typ\.spice: has no \.model 'nchh'.*did you mean 'nch'",
        ),
        (swap("{ vth = 4e-9 }", "{ vht = 4e-9 }"), ConfigError, "unknown key 'devices.pull_down.mismatch.vht'"),
        (swap("{ vth = 4e-9 }", "4e-9"), ConfigError, "'devices.pull_down.mismatch' is 4e-09; it must be a table"),
        (in_cards("vth0=0.4 ", "vth0=high "), NetlistError, r"typ\.spice:3: 'vth0 = high' is not a number"),
        (in_cards("k1=0.5", "k1=nan"), NetlistError, r"typ\.spice:6: 'k1 = nan' is not a number"),
        (in_cards("k1=0.5", "k1=1e999"), NetlistError, "not finite"),
        (in_cards("k1=0.5", "k1={k1_typ}"), NetlistError, r"typ\.spice:6: 'k1 = \{k1_typ\}'.*'k1_typ' is used"),
        (in_cards(".model pch", ".model NCH"), NetlistError, r"typ\.spice:7: \.model 'NCH' is defined a second time"),
    ],
)
def test_what_is_wrong_is_named(
    change: Callable[[], tuple[str, str]], kind: type[BitlineError], message: str, own: Callable[..., Path]
) -> None:
    with pytest.raises(kind, match=message):
        load_technology(own(*change()))


def test_unknown_names_are_suggested(sky130: Technology, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no technology 'sky13'; did you mean 'sky130'"):
        load_technology("sky13")
    with pytest.raises(ConfigError, match=r"technology\.toml: missing"):
        load_technology(tmp_path)
    with pytest.raises(ConfigError, match="no corner 'tf'; known: ff, fs, sf, ss, tt"):
        sky130.cards("tf")
    with pytest.raises(ConfigError, match=r"no device 'devices\.pulldown'; did you mean 'pull_down'"):
        sky130.device("pulldown")


def test_it_goes_to_a_worker(sky130: Technology) -> None:
    assert pickle.loads(pickle.dumps(sky130)) == sky130  # noqa: S301 (our own bytes)


def test_a_copied_folder_loads_like_the_shipped_one(sky130: Technology, tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / "sky130", tmp_path / "mine")
    mine = load_technology(tmp_path / "mine")
    assert available() == ["sky130", "sky130_published"]
    assert mine.devices == sky130.devices
    assert mine.cards("sf") == sky130.cards("sf")
