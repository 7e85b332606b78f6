"""How sweeps are drawn: axes, curves that coincide, the front's numbers, units and labels."""

import re

import numpy as np
import pytest

from bitline.cli.ablation_picture import ALONE, WHOLE
from bitline.cli.ablation_picture import draw as draw_ablation
from bitline.cli.best import BEST, LEVEL, WORSE
from bitline.cli.front_marks import limits, placed, side_by_side
from bitline.cli.pareto import NOT_COMPUTED, OFF, OFF_OPEN, ON, ON_OPEN
from bitline.cli.report.points_page import points_headline, points_sections
from bitline.cli.sweep_axis import axis
from bitline.cli.sweep_lines import LOOKS, bundles, lines, said_of
from bitline.cli.sweep_picture import accuracy_limits, draw
from bitline.cli.tables import points, settings, short_keys, sweep_rows

FIGURES = {"energy_per_image": "J", "latency_per_image": "s"}


def swept(over, accuracy, energy, latency, *, half=0.02):
    """The summary of a sweep over a grid, row by row; energy and latency are functions of the settings."""
    keys, places = list(over), np.array(np.meshgrid(*over.values(), indexing="ij")).reshape(len(over), -1).T
    found = []
    for at, share in zip(places, accuracy, strict=True):
        setting = dict(zip(keys, map(float, at), strict=True))
        named = {"accuracy": share, "accuracy_low": share - half, "accuracy_high": share + half}
        figures = {name: {"value": value, "unit": "1", "kind": "k"} for name, value in named.items()}
        figures["accuracy_half_width_chips"] = {"value": half / 2, "unit": "1", "kind": "k"}
        for (name, unit), of in zip(FIGURES.items(), (energy, latency), strict=True):
            figures[name] = {"value": of(*at), "unit": unit, "kind": "estimated"}
        stands = {"change": None, "behind": None, "against_best": LEVEL, "front": OFF_OPEN}
        found.append({"at": setting, "figures": figures, **stands})
    found[int(np.argmax(accuracy))]["against_best"] = BEST
    return {
        "kind": "sweep",
        "study": "s",
        "seed": 1,
        "hash": "0" * 64,
        "over": over,
        "best": {"point": int(np.argmax(accuracy)), "frugal": 0},
        "points": found,
    }


@pytest.fixture
def grid():
    """Two knobs: energy depends on the first, latency hardly on the second."""
    over = {"array.adc_bits": [4, 5, 6], "array.r_wire": [1.0, 5.0]}
    made = swept(
        over,
        [0.9, 0.91, 0.92, 0.93, 0.94, 0.935],
        lambda bits, _: bits * 1e-9,
        lambda bits, wire: bits * 1e-6 * (1 + 1e-3 * wire),
    )
    for point, front in zip(made["points"], (ON, OFF, ON_OPEN, OFF_OPEN, ON, OFF_OPEN), strict=True):
        point["front"] = front
    made["points"][1]["against_best"] = WORSE
    return made


def test_an_axis_has_ticks_at_its_values_alone():
    along = axis("array.adc_bits", [4, 6, 8])
    assert along.labels == ("4", "6", "8")
    assert along.at.tolist() == [4, 6, 8]
    assert (along.logarithmic, along.even, along.title) == (False, False, "array.adc_bits")
    assert axis("array.r_wire", list(map(float, range(40)))).labels == ()


def test_an_axis_takes_the_scale_that_leaves_room():
    assert axis("k", [1.0, 10.0, 100.0, 1000.0]).logarithmic
    assert not axis("k", [0.0, 0.02, 0.05, 0.1, 0.2]).even
    even = axis("k", [20.0, 0.0, 1.0, 0.5])  # 0 has no logarithm
    assert even.at.tolist() == [3, 0, 2, 1]
    assert even.title == "k (not to scale)"
    named = axis("k", ["sar", "flash"])
    assert (named.labels, named.joined, named.even) == (("sar", "flash"), False, False)


@pytest.mark.parametrize("values", [[4, 5, 6], [1.0, 10.0, 100.0], [0.0, 1.0, 2.0, 5.0, 10.0, 50.0], ["a", "b"]])
@pytest.mark.parametrize("count", [1, 2, 6])
def test_curves_stand_side_by_side_and_nearer_to_their_own_value(values, count):
    along = axis("k", values)
    shifted = np.stack([along.shifted(along.at, number, count) for number in range(count)])
    at = along.at
    if along.logarithmic:
        shifted, at = np.log10(shifted), np.log10(at)
    np.testing.assert_allclose(shifted.mean(axis=0), at, atol=1e-12)
    reach = np.abs(shifted - at).max()
    assert reach < 0.3 * np.diff(np.sort(at)).min()
    assert (reach > 0) == (count > 1)


