"""The page of a sweep or an ablation: its headline, its pictures and its tables, from its summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from bitline.cli.best import verdict
from bitline.cli.front_marks import Placed, placed
from bitline.cli.front_marks import limits as cost_limits
from bitline.cli.report.chart import BLUE, GREY, INK, ORANGE, chart, line, plot, scale, titled
from bitline.cli.report.markup import card, quantity, sentence, table, text
from bitline.cli.report.section import Section
from bitline.cli.run_folder import SHORT
from bitline.cli.sweep_axis import Axis
from bitline.cli.sweep_lines import Line, bundles, lines, said_of
from bitline.cli.sweep_picture import COSTS, accuracy_limits
from bitline.cli.tables import (
    AGAINST,
    Rows,
    cost,
    cost_lines,
    cost_rows,
    points,
    settings,
    short_keys,
    sure,
    sweep_rows,
)
from bitline.core.figures import MEASURED

_PAIRED = "All points infer the same images on the same chips, so that differences are paired."
_BARS = (
    "Thick bars are 95 % by chips, thin ones by chips and images; they may run past the axis. Filled: not surely worse "
    "than the best point. Hollow: surely worse, by the paired interval."
)
_ONES = (
    "No point is at once as accurate, as frugal and as fast as one on the front, and better in one of these. Open: the "
    "accuracies that decide it are not apart beyond their paired 95 % interval. Costs are taken as they are. Numbers "
    "are those of the table below; points of one cost stand side by side."
)
_STANDS = (
    f"{_PAIRED} The best has the highest accuracy; what is not surely worse is not below it by more than their paired "
    "95 % interval, each pair's own."
)


def points_headline(document: Mapping[str, Any]) -> str:
    """Study and what was done to it, as HTML."""
    swept = ", ".join(document["over"]) if document["kind"] == "sweep" else "what each non-ideality costs"
    under = f"{document['kind']}: {swept} · seed {document['seed']} · {document['hash'][:SHORT]}"
    return f"<h1>{text(document['study'])}</h1><p class='under'>{text(under)}</p>{_big(document)}"


def _big(document: Mapping[str, Any]) -> str:
    """What a sweep says of accuracy, or what all non-idealities cost together."""
    if document["kind"] == "sweep":
        value, beside = verdict(document, quantity)
    else:
        together = document["together"]
        value, _, interval = points(together).partition(" ")
        value, known = f"{value} points", "" if sure(together) else ", not surely other than 0"
        beside = f"cost of all together {interval}{known}; interaction {points(document['interaction'])}"
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
    found[Section(50, "Front", ())] = [_front(document, name, title) for name, title in COSTS]
    found[Section(60, "Points", ())] = [card("Points", _table(sweep_rows(document, quantity)), _STANDS, width="wide")]
    return found


def _table(rows: Rows) -> str:
    words = {0, len(rows[0]) - 1, *(place for place, head in enumerate(rows[0]) if head == AGAINST)}
    numbers = [place for place in range(len(rows[0])) if place not in words]
    return table(rows[0], [[text(cell) for cell in row] for row in rows[1:]], numbers)


def _against(document: Mapping[str, Any], key: str) -> list[str]:
    along, found = lines(document, key)
    accuracy = _axes(along, "accuracy (%)")
    for number, each in enumerate(found):
        _bars_of(accuracy, document, along, each, (number, len(found)))
    accuracy.update_yaxes(range=accuracy_limits(document))
    pieces = [card(f"Accuracy against {key}", plot(accuracy, _BARS, 420), f"{_BARS} {_PAIRED}", [MEASURED], "wide")]
    others = " and ".join(name for each, name in short_keys(document["over"]).items() if each != key)
    for name, title in COSTS:
        unit, kind = _unit(document, name)
        together = bundles(found, name)
        factor, shown_unit = scale(np.concatenate([each.values for each in together]), unit)
        figure = _axes(along, titled(title, shown_unit))
        for bundle in together:
            look, alone = bundle.lines[0].look, len(together) == 1
            more = {"mode": _mode(along), "showlegend": not alone, "marker": {"symbol": look.symbol, "size": 9}}
            dash = {"dash": "solid" if alone else look.dashes}
            colour, at = INK if alone else look.colour, bundle.lines[0].at
            figure.add_trace(line(at, bundle.values * factor, bundle.name or title, colour, line=dash, **more))
        figure.update_yaxes(rangemode="tozero")
        said = sentence(said_of(together, others) + ".") if said_of(together, others) else ""
        pieces.append(card(f"{sentence(title)} against {key}", plot(figure, title, 380), said, [kind], "half"))
    return pieces


def _mode(along: Axis) -> str:
    return "lines+markers" if along.joined else "markers"


def _axes(along: Axis, y: str) -> go.Figure:
    figure = chart(along.title, y)
    if along.logarithmic:
        figure.update_xaxes(type="log")
    if along.labels:
        figure.update_xaxes(tickmode="array", tickvals=along.at.tolist(), ticktext=list(along.labels))
    return figure


def _bars_of(figure: go.Figure, document: Mapping[str, Any], along: Axis, each: Line, place: tuple[int, int]) -> None:
    """A curve of accuracy with its intervals, curve `place[0]` of `place[1]`."""
    at, mean, look = along.shifted(each.at, *place), 100 * each.values("accuracy"), each.look
    for images, thickness, width in ((True, 1, 4), (False, 4, 0)):
        below, above = 100 * each.reach(images=images)
        error = {"array": above, "arrayminus": below, "thickness": thickness, "width": width, "color": look.colour}
        more = {"mode": "markers", "marker": {"size": 1}, "hoverinfo": "skip", "showlegend": False}
        figure.add_trace(line(at, mean, "", look.colour, error_y=error, opacity=0.6, **more))
    marker = {"symbol": look.symbol, "size": 10, "line": {"color": look.colour, "width": 2}}
    said = [f"{settings(document, point)}: {point['against_best']}" for point in each.points]
    more = {"mode": _mode(along), "marker": marker, "showlegend": place[1] > 1, "hovertext": said}
    name = each.name or "mean of chips"
    figure.add_trace(line(at, mean, name, look.colour, line={"width": 1.5, "dash": look.dashes}, **more))
    hollow = {"mode": "markers", "marker": {**marker, "color": "white"}, "showlegend": False, "hoverinfo": "skip"}
    figure.add_trace(line(at[each.worse], mean[each.worse], "", look.colour, **hollow))


def _unit(document: Mapping[str, Any], name: str) -> tuple[str, str]:
    known = [point["figures"][name] for point in document["points"] if name in point["figures"]]
    return (known[0]["unit"], known[0]["kind"]) if known else ("1", MEASURED)


def _front(document: Mapping[str, Any], name: str, title: str) -> str:
    unit, kind = _unit(document, name)
    found = placed(document, name)
    factor, shown_unit = scale(np.concatenate([np.zeros(0), *(each.at for each in found)]), unit)
    figure = chart(titled(title, shown_unit), "accuracy (%)")
    for rank, each in sorted(enumerate(found), key=lambda pair: pair[1].numbered):  # numbers lie above small marks
        _marked(figure, document, each, factor, rank)
    if found:
        figure.update_xaxes(range=[factor * end for end in cost_limits(found)])
    figure.update_yaxes(range=accuracy_limits(document))
    return card(f"Accuracy over {title}", plot(figure, _ONES, 420), _ONES, [MEASURED, kind], "half")


def _marked(figure: go.Figure, document: Mapping[str, Any], found: Placed, factor: float, rank: int) -> None:
    """Points of one standing; those with numbers have them inside, and their intervals."""
    mark = found.mark
    value, low, high = (
        100 * np.array([point["figures"][f"accuracy{end}"]["value"] for point in found.points])
        for end in ("", "_low", "_high")
    )
    error = {"array": high - value, "arrayminus": value - low, "width": 0, "thickness": 1, "color": mark.colour}
    face, edge = mark.colour if mark.filled else "white", {"width": 2, "color": mark.colour}
    size = {"size": 20 if found.numbered else 8}
    figure.add_scatter(
        x=factor * found.at,
        y=value,
        error_y=error if found.numbered else None,
        mode="markers+text" if found.numbered else "markers",
        marker={"symbol": mark.symbol, "color": face, "line": edge, **size},
        text=list(map(str, found.numbers)),
        textposition="middle center",
        textfont={"size": 11, "color": "white" if mark.filled else INK},
        hovertext=[settings(document, point) for point in found.points],
        name=mark.said,
        showlegend=True,
        legendrank=rank + 1,
    )


def _bars(document: Mapping[str, Any]) -> str:
    totals = {"all together": "together", "sum of those alone": "sum_alone", "interaction": "interaction"}
    names = [row["name"] for row in document["costs"]]
    figure = chart("cost (points of accuracy)", "", barmode="group", bargap=0.3)
    for title, key, colour, shape in (("alone", "alone", BLUE, ""), ("among the others", "among", ORANGE, "/")):
        _bar(figure, names, [row[key] for row in document["costs"]], title, (colour, shape), offsetgroup=key)
    _bar(figure, list(totals), [document[key] for key in totals.values()], "of all", (GREY, ""), offsetgroup="alone")
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    figure.add_vline(x=0, line={"color": INK, "width": 1})
    caption = (
        "Alone: accuracy with nothing on minus that with it alone. Among the others: accuracy with all but it minus "
        "that with all. Interaction: together minus the sum of those alone. Whiskers are 95 % over chips and images; "
        "white bars are not surely other than 0. "
        f"{_PAIRED}"
    )
    height = 150 + 44 * (len(names) + len(totals))
    return card("What non-idealities cost", plot(figure, caption, height), caption, [MEASURED], "wide")


def _bar(figure: go.Figure, names: list[str], found: list[Any], title: str, look: tuple[str, str], **more: Any) -> None:
    """Bars of a colour and a pattern, filled where the interval leaves out 0."""
    values = np.array([[each[end] if each else np.nan for end in ("value", "low", "high")] for each in found])
    value, low, high = 100 * values.T
    error = {"array": high - value, "arrayminus": value - low, "thickness": 1, "width": 3, "color": INK}
    colour, shape = look
    known = np.array([sure(each) for each in found])
    for filled in (True, False):
        pattern = {"shape": shape, "size": 6, "solidity": 0.25, "fgcolor": "white" if filled else colour}
        marker = {
            "color": colour if filled else "white",
            "line": {"color": colour, "width": 1.5},
            "pattern": {**pattern, "bgcolor": colour if filled else "white"} if shape else {},
        }
        bars = {"x": np.where(known == filled, value, np.nan), "marker": marker, "showlegend": filled}
        figure.add_bar(y=names, orientation="h", name=title, legendgroup=title, error_x=error, **bars, **more)


def _configurations(document: Mapping[str, Any]) -> str:
    rows: Rows = [["configuration", "accuracy, %", "95 % interval", "chips", "energy", "on"]]
    for each in document["configurations"]:
        figures = each["figures"]
        if "failure" in each:
            rows.append([each["name"], "", "", "", "", f"not computed: {each['failure']}"])
            continue
        mean, low, high = (f"{100 * figures[f'accuracy{end}']['value']:.2f}" for end in ("", "_low", "_high"))
        spent = cost(figures, "energy_per_image", quantity)
        chips = f"{figures['chips']['value']:.0f}"
        rows.append([each["name"], mean, f"{low} to {high}", chips, spent, ", ".join(each["on"]) or "nothing"])
    return card("Configurations", _table(rows), "", width="wide")
