"""An interactive viewer of waveforms: one chart, a list to choose from, a panel for each unit of what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.cli.report.chart import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, chart, line, plot, scale, titled
from bitline.cli.report.markup import text

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, INK, GREY)
_DASHES = ("solid", "dot")
_AWAY = [0.0, 1e-3]  # of a panel that a waveform does not have: it would lie over the others
_HEIGHT, _ENTRY = 480, 35  # pixels: of the chart at least, and of a line of the open list, which is to fit into it
_GAP = 0.06  # between panels, of the chart's height


@dataclass(frozen=True)
class Net:
    """One vector of a waveform.

    Args:
        name: of its field.
        values: in `unit`, shape (points,).
        unit: SI.
    """

    name: str
    values: np.ndarray[Any, Any]
    unit: str


@dataclass(frozen=True)
class Waveform:
    """What is chosen from the list.

    Args:
        name: in the list.
        axis: time or the voltage that is swept.
        nets: over it.
    """

    name: str
    axis: Net
    nets: tuple[Net, ...]

    @property
    def units(self) -> list[str]:
        """Of the panels, from the top."""
        return list(dict.fromkeys(net.unit for net in self.nets))

    def label(self, net: Net) -> str:
        """A net's name without the words that all of them begin with."""
        alike = self.nets if len(self.nets) > 1 else (self.axis, net)
        return net.name.removeprefix(_shared([each.name for each in alike]))


def viewer(waveforms: Sequence[Waveform], said: str) -> str:
    """The viewer as HTML; the first waveform is shown at first.

    Args:
        waveforms: one or more.
        said: what it shows, for readers who don't see it.
    """
    panels = max(len(waveform.units) for waveform in waveforms)
    figure = chart("", "", hovermode="x unified", plot_bgcolor="rgba(0,0,0,0)")
    owners = []
    for number, waveform in enumerate(waveforms):
        for trace in _traces(waveform):
            trace.visible = number == 0
            figure.add_trace(trace)
            owners.append(number)
    look = figure.layout.yaxis.to_plotly_json()
    figure.update_layout({_axis(panel): look for panel in range(1, panels)})
    buttons = [
        {
            "label": text(waveform.name),
            "method": "update",
            "args": [{"visible": [owner == number for owner in owners]}, _layout(waveform, panels)],
        }
        for number, waveform in enumerate(waveforms)
    ]
    menu = {"buttons": buttons, "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom", "pad": {"b": 8}}
    legend = {"orientation": "v", "x": 1.01, "xanchor": "left", "y": 1.0, "yanchor": "top"}
    figure.update_layout(updatemenus=[{**menu, "bgcolor": "#ffffff", "showactive": True}], legend=legend)
    figure.update_layout(showlegend=True, margin={"t": 50})
    for key, value in _layout(waveforms[0], panels).items():
        figure.update_layout({key.replace(".", "_"): value})
    return plot(figure, said, min(max(_HEIGHT, 110 + _ENTRY * len(waveforms)), 2 * _HEIGHT))


def _traces(waveform: Waveform) -> list[Any]:
    x_factor, _ = scale(waveform.axis.values, waveform.axis.unit)
    factors = _factors(waveform)
    found = []
    for index, net in enumerate(waveform.nets):
        panel = waveform.units.index(net.unit)
        style = {"line": {"dash": _DASHES[index // len(_COLOURS) % len(_DASHES)]}}
        x, y = waveform.axis.values * x_factor, net.values * factors[net.unit][0]
        colour = _COLOURS[index % len(_COLOURS)]
        found.append(line(x, y, waveform.label(net), colour, yaxis=f"y{panel + 1}" if panel else "y", **style))
    return found


def _shared(names: Sequence[str]) -> str:
    """The words that all names begin with: "read_0_" of "read_0_time" and "read_0_wl"."""
    words = [name.split("_") for name in names]
    count = 0
    while all(len(each) > count + 1 and each[count] == words[0][count] for each in words):
        count += 1
    return "".join(f"{word}_" for word in words[0][:count])


def _factors(waveform: Waveform) -> dict[str, tuple[float, str]]:
    """The scale of each panel by its unit."""
    return {
        unit: scale(np.concatenate([net.values for net in waveform.nets if net.unit == unit]), unit)
        for unit in waveform.units
    }


def _axis(panel: int) -> str:
    return f"yaxis{panel + 1}" if panel else "yaxis"


def _layout(waveform: Waveform, panels: int) -> dict[str, Any]:
    """What choosing a waveform changes: titles, and which panels there are."""
    factors, shown = _factors(waveform), len(waveform.units)
    height = (1 + _GAP) / shown
    axis = "time" if waveform.axis.unit == "s" else waveform.axis.name
    layout: dict[str, Any] = {
        "xaxis.title.text": titled(axis, scale(waveform.axis.values, waveform.axis.unit)[1]),
        "xaxis.autorange": True,
        "xaxis.anchor": "y" if shown == 1 else f"y{shown}",
    }
    for panel in range(panels):
        there = panel < shown
        top = 1 - panel * height
        layout[f"{_axis(panel)}.visible"] = there
        layout[f"{_axis(panel)}.autorange"] = True
        layout[f"{_axis(panel)}.domain"] = [max(top - height + _GAP, 0.0), top] if there else _AWAY
        layout[f"{_axis(panel)}.title.text"] = _panel_title(waveform, panel, factors) if there else ""
    return layout


def _panel_title(waveform: Waveform, panel: int, factors: dict[str, tuple[float, str]]) -> str:
    unit = waveform.units[panel]
    nets = ", ".join(waveform.label(net) for net in waveform.nets if net.unit == unit)
    return titled({"V": "voltage", "A": "current"}.get(unit, nets), factors[unit][1])
