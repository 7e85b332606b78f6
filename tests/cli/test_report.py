import base64
import json
import shutil
import sys
from html.parser import HTMLParser

import h5py
import numpy as np
import pytest
from made_run import COUNTS, make_run

from bitline.cli.main import main
from bitline.cli.report import write_report
from bitline.cli.report.butterfly import squares
from bitline.cli.report.section import sections
from bitline.core.errors import ConfigError, StoreError
from bitline.core.samples import read_group

LOADS = {"src", "href", "srcset", "data", "action", "poster"}  # attributes that make a browser fetch something


class Page(HTMLParser):
    """What tests ask of a page: its charts by title, the second of a card as "TITLE, beside", text, what it loads."""

    def __init__(self, html):
        super().__init__()
        self.charts, self.text, self.loads, self.scripts, self.badges = {}, [], [], 0, []
        self.anchors, self.links = [], []
        self._title, self._in, self._json, self._badge = "", "", False, False
        self.feed(html)
        self.text = " ".join(" ".join(self.text).split())

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.loads += [value for name, value in attrs if name in LOADS and not value.startswith("#")]
        self.anchors += [found["id"]] if "id" in found else []
        self.links += [value[1:] for name, value in attrs if name == "href" and value.startswith("#")]
        self.scripts += tag == "script" and "type" not in found
        self._in, self._json = tag, tag == "script" and found.get("type") == "application/json"
        self._badge = "kind" in found.get("class", "").split()

    def handle_endtag(self, tag):
        self._in, self._badge = "", False

    def handle_data(self, data):
        if self._json and self._in == "script":
            title = self._title if self._title not in self.charts else f"{self._title}, beside"
            self.charts[title] = json.loads(data)
        elif self._in not in ("script", "style"):
            self.text.append(data)
            if self._in == "h3":
                self._title = data
            if self._badge:
                self.badges.append(data)

    def trace(self, title, name):
        """The trace whose name begins so, with its arrays decoded."""
        traces = [trace for trace in self.charts[title]["data"] if trace.get("name", "").startswith(name)]
        assert len(traces) == 1, (title, name, [trace.get("name") for trace in self.charts[title]["data"]])
        return {key: decoded(value) for key, value in traces[0].items()}


def decoded(value):
    if isinstance(value, dict) and "bdata" in value:
        flat = np.frombuffer(base64.b64decode(value["bdata"]), np.dtype(value["dtype"]))
        shape = [int(side) for side in str(value.get("shape", "-1")).split(",")]
        return flat.reshape(shape)
    return np.asarray(value) if isinstance(value, list) else value


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def page(made):
    return Page(write_report(made).read_text(encoding="utf-8"))


