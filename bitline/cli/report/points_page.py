"""The page of a sweep or an ablation: its headline, its pictures and its tables, from its summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from bitline.cli.pareto import NOT_COMPUTED, OFF, OFF_OPEN, ON, ON_OPEN
from bitline.cli.report.chart import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, chart, line, plot, scale, titled
from bitline.cli.report.markup import card, sentence, table, text
from bitline.cli.report.section import Section
from bitline.cli.run_folder import SHORT
from bitline.cli.sweep_axis import Axis, Line, lines
from bitline.cli.tables import Rows, cost_lines, cost_rows, points, shown, sweep_rows
from bitline.core.figures import MEASURED

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, INK, GREY)
_COSTS = (("energy_per_image", "energy of an image"), ("latency_per_image", "latency of an image"))
_MARKS = {ON: "circle", ON_OPEN: "circle-open", OFF_OPEN: "x-thin-open", OFF: "x-thin-open"}
_PAIRED = "All points infer the same images on the same chips, so that differences are paired."
_ONES = (
    "No point is at once as accurate, as frugal and as fast as one on the front, and better in one of these. Open: the "
    "accuracies that decide it are not apart beyond their paired 95 % interval. Costs are taken as they are."
)


def points_headline(document: Mapping[str, Any]) -> str:
    """Study and what was done to it, as HTML."""
    swept = ", ".join(document["over"]) if document["kind"] == "sweep" else "what each non-ideality costs"
    under = f"{document['kind']}: {swept} · seed {document['seed']} · {document['hash'][:SHORT]}"
    return f"<h1>{text(document['study'])}</h1><p class='under'>{text(under)}</p>{_big(document)}"


def _big(document: Mapping[str, Any]) -> str:
    """The most accurate point, or what all non-idealities cost together."""
    if document["kind"] == "sweep":
        known = [point for point in document["points"] if point["front"] != NOT_COMPUTED]
        best = max(known, key=lambda point: float(point["figures"]["accuracy"]["value"]))
        value = f"{100 * best['figures']['accuracy']['value']:.2f} %"
        beside = "most accurate, at " + ", ".join(f"{key} = {shown(each)}" for key, each in best["at"].items())
    else:
        value = points(document["together"]).partition(" ")[0] + " points"
        beside = f"cost of all together; interaction {points(document['interaction'])}"
    return (
        f'<div class="headline"><span class="big">{text(value)}</span><span class="beside">{text(beside)}</span></div>'
    )


def points_sections(document: Mapping[str, Any]) -> dict[Section, list[str]]:
    """Sections of the page with their pieces of HTML."""
    if document["kind"] == "ablation":
        said = " ".join(sentence(each) + "." for each in cost_lines(document))
        return {
            Section(10, "Costs", ()): [_bars(document), card("Costs", _table(cost_rows(document)), said, width="wide")],
            Section(20, "Configurations", ()): [_configurations(document)],
        }
    found = {Section(10 + number, key, ()): _against(document, key) for number, key in enumerate(document["over"])}
    found[Section(50, "Front", ())] = [_front(document, name, title) for name, title in _COSTS]
    found[Section(60, "Points", ())] = [card("Points", _table(sweep_rows(document)), _PAIRED, width="wide")]
    return found


def _table(rows: Rows) -> str:
    return table(rows[0], [[text(cell) for cell in row] for row in rows[1:]], range(1, len(rows[0]) - 1))


def _against(document: Mapping[str, Any], key: str) -> list[str]:
    along, found = lines(document, key)
    accuracy = _axes(along, "accuracy (%)")
    for number, each in enumerate(found):
        _band(accuracy, each, _COLOURS[number % len(_COLOURS)], shows_name=len(found) > 1)
    caption = f"Bands are 95 %: dark by chips, light by chips and images. {_PAIRED}"
    pieces = [card(f"Accuracy against {key}", plot(accuracy, caption, 380), caption, [MEASURED], "wide")]
    for name, title in _COSTS:
        values = np.concatenate([each.values(name) for each in found])
        unit, kind = _unit(document, name)
        factor, shown_unit = scale(values, unit)
        figure = _axes(along, titled(title, shown_unit))
        for number, each in enumerate(found):
            colour = _COLOURS[number % len(_COLOURS)]
            more = {"mode": "lines+markers", "showlegend": len(found) > 1}
            figure.add_trace(line(each.at, each.values(name) * factor, each.name or title, colour, **more))
        figure.update_yaxes(rangemode="tozero")
        pieces.append(card(f"{sentence(title)} against {key}", plot(figure, title, 380), "", [kind], "half"))
    return pieces


def _axes(along: Axis, y: str) -> go.Figure:
    figure = chart(along.key, y)
    if along.logarithmic:
        figure.update_xaxes(type="log")
    if along.labels:
        figure.update_xaxes(tickmode="array", tickvals=along.at.tolist(), ticktext=list(along.labels))
    return figure


def _band(figure: go.Figure, each: Line, colour: str, *, shows_name: bool) -> None:
    for images, strength in ((True, 0.12), (False, 0.3)):
        low, high = each.band(images=images)
        outline = 100 * np.concatenate([low, high[::-1]])
        along = np.concatenate([each.at, each.at[::-1]])
        fill = {"fill": "toself", "fillcolor": _pale(colour, strength), "hoverinfo": "skip", "showlegend": False}
        figure.add_trace(line(along, outline, "", colour, line={"width": 0}, **fill))
    name = each.name or "mean of chips"
    more = {"mode": "lines+markers", "showlegend": shows_name}
    figure.add_trace(line(each.at, 100 * each.values("accuracy"), name, colour, **more))


def _pale(colour: str, strength: float) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{strength})"


def _unit(document: Mapping[str, Any], name: str) -> tuple[str, str]:
    known = [point["figures"][name] for point in document["points"] if name in point["figures"]]
    return (known[0]["unit"], known[0]["kind"]) if known else ("1", MEASURED)


def _front(document: Mapping[str, Any], name: str, title: str) -> str:
    unit, kind = _unit(document, name)
    every = [point for point in document["points"] if name in point["figures"]]
    factor, shown_unit = scale(np.array([point["figures"][name]["value"] for point in every]), unit)
    figure = chart(titled(title, shown_unit), "accuracy (%)")
    for standing, mark in _MARKS.items():
        chosen = [point for point in every if point["front"] == standing]
        if not chosen:
            continue
        value, low, high = (
            100 * np.array([point["figures"][f"accuracy{end}"]["value"] for point in chosen])
            for end in ("", "_low", "_high")
        )
        leads = standing in (ON, ON_OPEN)
        colour = BLUE if leads else (GREY if standing == OFF else ORANGE)
        said = [", ".join(map(shown, point["at"].values())) for point in chosen]
        figure.add_scatter(
            x=[factor * point["figures"][name]["value"] for point in chosen],
            y=value,
            error_y={"array": high - value, "arrayminus": value - low, "width": 2, "thickness": 1},
            mode="markers+text" if leads else "markers",
            marker={"symbol": mark, "size": 10, "color": colour, "line": {"width": 2, "color": colour}},
            text=said,
            hovertext=said,
            textposition="top right",
            textfont={"size": 10},
            name=standing,
        )
    return card(f"Accuracy against {title}", plot(figure, _ONES, 420), _ONES, [MEASURED, kind], "half")


def _bars(document: Mapping[str, Any]) -> str:
    totals = {"all together": "together", "sum of those alone": "sum_alone", "interaction": "interaction"}
    names = [row["name"] for row in document["costs"]]
    figure = chart("cost (points of accuracy)", "", barmode="group", bargap=0.3)
    for title, key, colour in (("alone", "alone", BLUE), ("among the others", "among", ORANGE)):
        _bar(figure, names, [row[key] for row in document["costs"]], title, colour, offsetgroup=key)
    _bar(figure, list(totals), [document[key] for key in totals.values()], "of all", GREY, offsetgroup="alone")
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    figure.add_vline(x=0, line={"color": INK, "width": 1})
    caption = (
        "Alone: accuracy with nothing on minus that with it alone. Among the others: accuracy with all but it minus "
        "that with all. Interaction: together minus the sum of those alone. Whiskers are 95 % over chips and images. "
        f"{_PAIRED}"
    )
    height = 150 + 44 * (len(names) + len(totals))
    return card("What non-idealities cost", plot(figure, caption, height), caption, [MEASURED], "wide")


def _bar(figure: go.Figure, names: list[str], found: list[Any], title: str, colour: str, **more: Any) -> None:
    values = np.array([[each[end] if each else np.nan for end in ("value", "low", "high")] for each in found])
    value, low, high = 100 * values.T
    error = {"array": high - value, "arrayminus": value - low, "thickness": 1, "width": 3, "color": INK}
    figure.add_bar(y=names, x=value, orientation="h", name=title, marker={"color": colour}, error_x=error, **more)


def _configurations(document: Mapping[str, Any]) -> str:
    rows: Rows = [["configuration", "accuracy, %", "95 % interval", "chips", "energy", "on"]]
    for each in document["configurations"]:
        figures = each["figures"]
        if "failure" in each:
            rows.append([each["name"], "", "", "", "", f"not computed: {each['failure']}"])
            continue
        mean, low, high = (f"{100 * figures[f'accuracy{end}']['value']:.2f}" for end in ("", "_low", "_high"))
        energy = figures.get("energy_per_image")
        spent = "" if energy is None else f"{energy['value']:.3g} {energy['unit']}"
        chips = f"{figures['chips']['value']:.0f}"
        rows.append([each["name"], mean, f"{low} to {high}", chips, spent, ", ".join(each["on"]) or "nothing"])
    return card("Configurations", _table(rows), "", width="wide")
