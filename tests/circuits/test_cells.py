import re

import pytest

from bitline.core.errors import ConfigError
from circuits import cells
from circuits.technology import load_technology

CONDITION = ("tt", 1.8, 27.0)


@pytest.fixture(scope="module")
def technology():
    return load_technology("sky130")


def transistors(netlist):
    return [line.split() for line in netlist.text.splitlines() if line.startswith("m")]


def test_the_cell_is_six_transistors_of_the_openram_cell_without_junctions(technology):
    lines = transistors(cells.cell(technology, *CONDITION))
    assert {line[0] for line in lines} == {f"m{device}" for device in cells.DEVICES}
    assert len(lines) == 6
    widths = {line[0].rsplit("_", 1)[0]: re.search(r"w=(\S+)", " ".join(line))[1] for line in lines}
    assert {role: float(w) for role, w in widths.items()} == pytest.approx(
        {"mpull_down": 0.21e-6, "mpull_up": 0.14e-6, "mpass_gate": 0.14e-6}
    )
    areas = [word for line in lines for word in line if re.match(r"(ad|as|pd|ps)=", word)]
    assert all(float(word.split("=")[1]) == 0 for word in areas)


def test_the_cell_is_cross_coupled_and_each_pass_gate_has_its_bit_line(technology):
    nodes = {line[0]: line[1:5] for line in transistors(cells.cell(technology, *CONDITION))}
    assert nodes["mpull_down_left"] == ["q", "qb", "0", "0"]
    assert nodes["mpull_up_right"] == ["qb", "q", "vdd", "vdd"]
    assert nodes["mpass_gate_left"] == ["bl", "wl", "q", "0"]
    assert nodes["mpass_gate_right"] == ["blb", "wl", "qb", "0"]


def test_cut_open_every_gate_that_would_close_the_loop_is_at_a_source(technology):
    driven = {line[2] for line in transistors(cells.butterfly(technology, *CONDITION)) if "pull" in line[0]}
    assert driven == {"in"}
    write = cells.write(technology, *CONDITION).text.splitlines()
    held = {line.split()[2] for line in write if line.startswith("vhold_") and line.split()[1] == "in"}
    assert held == {f"held_{bench}" for bench in cells.WRITES}


def test_every_write_bench_is_a_whole_cell(technology):
    lines = transistors(cells.write(technology, *CONDITION))
    names = {line[0] for line in lines}
    assert names == {f"m{device}_{bench}" for device in cells.DEVICES for bench in cells.WRITES}
    assert len(lines) == 24


def test_a_deck_carries_the_three_cards_it_uses_and_no_more(technology):
    text = cells.cell(technology, *CONDITION).text
    models = re.findall(r"^\.model (\S+)", text, flags=re.MULTILINE)
    assert sorted(models) == sorted(technology.device(role).name for role in cells.ROLES)
    assert ".options reltol=1e-4 gmin=1e-15" in text


def test_the_hash_tells_conditions_apart_and_is_stable(technology):
    conditions = [CONDITION, ("ss", 1.8, 27.0), ("tt", 1.7, 27.0), ("tt", 1.8, 28.0)]
    hashes = [cells.butterfly(technology, *condition).hash for condition in conditions]
    assert len(set(hashes)) == len(conditions)
    assert cells.butterfly(load_technology("sky130"), *CONDITION).hash == hashes[0]


def test_an_unknown_corner_and_a_missing_role_are_named(technology, tmp_path):
    with pytest.raises(ConfigError, match="no corner 'tf'"):
        cells.cell(technology, "tf", 1.8, 27.0)
    (tmp_path / "technology.toml").write_text(
        'format = 1\nname = "bare"\nvdd = 1.0\n[corners]\ntt = "tt.spice"\n'
        '[devices.pull_down]\nmodel = "n"\npolarity = "nmos"\nw = 1e-6\nl = 1e-6\n'
    )
    (tmp_path / "tt.spice").write_text(".model n nmos level=54\n")
    with pytest.raises(ConfigError, match=r"devices\.pull_up"):
        cells.cell(load_technology(tmp_path), "tt", 1.0, 27.0)