@pytest.fixture
def run(made, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(made, tmp_path / "run", ignore=shutil.ignore_patterns("report.html"))


def read(folder):
    return Page(write_report(folder).read_text(encoding="utf-8"))


def test_the_page_loads_nothing_and_forbids_it(made, page):
    html = (made / "report.html").read_text(encoding="utf-8")
    assert page.loads == []
    assert page.scripts == 2  # plotly.js once, and the script that draws
    assert html.count("plotly.js v") == 1
    assert "default-src 'none'" in html
    assert "Left out" not in page.text


def test_equal_runs_give_equal_pages(made, run):
    assert write_report(run).read_bytes() == (made / "report.html").read_bytes()


def test_histograms_hold_every_sample_and_mark_the_nominal_value(made, page):
    for title, part, name, factor in (
        ("Read SNM", "sram", "read_snm", 1e3),
        ("Write margin, bit line", "sram", "write_margin_bl", 1e3),
        ("Read current", "sram", "read_current", 1e6),
        ("Input-referred offset", "sense_amp", "offset", 1e3),
    ):
        nominal = read_group(made / "run.h5", f"{part}/nominal").samples[name][0]
        values = read_group(made / "run.h5", f"{part}/monte_carlo").samples[name]
        bars = page.trace(title, "samples")
        assert bars["y"].sum() == len(values) == COUNTS[part]
        mean = np.sum(bars["x"] * bars["y"]) / bars["y"].sum()
        assert mean == pytest.approx(values.mean() * factor, abs=bars["width"])
        assert page.trace(title, "nominal")["x"] == pytest.approx(nominal * factor, rel=1e-6)


def test_qq_plots_stand_beside_the_histograms(made, page):
    for title, part, name in (("Read SNM", "sram", "read_snm"), ("Input-referred offset", "sense_amp", "offset")):
        values = read_group(made / "run.h5", f"{part}/monte_carlo").samples[name]
        shown = page.trace(f"{title}, beside", "QQ")
        np.testing.assert_allclose(shown["x"], 1e3 * np.sort(values), rtol=1e-6)
        assert shown["y"] == pytest.approx(-shown["y"][::-1], abs=1e-6)


def test_a_run_shows_the_waveforms_of_its_parts_and_no_sections_of_others(page):
    (menu,) = page.charts["Waveform viewer"]["layout"]["updatemenus"]
    shown = {button["label"].partition(":")[0] for button in menu["buttons"]}
    assert shown == {"ReRAM", "Sense amp", "SRAM"}
    for other in ("SRAM column", "SRAM macro", "N-curve", "8T cell", "Read errors"):
        assert other not in page.text


def test_the_cloud_holds_both_curves_of_every_sample(made, page):
    drawn = read_group(made / "run.h5", "sram/monte_carlo").samples
    cloud = page.trace("Read butterfly", f"{COUNTS['sram']} mismatch samples")
    assert np.isnan(cloud["x"]).sum() == np.isnan(cloud["y"]).sum() == 2 * COUNTS["sram"]
    points = drawn["vin"].shape[1]
    np.testing.assert_array_equal(cloud["y"][:points], drawn["read_qb"][0])
    np.testing.assert_array_equal(cloud["x"][-points - 1 : -1], drawn["read_q"][-1])


@pytest.mark.parametrize("mode", ["read", "hold"])
def test_the_sides_of_the_squares_are_the_noise_margins(made, mode):
    nominal = read_group(made / "run.h5", "sram/nominal").samples
    vin, q, qb = (nominal[name][0] for name in ("vin", f"{mode}_q", f"{mode}_qb"))
    outlines = squares(vin, q, qb)
    sides = sorted(float(np.ptp(x)) for x, _ in outlines)
    margins = sorted(float(nominal[f"{mode}_snm_q{bit}"][0]) for bit in (0, 1))
    assert sides == pytest.approx(margins, rel=2e-3)
    for x, y in outlines:
        assert np.ptp(x) == pytest.approx(np.ptp(y))
        # Two opposite corners touch a curve each: the right inverter's qb(q) and the left one's q(qb)
        touched = {
            name
            for corner_x, corner_y in zip(x, y, strict=True)
            for name, apart in (
                ("right", corner_y - np.interp(corner_x, vin, qb)),
                ("left", corner_x - np.interp(corner_y, vin, q)),
            )
            if abs(apart) < 5e-3
        }
        assert touched == {"left", "right"}


def test_a_cell_that_lost_a_state_has_one_square():
    vin = np.linspace(0.0, 1.0, 101)
    inverter = 1 / (1 + np.exp(40 * (vin - 0.5)))
    assert len(squares(vin, inverter, inverter)) == 2
    assert len(squares(vin, 0.3 * inverter, inverter)) == 1


def test_the_hysteresis_has_a_loop_for_each_device(made, page):
    for name, group in (("stanford_pku", "reram/nominal"), ("vteam", "reram_vteam/nominal")):
        loop = read_group(made / "run.h5", group).samples
        linear, logarithmic = (page.trace(title, name) for title in ("Hysteresis", "Hysteresis, logarithmic"))
        np.testing.assert_allclose(linear["y"], loop["loop_i"][0] * 1e6, rtol=1e-5, atol=1e-6)
        positive = ~np.isnan(logarithmic["y"])
        np.testing.assert_allclose(logarithmic["y"][positive], np.abs(loop["loop_i"][0])[positive], rtol=1e-5)
        assert (logarithmic["y"][positive] > 0).all()


def test_every_programmed_cell_is_drawn(page):
    assert len(page.trace("Programmed levels", f"{COUNTS['reram']} cells")["x"]) == COUNTS["reram"]


def test_accuracy_confidence_and_confusion_are_those_of_the_samples(made, page):
    chips = read_group(made / "run.h5", "network/accuracy").samples
    labels = read_group(made / "run.h5", "network/reference").samples["labels"]
    np.testing.assert_allclose(page.trace("Accuracy by chip", "chip")["y"], 100 * chips["accuracy"], rtol=1e-6)
    assert f"{100 * chips['accuracy'].mean():.2f} % accuracy on the simulated hardware" in page.text
    assert "95 % confidence" in page.text
    (heat,) = page.charts["Confusion matrix"]["data"]
    share, taken = decoded(heat["z"]).astype(float), chips["logits"].argmax(axis=-1)
    assert share[3, 7] == pytest.approx(100 * np.mean(taken[:, labels == 3] == 7))
    assert np.isnan(np.diag(share)).all()
    recall = {note["x"]: note["text"] for note in page.charts["Confusion matrix"]["layout"]["annotations"]}
    assert recall["digit 4"] == f"{100 * np.mean(taken[:, labels == 4] == 4):.1f}"


def test_costs_are_shown_by_component_with_their_kinds(page):
    for kind, components in (("modelled", ["array"]), ("input from a publication", ["ADC"])):
        assert page.trace("Energy", kind)["y"].tolist() == components
    assert "input from a publication: a converter, 32 nm" in page.badges
    assert "estimated from a published figure: a driver, 32 nm, scaled" in page.badges


def test_the_ir_drop_is_that_of_the_tile_whose_wires_take_most(made, page):
    products = read_group(made / "run.h5", "trust/linear").samples
    worst = int(np.argmax(products["drop"].max(axis=(1, 2))))
    assert worst > 0
    (heat,) = page.charts["IR drop of a tile"]["data"]
    shown = decoded(heat["z"])
    factor = shown.max() / products["drop"][worst].max()
    np.testing.assert_allclose(shown, products["drop"][worst] * factor, rtol=1e-5)


def test_the_ladder_tells_what_holds_and_what_does_not(run, page):
    assert page.text.count("within 1.0 \N{MULTIPLICATION SIGN}") == 1
    summary = json.loads((run / "summary.json").read_text())
    rung = next(rung for rung in summary["ladder"] if rung["limit"] == 1e-9)
    rung["maximum"] = 2 * rung["limit"]
    (run / "summary.json").write_text(json.dumps(summary))
    spoiled = read(run).text
    assert "beyond" in spoiled
    assert "single transistors on flat cards the library 12 0.001 % 0.006 % within 0.02 %" in spoiled
    assert "within 1.0" not in spoiled


def test_a_run_that_was_not_verified_says_so(run):
    (run / "verification.json").unlink()
    assert "Left out: the whole ladder has not been climbed yet" in read(run).text


def test_models_show_their_range_and_residual(made, page):
    for name, model in json.loads((made / "model.json").read_text())["models"].items():
        assert name in page.text
        if model["residual"]["samples"]:
            assert f"{model['residual']['samples']} samples" in page.text
    assert "overdrive: 10 mV to 200 mV" in page.text


def test_provenance_names_simulator_netlists_and_study(made, page):
    attrs = read_group(made / "run.h5", "sram/nominal").attrs
    for said in (*json.loads(attrs["netlists"]).values(), "0123456789abcdef" * 4, f"ngspice {attrs['ngspice']}"):
        assert said in page.text
    assert 'data = "digits"' in page.text


def test_groups_that_a_run_lacks_are_left_out_with_a_line_each(run):
    with h5py.File(run / "run.h5", "a") as file:
        for name in ("trust", "sense_amp", "network/reference", "sram/monte_carlo"):
            del file[name]
    page = read(run)
    for name in ("trust/linear", "trust/cells", "sense_amp/nominal", "network/reference", "sram/monte_carlo"):
        assert page.text.count(f"Left out: run.h5 holds no group '{name}'.") == 1
    assert "Confusion matrix" not in page.charts
    assert "Read SNM" not in page.charts
    assert {"Read butterfly", "Accuracy by chip", "Hysteresis", "Energy"} <= page.charts.keys()
    assert "No mismatch samples were drawn." in page.text


def test_a_stage_whose_samples_all_failed_says_why(run):
    with h5py.File(run / "run.h5", "a") as file:
        reasons = file["sram/monte_carlo/failures"]
        reasons[:] = ["ConvergenceError: no operating point"] * len(reasons)
    text = read(run).text
    assert f"all {COUNTS['sram']} samples of 'sram/monte_carlo' failed: ConvergenceError: no operating point." in text


def test_failed_samples_are_counted_beside_the_histogram(run):
    with h5py.File(run / "run.h5", "a") as file:
        file["sram/monte_carlo/failures"][3] = "ConvergenceError"
    page = read(run)
    assert page.trace("Read SNM", "samples")["y"].sum() == COUNTS["sram"] - 1
    assert f"1 of {COUNTS['sram']} failed and are not drawn" in page.text


def test_text_of_a_run_cannot_become_markup(run):
    hostile = "</script><script src=x></script><b>"
    with h5py.File(run / "run.h5", "a") as file:
        names = [f"{hostile}{index}" for index in range(10)]
        file["network/reference"].attrs["class_names"] = json.dumps(names)
    (run / "config.toml").write_text(f'name = "{hostile}"\n')
    page = read(run)
    assert page.loads == []
    assert page.scripts == 2
    assert page.charts["Confusion matrix"]["data"][0]["x"] == names
    assert hostile in page.text


def test_sections_are_found_by_file_and_ordered():
    found = sections()
    assert [section.order for section in found] == sorted({section.order for section in found})
    assert {"SRAM cell", "ReRAM cell", "Network", "Trust", "Provenance"} <= {section.title for section in found}


def test_what_was_asked_first_comes_first_then_what_it_stands_on(page):
    parts = ["reram-cell", "sense-amplifier", "sram-cell"]
    order = ["trust", "network", "energy--latency-and-area", "arrays", *parts, "models", "fits", "waveforms"]
    assert [anchor for anchor in page.anchors if anchor in order] == order
    head = page.text.partition("Trust")[0]
    assert "latency an image" in head
    assert "area a chip" in head
    assert "1 of 1 limits of the ladder of trust hold" in head  # of the verification


def test_every_link_leads_somewhere(page):
    assert set(page.links) <= set(page.anchors)
    assert page.links.count("network") == 2  # in the chain and in the list of sections
    assert page.links.count("trust") == 2


def test_a_rung_that_does_not_hold_is_told_first(run):
    (run / "verification.json").unlink()
    summary = json.loads((run / "summary.json").read_text())
    limited = [rung for rung in summary["ladder"] if rung["limit"] is not None and rung["maximum"] is not None]
    limited[0]["maximum"] = 2 * limited[0]["limit"]
    limited[1]["failed"] = 1
    (run / "summary.json").write_text(json.dumps(summary))
    held = len(limited) - 3  # one that is drawn beyond its limit is in it already
    assert f"{held} of {len(limited)} limits of the ladder of trust hold" in read(run).text


def test_what_was_not_characterised_has_no_section(run):
    with h5py.File(run / "run.h5", "a") as file:
        del file["sram"], file["reram"], file["reram_vteam"]
    summary = json.loads((run / "summary.json").read_text())
    del summary["figures"]["sram"], summary["figures"]["reram"]
    (run / "summary.json").write_text(json.dumps(summary))
    page = read(run)
    assert not {"sram-cell", "reram-cell"} & {*page.anchors, *page.links}
    assert {"sense-amplifier", "network"} <= set(page.anchors)


def test_what_was_reused_is_told(run):
    summary = json.loads((run / "summary.json").read_text())
    summary["reused"] = {"sense_amp": "an earlier study (0123), 2026-01-01"}
    (run / "summary.json").write_text(json.dumps(summary))
    assert "an earlier study (0123), 2026-01-01" in read(run).text.partition("Provenance")[2]
    del summary["reused"]  # as runs had it before stages were reused
    (run / "summary.json").write_text(json.dumps(summary))
    assert "Reused" not in read(run).text


def _truncate(run):
    whole = (run / "run.h5").read_bytes()
    (run / "run.h5").write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("spoil", "error", "said"),
    [
        (_truncate, StoreError, "run.h5 cannot be opened, it is truncated"),
        (lambda run: (run / "run.h5").unlink(), StoreError, "run.h5: no such file"),
        (lambda run: (run / "summary.json").unlink(), ConfigError, "holds no finished run"),
        (lambda run: (run / "summary.json").write_text("{}"), ConfigError, "summary.json is damaged"),
        (lambda run: (run / "model.json").unlink(), ConfigError, "model.json: No such file"),
        (lambda run: (run / "verification.json").write_text("[]"), ConfigError, "verification.json is damaged"),
        (lambda run: (run / "config.toml").unlink(), ConfigError, "config.toml: No such file"),
        (shutil.rmtree, ConfigError, "no such folder"),
    ],
)
def test_a_spoiled_run_is_one_error_and_leaves_no_page(run, spoil, error, said):
    spoil(run)
    with pytest.raises(error, match=said):
        write_report(run)
    assert not list(run.glob("*report.html*"))


def test_a_page_that_cannot_be_written_is_one_error(run, tmp_path):
    with pytest.raises(ConfigError, match="cannot be written"):
        write_report(run, tmp_path / "nowhere" / "report.html")


def test_the_command_writes_the_page_or_prints_one_line(run, tmp_path, monkeypatch, capsys):
    out = tmp_path / "page.html"
    monkeypatch.setattr(sys, "argv", ["bitline", "report", str(run), "--out", str(out)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert out.is_file()
    _truncate(run)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: ")
    assert "truncated" in line


def test_a_rung_with_failed_cases_does_not_hold(run):
    summary = json.loads((run / "summary.json").read_text())
    rung = next(rung for rung in summary["ladder"] if rung["limit"] == 1e-9)
    rung["failed"] = 2
    (run / "summary.json").write_text(json.dumps(summary))
    assert "2 failed" in read(run).text
    assert "failed cases" in read(run).text
