def test_the_list_names_corners_devices_and_importers(call):
    ended = call("technology", "list")
    assert ended.code == 0
    said = " ".join(ended.out.split())
    for part in ("sky130 1.8 V corners tt", "pull_down nmos 0.21/0.15 um", "importers: sky130"):
        assert part in said


def test_a_cell_of_ones_own_is_shown_transistor_by_transistor(call):
    ended = call("technology", "show", "sky130_published")
    assert ended.code == 0
    said = " ".join(ended.out.split())
    for part in (
        "sky130_published 1.8 V",
        "pass_gate_right nmos 0.14/0.15 um special_nfet_pass_w0p14_l0p15 sigma(vth) 38.57 mV",
        "extra_x3 pmos 0.07/0.095 um special_pfet_latch_w0p14_l0p15 does not vary (q wl q vdd)",
    ):
        assert part in said
    assert "no technology 'sky13'" in call("technology", "show", "sky13").err
