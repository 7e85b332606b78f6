"""``bitline storage`` on a model file that was fitted to ngspice samples."""

import json
from pathlib import Path

import pytest

from bitline.core.model_file import ModelFile

MODELS = Path(__file__).parents[1] / "crossbar" / "golden_storage" / "sram_storage.json"


def test_every_model_of_the_macro_keeps_to_its_limit_on_what_it_has_not_seen():
    residuals = {name: model.residual for name, model in ModelFile.load(MODELS).models.items()}
    limited = {name: one for name, one in residuals.items() if one.limit is not None}
    assert {"storage.drv", "storage.leakage", "storage.read_current", "storage.offset"} <= set(limited)
    assert residuals["storage.drv"].samples == residuals["storage.lean"].samples == 80
    for name, one in limited.items():
        assert one.samples > 0, name
        assert one.outside == 0, name
        assert 0 < one.maximum <= one.limit, name


def test_figures_are_costs_and_rates_with_their_kind(call):
    ended = call("storage", str(MODELS), "--vdd", "1.8", "--chips", "2", "--standby", "300m", "--json")
    assert ended.code == 0
    found = json.loads(ended.out)
    assert {one["kind"] for one in found.values()} == {"modelled"}
    assert 0.5e-9 < found["access_time"]["value"] < 2e-9
    assert 1e-12 < found["read_energy"]["value"] < 2e-11
    assert found["read_error_rate"]["value"] < 1e-12  # the replica waits for ten sigmas
    assert 0 < found["hold_error_rate"]["value"] < 0.5
    assert found["write_error_rate_1"]["value"] == 0


def test_a_sweep_goes_from_errors_to_none(call):
    ended = call(
        *("storage", str(MODELS), "--frequency", "450M", "--timing", "clock", "--sweep", "supply", "--chips", "2"),
        "--json",
    )
    assert ended.code == 0
    points = json.loads(ended.out)["points"]
    reads = [point["read"]["mean"] for point in points]
    assert reads == sorted(reads, reverse=True)
    assert reads[0] > 0.1
    assert reads[-1] < 1e-6
    assert points[0]["write"]["mean"] > 0.1
    assert points[-1]["write"]["mean"] == 0


def test_a_picture_is_drawn(call, tmp_path):
    ended = call("storage", str(MODELS), "--chips", "2", "--picture", "storage.png")
    assert ended.code == 0
    assert (tmp_path / "storage.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--vdd", "1.0"), "outside the fitted range"),
        (("--temperature", "150"), "outside the fitted range"),
        (("--sweep", "age"), "supply, temperature, frequency"),
        (("--timing", "clock"), "need a frequency"),
        (("--picture", "rates.svg"), ".png"),
    ],
)
def test_what_cannot_be_answered_is_told(call, given, said):
    ended = call("storage", str(MODELS), *given)
    assert ended.code == 1
    assert said in " ".join(ended.err.split())