def test_curves_that_coincide_are_one_and_said_to_be(grid):
    _, over_bits = lines(grid, "array.adc_bits")
    assert [line.name for line in over_bits] == ["r_wire = 1", "r_wire = 5"]
    energy = bundles(over_bits, "energy_per_image")
    assert [bundle.name for bundle in energy] == ["r_wire = 1, 5"]
    assert said_of(energy, "r_wire") == "the same at every r_wire"
    latency = bundles(over_bits, "latency_per_image")
    assert said_of(latency, "r_wire") == "within 1 % at every r_wire"
    np.testing.assert_allclose(latency[0].values, np.array([4, 5, 6]) * 1.003e-6)
    assert len(bundles(over_bits, "accuracy")) == 2
    _, over_wire = lines(grid, "array.r_wire")
    apart = bundles(over_wire, "energy_per_image")
    assert [bundle.name for bundle in apart] == ["adc_bits = 4", "adc_bits = 5", "adc_bits = 6"]
    assert said_of(apart, "adc_bits") == ""


def test_some_curves_that_coincide_share_a_name():
    made = swept({"a.x": [1, 2], "a.y": [1, 2, 3]}, [0.9] * 6, lambda _, y: 1e-9 * max(y, 2), lambda x, _: x)
    found = bundles(lines(made, "a.x")[1], "energy_per_image")
    assert [bundle.name for bundle in found] == ["y = 1, 2", "y = 3"]
    assert said_of(found, "y") == "what is the same is drawn as one"


def test_a_curve_knows_which_of_its_points_are_surely_worse(grid):
    worse = {line.name: line.worse.tolist() for line in lines(grid, "array.adc_bits")[1]}
    assert worse == {"r_wire = 1": [False, False, False], "r_wire = 5": [True, False, False]}


def test_curves_are_told_apart_without_colours():
    assert len({look.marker for look in LOOKS}) == len({look.symbol for look in LOOKS}) == len(LOOKS)


def test_points_of_one_cost_stand_side_by_side():
    costs = np.array([1.0, 3.0, 1.0, 1.0001, 2.0])
    found = side_by_side(costs, 2.0)
    assert found[[1, 4]].tolist() == [3.0, 2.0]
    near = found[[0, 2, 3]]
    assert np.diff(near).min() > 0.05
    assert near.mean() == pytest.approx(costs[[0, 2, 3]].mean())
    assert side_by_side(np.array([2.0]), 1.0).tolist() == [2.0]
    crowd = side_by_side(np.repeat([1.0, 1.1, 2.0], 8), 1.0)
    assert np.all(np.diff(crowd) > 0)  # a crowd stays on its own side of its neighbours


def test_the_front_numbers_points_as_the_table_does(grid):
    found = placed(grid, "energy_per_image")
    assert {each.mark.said: each.numbers for each in found} == {
        "on the front": (1, 5),
        "on the front, open": (3,),
        "off the front, open": (4, 6),
        "off the front": (2,),
    }
    assert [each.numbered for each in found] == [True, True, True, False]
    rows = sweep_rows(grid)
    assert [row[0] for row in rows] == ["no.", "1", "2", "3", "4", "5", "6"]
    assert rows[3][1:3] == ["5", "1"]
    low, high = limits(found)
    assert low < 4e-9
    assert high > 6e-9


def test_what_is_open_off_a_crowded_front_has_no_number():
    many = swept({"a.x": list(range(20))}, [0.9] * 20, lambda x: 1e-9 + x * 1e-10, lambda _: 1e-6)
    many["points"][3]["front"] = ON
    assert [(each.numbers[0], each.numbered) for each in placed(many, "energy_per_image")] == [(4, True), (1, False)]


def test_an_axis_of_equal_costs_is_not_stretched_to_their_noise():
    flat = swept({"a.x": [1, 2, 3]}, [0.9, 0.91, 0.92], lambda x: 1e-9 * (1 + 1e-6 * x), lambda _: 1e-6)
    for name, cost in (("energy_per_image", 1e-9), ("latency_per_image", 1e-6)):
        low, high = limits(placed(flat, name))
        assert high - low > 0.1 * cost


def test_the_axis_of_accuracy_leaves_points_apart_however_wide_their_intervals():
    over = {"a.x": [1, 2]}
    low, high = accuracy_limits(swept(over, [0.90, 0.92], lambda x: x, lambda x: x, half=0.08))
    assert low < 90
    assert high > 92
    assert high - low < 16
    low, high = accuracy_limits(swept(over, [0.90, 0.92], lambda x: x, lambda x: x, half=0.01))
    assert low < 89  # the intervals whole
    assert high > 93


def test_keys_are_short_where_that_leaves_them_apart():
    assert short_keys(["array.adc_bits", "array.adc.kind", "seed"]) == {
        "array.adc_bits": "adc_bits",
        "array.adc.kind": "adc.kind",
        "seed": "seed",
    }
    assert short_keys(["array.adc_bits", "sram_cim.adc_bits"])["array.adc_bits"] == "array.adc_bits"


def test_a_minus_is_no_hyphen(grid):
    assert points({"value": -0.01, "low": -0.02, "high": 0.03}) == "-1.00 [-2.00, +3.00]".replace("-", "\N{MINUS SIGN}")
    assert settings(grid, grid["points"][1]) == "adc_bits = 4, r_wire = 5"


