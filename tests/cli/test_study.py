from bitline.cli.array_section import Array
from bitline.cli.arrays import tile_parts
from bitline.cli.study import Study, load_study
from circuits.adc import Adc
from circuits.faults import Faults
from circuits.mapping import Mapping


def test_a_relative_path_is_taken_from_the_study_file_and_a_name_stays_a_name(tmp_path, monkeypatch):
    (tmp_path / "mine.npz").touch()
    (tmp_path / "sky130").mkdir()
    (tmp_path / "study.toml").write_text('[conditions]\ntechnology = "sky130"\n[network]\ndata = "mine.npz"\n')
    monkeypatch.chdir("/")
    study = load_study(tmp_path / "study.toml")
    assert study.network.data == str(tmp_path / "mine.npz")
    assert study.conditions.technology == "sky130"


def test_a_map_of_stuck_cells_is_taken_from_the_study_file(tmp_path, monkeypatch):
    (tmp_path / "stuck.csv").touch()
    (tmp_path / "study.toml").write_text('[array.faults]\nmap = "stuck.csv"\n')
    monkeypatch.chdir("/")
    assert load_study(tmp_path / "study.toml").array.faults.map == str(tmp_path / "stuck.csv")


def test_the_keys_of_a_tiles_parts_reach_it():
    array = Array(
        adcs="column",
        cols=31,
        mapping={"scheme": "offset", "slice_bits": 4},
        dac={"bits": 4},
        adc={"kind": "flash", "mismatch": 0.1, "range": "mse"},
        faults={"off_rate": 0.01, "g_on": "50u"},
        verify={"tolerance": "1u"},
    )
    parts = tile_parts(Study(array=array))
    assert parts["mapping"] == Mapping("offset", "analog", 4)
    assert parts["dac"].bits == 4
    assert parts["adc"] == Adc(kind="flash", mismatch=0.1, range="mse")
    assert parts["faults"] == Faults(off_rate=0.01, g_on=50e-6)
    assert parts["verify"].tolerance == 1e-6
    assert tile_parts(Study())["adc"] == Adc()


def test_a_spread_read_at_a_time_is_taken_from_the_study_files_folder(tmp_path, monkeypatch):
    (tmp_path / "cells.csv").touch()
    (tmp_path / "study.toml").write_text('[reram]\nspread = "cells.csv@3600"\n')
    monkeypatch.chdir("/")
    assert load_study(tmp_path / "study.toml").reram.spread == f"{tmp_path / 'cells.csv'}@3600"
