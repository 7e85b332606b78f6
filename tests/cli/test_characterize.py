import json

import numpy as np
import pytest
from command import listing

from bitline.core.figures import OWN_DATA
from bitline.core.model_file import ModelFile
from bitline.core.samples import group_names, read_group
from spice.characterise import Conditions
from spice.characterise import part as part_of

UNITS = {
    "sram": {
        "hold_snm": "V",
        "read_snm": "V",
        "write_margin_bl": "V",
        "write_margin_wl": "V",
        "read_current": "A",
        "leakage": "A",
    },
    "sense-amp": {"offset": "V", "delay": "s"},
    "reram": {"v_set": "V", "v_reset": "V", "g_lrs": "S", "g_hrs": "S"},
}


@pytest.mark.parametrize("part", UNITS)
def test_the_nominal_device_as_one_json_object(part, call, tmp_path):
    ended = call("characterize", part, "--samples", 0, "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert UNITS[part] == {name: found[name]["unit"] for name in UNITS[part]}
    assert all(isinstance(figure["value"], float | int) for figure in found.values())
    assert not [name for name in found if name.endswith(("_mean", "_sigma"))]
    assert listing(tmp_path) == []  # nothing is written without --out


def test_a_value_is_nominal_and_spread_has_keys_of_its_own(call):
    nominal = json.loads(call("characterize", "sram", "--samples", 0, "--json").out)
    drawn = json.loads(call("characterize", "sram", "--samples", 6, "--json", "--seed", 5).out)
    for name in UNITS["sram"]:
        assert drawn[name] == nominal[name]
        assert drawn[f"{name}_mean"]["value"] != nominal[name]["value"]
        assert drawn[f"{name}_mean"]["unit"] == drawn[f"{name}_sigma"]["unit"] == nominal[name]["unit"]
        assert drawn[f"{name}_sigma"]["value"] > 0


def test_options_reach_the_simulation(call):
    def figures(*options):
        return json.loads(call("characterize", "sram", "--samples", 0, "--json", *options).out)

    here = figures()
    assert figures("--corner", "tt", "--temperature", "27", "--vdd", "1.8", "--technology", "sky130") == here
    assert figures("--vdd", "1800m") == here
    assert figures("--corner", "ff")["read_current"]["value"] > 1.1 * here["read_current"]["value"]
    assert figures("--temperature", "125")["leakage"]["value"] > 10 * here["leakage"]["value"]
    assert figures("--vdd", "900m")["hold_snm"]["value"] < 0.6 * here["hold_snm"]["value"]


def test_samples_follow_the_seed_and_not_the_workers(call, tmp_path):
    def figures(*options):
        return json.loads(call("characterize", "sram", "--samples", 6, "--json", *options).out)

    alone = figures("--seed", 5)
    assert figures("--seed", 5, "--workers", 2) == alone
    assert figures("--seed", 6)["read_snm_mean"] != alone["read_snm_mean"]
    assert listing(tmp_path) == []


def test_a_setting_of_the_part(call):
    own = json.loads(call("characterize", "reram", "--samples", 0, "--json", "--set", "device=vteam").out)
    assert own["v_set"] != json.loads(call("characterize", "reram", "--samples", 0, "--json").out)["v_set"]


def test_a_table_for_people(call):
    ended = call("characterize", "sram", "--samples", 0)
    assert "sram, sky130 tt, 27 C, 1.8 V" in ended.out
    (line,) = [line for line in ended.out.splitlines() if line.startswith("read_snm")]
    assert line.split()[1:3] == ["296.9", "mV"]


def test_what_is_written_is_read_by_fit(call, tmp_path):
    for part, samples in (("sram", 12), ("sense-amp", 24), ("reram", 14)):
        assert call("characterize", part, "--samples", samples, "--out", "made").code == 0
    assert group_names(tmp_path / "made/sram.h5") == ["sram/design", "sram/monte_carlo", "sram/nominal"]
    group = read_group(tmp_path / "made/sram.h5", "sram/monte_carlo")
    assert (group.samples.count, group.units["read_snm"], group.attrs["corner"]) == (12, "V", "tt")
    assert json.loads((tmp_path / "made/sram.json").read_text())["read_snm"]["unit"] == "V"
    assert {"made/netlists/sram-butterfly.cir", "made/waveforms/sram-read-butterfly.raw"} <= set(listing(tmp_path))
    assert [path for path in listing(tmp_path) if "/." in path] == []
    fitted = call("fit", "made", "-o", "m.json")
    assert fitted.code == 0
    models = ModelFile.load(tmp_path / "m.json")
    assert {"reram.read_iv", "sense_amp.offset", "sram.read_snm"} <= models.models.keys()
    assert models.provenance["corner"] == "tt"
    for name in models.models:
        assert name in fitted.out


def test_conditions_are_not_mixed_in_one_fit(call, refused):
    call("characterize", "sram", "--samples", 8, "--out", "made")
    call("characterize", "reram", "--samples", 8, "--out", "made", "--corner", "ff")
    message = refused("fit", "made")
    assert "corner = " in message
    assert "use one folder for each set of conditions" in message


def test_a_fit_needs_samples(call, refused):
    call("characterize", "sram", "--samples", 0, "--out", "made")
    assert "sram has no mismatch samples" in refused("fit", "made")


def test_a_spread_of_ones_own_is_told_from_a_published_one_and_known_by_its_contents(tmp_path):
    rng = np.random.default_rng(3)
    rows = [f"{target},{rng.normal(target, 2.0):.4f}" for target in (2, 5, 10, 20, 30, 39) for _ in range(60)]
    file = tmp_path / "mine.csv"
    file.write_text("target (uS),g (uS)\n" + "\n".join(rows) + "\n")
    own = part_of("reram", {"spread": str(file)})
    record = own.nominal(Conditions()).run(own.nominal(Conditions()).prepare(), 0)
    assert own.figures(record, None)["programmed_sigma_20uS"].kind == OWN_DATA
    before = own.inputs
    file.write_text(file.read_text().replace("2,", "2.01,", 1))
    assert part_of("reram", {"spread": str(file)}).inputs != before


def test_a_part_without_models_is_refused_by_fit(call, refused, tmp_path):
    assert call("characterize", "eight-t", "--samples", 0, "--out", "made").code == 0
    message = refused("fit", "made")
    assert "eight_t: gives figures and no models" in message
    assert "sram" in message
    assert not (tmp_path / "model.json").exists()


def test_a_fit_is_drawn_with_the_numbers_of_its_samples(call, refused, tmp_path):
    assert call("characterize", "sram", "--samples", 10, "--out", "made").code == 0
    for name in ("fit.png", "fit.html"):
        assert call("fit", "made", "--picture", name).code == 0
    assert (tmp_path / "fit.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "fit.html").read_text()
    assert "sram.read_snm_q1" in page
    assert "sample 9" in page
    assert ".png, .svg, .html" in refused("fit", "made", "--picture", "fit.bmp")
    assert call("report", "made").code == 0
    assert "sram.write_margin_wl" in (tmp_path / "made/report.html").read_text()


def test_a_fit_over_conditions_is_refused_where_it_makes_no_sense(refused):
    assert "eight_t has no models over temperature" in refused("fit", "eight-t")
    assert "supplies = 1.9,1.2" in refused("fit", "sram", "--supplies", "1.9,1.2")
    assert "lowest,highest" in refused("fit", "sram", "--temperatures", "27")