@pytest.fixture
def figure(monkeypatch, tmp_path):
    """The figure that a sweep is drawn in."""
    from matplotlib.figure import Figure

    kept = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *_args, **_more: kept.append(self))

    def make(document):
        draw(tmp_path / "sweep.png", document)
        return kept[-1]

    return make


def test_the_picture_names_quantities_and_has_engineering_units(grid, figure):
    made = figure(grid)
    axes = [panel for row in made.subfigs for panel in row.axes]
    assert [panel.get_title(loc="left") for panel in axes[:3]] == ["accuracy", "energy an image", "latency an image"]
    assert [panel.get_ylabel() for panel in axes[:3]] == ["%", "nJ", "µs"]
    assert [text.get_text() for text in axes[1].texts] == ["estimated\nthe same at every r_wire"]
    assert [text.get_text() for text in axes[0].get_xticklabels()] == ["4", "5", "6"]
    np.testing.assert_allclose(axes[1].lines[0].get_ydata(), [4, 5, 6])
    assert axes[-3].get_xlabel() == "energy an image (nJ)"
    assert {text.get_text() for text in axes[-3].texts} >= {"1", "3", "4", "5", "6"}
    (key,) = [text.get_text() for text in axes[-1].texts]
    assert "  3  adc_bits = 5, r_wire = 1: 92.00 %, 5" in key
    assert "no difference" not in made.get_suptitle()  # one is surely worse


def test_one_chip_has_no_bar_by_chips_and_a_limit_that_is_the_mean_no_length(grid, figure):
    for point in grid["points"]:
        point["figures"]["accuracy_half_width_chips"]["value"] = None
        point["figures"]["accuracy_high"]["value"] = point["figures"]["accuracy"]["value"] - 1e-17
    (_, line) = lines(grid, "array.adc_bits")[1]
    assert np.isnan(line.reach(images=False)).all()
    assert (line.reach(images=True)[1] == 0).all()
    assert figure(grid).get_suptitle().startswith("s: accuracy 94.00 %")


def test_points_without_figures_leave_a_picture_and_a_page(grid, tmp_path):
    for point in grid["points"]:
        for name in FIGURES:
            del point["figures"][name]
    lost = grid["points"][0]
    lost.update(figures={}, failure="it is not there", front=NOT_COMPUTED, against_best=NOT_COMPUTED)
    grid["best"]["frugal"] = None
    draw(tmp_path / "sweep.png", grid)
    assert (tmp_path / "sweep.png").read_bytes()[:4] == b"\x89PNG"
    page = "".join("".join(pieces) for pieces in points_sections(grid).values())
    assert "not computed: it is not there" in page
    assert "no energy is known" in points_headline(grid)


@pytest.fixture
def ablation():
    """The summary of an ablation with one cost that is sure and one that is not."""

    def interval(value, half):
        return {"value": value, "low": value - half, "high": value + half}

    figures = {
        **{f"accuracy{end}": {"value": 0.9, "unit": "1"} for end in ("", "_low", "_high")},
        "energy_per_image": {"value": 6.49e-9, "unit": "J"},
        "chips": {"value": 3.0, "unit": "1"},
    }
    return {
        "kind": "ablation",
        "study": "s",
        "seed": 1,
        "hash": "0" * 64,
        "nonidealities": {"wires": "none", "noise": "none"},
        "costs": [
            {"name": "wires", "alone": interval(0.05, 0.02), "among": interval(0.01, 0.02)},
            {"name": "noise", "alone": interval(-0.01, 0.02), "among": None},
        ],
        "together": interval(0.03, 0.04),
        "sum_alone": interval(0.04, 0.03),
        "interaction": interval(-0.01, 0.03),
        "beside": {"quantisation": interval(0.0, 0.01), "remaining": None},
        "configurations": [{"name": "all on", "on": ["wires"], "figures": figures}],
    }


def test_bars_of_an_ablation_are_filled_where_the_cost_is_sure(ablation, monkeypatch, tmp_path):
    from matplotlib.axes import Axes

    faces = []
    barh = Axes.barh
    monkeypatch.setattr(Axes, "barh", lambda *of, **more: faces.append(more["color"]) or barh(*of, **more))
    draw_ablation(tmp_path / "ablation.png", ablation)
    assert faces == [ALONE, "white", "white", "white", "white", WHOLE, "white"]


def test_an_ablations_page_has_engineering_units_and_minus_signs(ablation):
    page = "".join("".join(pieces) for pieces in points_sections(ablation).values())
    table = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert "6.49\N{NO-BREAK SPACE}nJ" in table
    assert "e-09" not in table
    assert "\N{MINUS SIGN}1.00 [\N{MINUS SIGN}3.00, +1.00]" in table
    assert "not surely other than 0" in points_headline(ablation)
    ablation["together"]["low"] = 0.01
    assert "not surely other than 0" not in points_headline(ablation)
