from bitline.cli.run_folder import finished_runs


def test_finished_runs_are_those_with_a_summary_and_a_name_the_newest_first(tmp_path):
    key = "0123456789abcdef"
    for name in ("20260101T000000Z-0123456789ab", "20260102T000000Z-0123456789ab", ".partial-0123456789ab"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "summary.json").touch()
    (tmp_path / "20260103T000000Z-0123456789ab").mkdir()
    (tmp_path / "20260104T000000Z-ffffffffffff").mkdir()
    found = finished_runs(tmp_path, key)
    assert [path.name[:8] for path in found] == ["20260102", "20260101"]
