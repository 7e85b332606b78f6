from bitline.cli.study import load_study


def test_a_relative_path_is_taken_from_the_study_file_and_a_name_stays_a_name(tmp_path, monkeypatch):
    (tmp_path / "mine.npz").touch()
    (tmp_path / "sky130").mkdir()
    (tmp_path / "study.toml").write_text('[conditions]\ntechnology = "sky130"\n[network]\ndata = "mine.npz"\n')
    monkeypatch.chdir("/")
    study = load_study(tmp_path / "study.toml")
    assert study.network.data == str(tmp_path / "mine.npz")
    assert study.conditions.technology == "sky130"


def test_a_spread_read_at_a_time_is_taken_from_the_study_files_folder(tmp_path, monkeypatch):
    (tmp_path / "cells.csv").touch()
    (tmp_path / "study.toml").write_text('[reram]\nspread = "cells.csv@3600"\n')
    monkeypatch.chdir("/")
    assert load_study(tmp_path / "study.toml").reram.spread == f"{tmp_path / 'cells.csv'}@3600"
