"""Sections of the report about ReRAM parts draw what the records hold."""

import numpy as np
import pytest
from test_report import Page

from bitline.cli.artefacts import write_characterised
from bitline.cli.characterise import Work, characterise
from bitline.cli.report import write_report
from bitline.core.samples import read_group
from spice.characterise import Conditions

PARTS = {
    "reram_programming": (
        6,
        {},
        {"Convergence of program-and-verify", "Pulses", "Pulses by level", "Level distributions"},
    ),
    "reram_stress": (0, {}, {"Read disturb", "Disturb and temperature", "Overshoot of SET", "Overshoot and wire"}),
    "reram_forming": (4, {}, {"Forming ramp", "Runaway", "Forming voltage", "Voltages on the select transistor"}),
    "reram_noise": (4, {}, {"Telegraph noise", "Spectrum", "Noise of a read"}),
    "reram_variability": (2, {"target": 10e-6, "repeats": 2.0}, {"Cells and cycles", "What the variance is made of"}),
    "reram_reliability": (8, {}, {"Retention", "Level distributions", "Window against cycles"}),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    found = {}
    for name, (samples, settings, _) in PARTS.items():
        folder = tmp_path_factory.mktemp(name)
        write_characterised(folder, characterise(Work(name, Conditions(), samples, settings)))
        found[name] = folder, Page(write_report(folder).read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", PARTS)
def test_every_part_has_its_pictures(pages, name):
    _, page = pages[name]
    assert PARTS[name][2] <= page.charts.keys()
    assert "Left out" not in page.text
    assert page.loads == []


def test_curves_are_those_of_the_record(pages):
    folder, page = pages["reram_forming"]
    record = read_group(folder / "reram_forming.h5", "reram_forming/nominal").samples
    drawn = page.trace("Runaway", "current")
    np.testing.assert_allclose(drawn["y"].max(), 1e3 * record["peak_current"][0], rtol=1e-3)  # mA
    folder, page = pages["reram_programming"]
    record = read_group(folder / "reram_programming.h5", "reram_programming/nominal").samples
    drawn = page.trace("Convergence of program-and-verify", "verify read")
    np.testing.assert_allclose(drawn["y"], 1e6 * record["verify_g"][0], rtol=1e-6)


def test_shares_of_the_variance_make_a_whole(pages):
    _, page = pages["reram_variability"]
    bars = page.charts["What the variance is made of"]["data"]
    total = sum(page.trace("What the variance is made of", bar["name"])["x"] for bar in bars)
    np.testing.assert_allclose(total, 1.0, rtol=1e-5)
