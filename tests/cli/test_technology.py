def test_the_list_names_corners_devices_and_importers(call):
    ended = call("technology", "list")
    assert ended.code == 0
    said = " ".join(ended.out.split())
    for part in ("sky130 1.8 V corners tt", "pull_down nmos 0.21/0.15 um", "importers: sky130"):
        assert part in said
