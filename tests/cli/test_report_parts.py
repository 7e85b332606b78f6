"""Reports of folders that `bitline characterize --out` made."""

import itertools
import json
import shutil

import numpy as np
import pytest
from made_run import ERRORS, make_parts
from scipy.special import ndtr, ndtri
from test_report import Page, decoded

from bitline.cli.artefacts import write_characterised
from bitline.cli.characterise import Work, characterise
from bitline.cli.report import write_report
from bitline.core.errors import ConfigError, StoreError
from bitline.core.samples import Group, Samples, read_group, write_hdf5
from spice.characterise import Conditions, part
from spice.column_cycles import CYCLES, NODES

SAMPLES = 10


@pytest.fixture(scope="module")
def stability(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stability")
    write_characterised(folder, characterise(Work("sram_stability", Conditions(), SAMPLES)))
    return folder


@pytest.fixture(scope="module")
def page(stability):
    return read(stability)


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    return make_parts(tmp_path_factory.mktemp("slow"))


@pytest.fixture(scope="module")
def slow_page(slow):
    return read(slow)


@pytest.fixture
def folder(stability, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(stability, tmp_path / "copy", ignore=shutil.ignore_patterns("report.html"))


def read(folder):
    return Page(write_report(folder).read_text(encoding="utf-8"))


def nominal(folder, name):
    return {
        key: column[0] for key, column in read_group(folder / f"{name}.h5", f"{name}/nominal").samples.columns.items()
    }


def test_a_characterisation_is_a_page_of_its_own_sections_only(stability, page):
    figures = json.loads((stability / "sram_stability.json").read_text())
    assert page.loads == []
    assert "SRAM stability sky130, tt, 27 °C, 1.8 V · seed 1" in page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert f"{1e3 * figures['svnm']['value']:.0f} mV SVNM" in page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert {"N-curve", "Write", "Waveform viewer", "Data-retention voltage"} <= page.charts.keys()
    assert "Left out" not in page.text
    for absent in ("Energy, latency and area", "Trust", "Network", "ReRAM", "accuracy", "config.toml"):
        assert absent not in page.text


def test_the_n_curve_is_marked_with_its_margins(stability, page):
    found = nominal(stability, "sram_stability")
    curve = page.trace("N-curve", "N-curve")
    a, b, c = page.trace("N-curve", "zero crossings")["x"]
    for crossing in (a, b, c):
        assert np.interp(crossing, curve["x"], curve["y"]) == pytest.approx(0.0, abs=0.1)  # uA, of peaks of tens
    for name, ends in (("SVNM", (a, b)), ("WTV", (b, c))):
        assert page.trace("N-curve", name)["x"] == pytest.approx(ends, abs=2e-3)
        assert np.ptp(page.trace("N-curve", name)["x"]) == pytest.approx(found[name.lower()], rel=1e-5)
    for name, sign in (("SINM", 1e6), ("WTI", -1e6)):
        mark = page.trace("N-curve", name)
        assert mark["y"] == pytest.approx([0.0, sign * found[name.lower()]], rel=1e-5)
        assert np.interp(mark["x"][1], curve["x"], curve["y"]) == pytest.approx(mark["y"][1], rel=1e-2)


def test_a_qq_plot_holds_every_sample_at_its_normal_score(stability, page):
    drawn = np.sort(read_group(stability / "sram_stability.h5", "sram_stability/monte_carlo").samples["drv"]) * 1e3
    shown, fit = (page.trace("Data-retention voltage, beside", name) for name in ("QQ", "normal fit"))
    np.testing.assert_allclose(shown["x"], drawn, rtol=1e-6)
    np.testing.assert_allclose(shown["y"], ndtri((np.arange(SAMPLES) + 0.5) / SAMPLES), rtol=1e-5)
    sigma, mean = np.polyfit(fit["y"], fit["x"], 1)
    assert (sigma, mean) == pytest.approx((drawn.std(ddof=1), drawn.mean()), rel=1e-4)


def test_samples_without_a_value_are_left_out_and_counted(slow, slow_page):
    access = read_group(slow / "sram_column.h5", "sram_column/monte_carlo").samples["access_time"]
    missing = int(np.isnan(access).sum())
    assert missing == 2
    assert slow_page.trace("Access time", "samples")["y"].sum() == len(access) - missing
    assert f"{len(access) - missing} samples ({missing} more have none)" in slow_page.text


def test_the_cycles_hold_every_net(slow, slow_page):
    found = nominal(slow, "sram_column")
    for title, cycle in (("Read of 0", "read_0"), ("Write of 1", "write_1")):
        assert {trace["name"] for trace in slow_page.charts[title]["data"]} == set(NODES)
        for net in ("sl", "slb", "q"):
            (trace,) = (trace for trace in slow_page.charts[title]["data"] if trace["name"] == net)
            np.testing.assert_allclose(decoded(trace["y"]), found[f"{cycle}_{net}"], rtol=1e-6)
            np.testing.assert_allclose(decoded(trace["x"]), found[f"{cycle}_time"] * 1e9, rtol=1e-6)


def test_energy_bars_add_up_to_their_totals(slow, slow_page):
    found = nominal(slow, "sram_column")
    for what in ("read", "write"):
        bars = slow_page.trace("Energy by component", f"a {what}")
        assert bars["x"].sum() == pytest.approx(1e15 * found[f"{what}_energy"], rel=1e-5)
        at = bars["y"].tolist().index("bit line")
        assert bars["x"][at] == pytest.approx(1e15 * found[f"{what}_energy_bit_line"], rel=1e-5)


def test_sensing_times_that_misread_are_marked(slow, slow_page):
    title, found = "Access against sensing time", nominal(slow, "sram_column")
    assert slow_page.trace(title, "a value misreads")["x"] == pytest.approx(found["swept_sensing_time"][:1] * 1e12)
    assert slow_page.trace(title, "both values read")["y"] == pytest.approx(found["swept_access_time"][1:] * 1e12)


def test_the_shmoo_is_the_normal_offset_against_the_swing(slow_page):
    heat = slow_page.charts["Shmoo: supply against sensing time"]["data"][0]
    assert decoded(heat["y"]) == pytest.approx([1.4, 1.8])
    time = decoded(heat["x"]).astype(np.float64) * 1e-12
    shown = decoded(heat["customdata"])
    for row, rate in enumerate(ERRORS["rate"]):
        swing = rate * time
        both = [ndtr((sign * ERRORS["mean"] - swing) / ERRORS["sigma"]) for sign in (1, -1)]
        likely = np.mean(both, axis=0) > 1e-15
        assert likely.sum() > 5
        np.testing.assert_allclose(shown[row][likely], np.mean(both, axis=0)[likely], rtol=1e-3)
        curve = slow_page.trace("Error rate against sensing time", "1.4 V" if row == 0 else "1.8 V")
        drawn = ~np.isnan(curve["y"])
        np.testing.assert_allclose(curve["y"][drawn], shown[row][drawn], rtol=1e-6)
    np.testing.assert_allclose(10.0 ** decoded(heat["z"]), np.maximum(shown, 1e-15), rtol=1e-4)


def test_the_viewer_lists_every_waveform_and_shows_one_at_a_time(slow, slow_page):
    chart = slow_page.charts["Waveform viewer"]
    buttons = {button["label"]: button["args"] for button in chart["layout"]["updatemenus"][0]["buttons"]}
    assert list(buttons) == [f"SRAM column: {key}" for key in ("read 0", "read 1", "write 0", "write 1")]
    found = nominal(slow, "sram_column")
    covered = np.zeros(len(chart["data"]), dtype=int)
    for cycle in CYCLES:
        restyle, layout = buttons[f"SRAM column: {cycle.replace('_', ' ')}"]
        covered += restyle["visible"]
        shown = [trace for trace, on in zip(chart["data"], restyle["visible"], strict=True) if on]
        assert [trace["name"] for trace in shown] == list(NODES)
        np.testing.assert_allclose(decoded(shown[0]["y"]), found[f"{cycle}_{shown[0]['name']}"], rtol=1e-6)
        assert layout["xaxis.title.text"] == "time (ns)"
        assert layout["yaxis.title.text"] == "voltage (V)"
    assert (covered == 1).all()
    assert [trace["visible"] for trace in chart["data"]] == buttons["SRAM column: read 0"][0]["visible"]


def test_the_viewer_gives_each_unit_a_panel(page):
    chart = page.charts["Waveform viewer"]
    assert len(part("sram_stability").waveforms) == len(chart["layout"]["updatemenus"][0]["buttons"]) == 2
    curve, write = (button["args"][1] for button in chart["layout"]["updatemenus"][0]["buttons"])
    assert (curve["xaxis.title.text"], curve["yaxis.title.text"]) == ("n_curve_v (V)", "current (µA)")
    assert (write["xaxis.title.text"], write["yaxis.title.text"]) == ("time (ps)", "voltage (V)")


def test_a_waveform_of_several_units_has_panels_that_do_not_overlap(tmp_path):
    write_characterised(tmp_path, characterise(Work("reram", Conditions(), 0)))
    page = read(tmp_path)
    chart = page.charts["Waveform viewer"]
    layout = chart["layout"]["updatemenus"][0]["buttons"][0]["args"][1]
    titles = [layout[f"yaxis{panel}.title.text"] for panel in ("", 2, 3)]
    assert titles == ["voltage (V)", "current (µA)", "state"]
    domains = sorted(layout[f"yaxis{panel}.domain"] for panel in ("", 2, 3))
    assert all(low < high for low, high in domains)
    assert all(below[1] < above[0] for below, above in itertools.pairwise(domains))
    assert {trace["name"]: trace["yaxis"] for trace in chart["data"][:4]} == {
        "source": "y",
        "v": "y",
        "i": "y2",
        "state": "y3",
    }
    assert "Left out: the folder holds no group 'reram/monte_carlo'." in page.text


def test_a_part_without_a_section_has_its_figures_and_histograms(tmp_path, monkeypatch):
    monkeypatch.setattr("bitline.cli.report.source.part_names", lambda: ["new_part"])
    values = np.random.default_rng(3).normal(2e-9, 1e-10, 30)
    records = {"nominal": np.array([2e-9]), "monte_carlo": values}
    units = {"delay": "s", "swept": "s"}
    groups = [
        Group(f"new_part/{stage}", Samples(len(of), {"delay": of, "swept": of[:, None]}), units, Conditions().attrs())
        for stage, of in records.items()
    ]
    write_hdf5(tmp_path / "new_part.h5", groups, {})
    known = {"delay": 2e-9, "delay_mean": values.mean(), "delay_sigma": values.std(ddof=1), "gain": 3.0}
    known |= {"swept": 2e-9, "swept_sigma": 1e-10}
    figures = {name: {"value": value, "unit": "1" if name == "gain" else "s"} for name, value in known.items()}
    (tmp_path / "new_part.json").write_text(json.dumps(figures))
    page = read(tmp_path)
    assert page.trace("New part: delay", "samples")["y"].sum() == 30
    assert "gain 3 simulated (ngspice)" in page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert page.charts.keys() == {"New part: delay", "New part: delay, beside"}
    assert "Waveform" not in page.text


def test_parts_of_unlike_conditions_share_what_they_share(folder):
    write_characterised(folder, characterise(Work("eight_t", Conditions(vdd=1.6), 0)))
    page = read(folder)
    text = page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "SRAM stability, 8T cell sky130, tt, 27 °C · seed 1" in text
    assert "eight_t: vdd 1.6" in text
    assert {"N-curve", "Butterfly in a read"} <= page.charts.keys()


def _truncate(folder):
    whole = (folder / "sram_stability.h5").read_bytes()
    (folder / "sram_stability.h5").write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("spoil", "error", "said"),
    [
        (_truncate, StoreError, "sram_stability.h5 cannot be opened, it is truncated"),
        (lambda folder: (folder / "sram_stability.h5").unlink(), ConfigError, "no finished run .* and no character"),
        (lambda folder: (folder / "sram_stability.json").unlink(), ConfigError, "sram_stability.json: No such file"),
        (lambda folder: (folder / "sram_stability.json").write_text("{"), ConfigError, "sram_stability.json is dam"),
        (lambda folder: (folder / "sram_stability.json").write_text("[1]"), ConfigError, "sram_stability.json is dam"),
        (shutil.rmtree, ConfigError, "no such folder"),
    ],
)
def test_a_spoiled_folder_is_one_error_and_leaves_no_page(folder, spoil, error, said):
    spoil(folder)
    with pytest.raises(error, match=said):
        write_report(folder)
    assert not list(folder.glob("*report.html*"))
