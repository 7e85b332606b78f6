"""The network on the simulated hardware: accuracy over chips, and what is taken for what."""

from __future__ import annotations

import json
import tomllib

import numpy as np

from bitline.cli.report.chart import BLUE, ORANGE, PURPLE, SKY, chart, colorbar, line, plot, points
from bitline.cli.report.markup import badge, card, percent, quantity, table, text, words
from bitline.cli.report.section import Section
from bitline.cli.report.source import AbsentError, Floats, RunSource
from bitline.core.figures import MEASURED
from nn.statistics import confusion_matrix, recall

_GROUP, _REFERENCE = "network/accuracy", "network/reference"
_SHOWN = ("accuracy", "accuracy_low", "accuracy_high", "accuracy_integer", "accuracy_float")
_COSTS = ("energy_", "latency_", "area_", "settling_")
_FEW = 20  # classes that fit as words into the confusion matrix


def _figures(run: RunSource) -> str:
    run.group(_GROUP)
    named = run.figures("network")
    rows = []
    for name, figure in named.items():
        ends = [named.get(f"{name}_{end}") for end in ("low", "high")]
        # what an image and a chip cost has a section of its own
        if name.startswith(_COSTS) or name.removesuffix("_low").removesuffix("_high") != name:
            continue
        said = [text(_said(name, figure.value)), " to ".join(text(_said(name, end.value)) for end in ends if end)]
        rows.append([text(words(name)), *said, badge(figure.kind, figure.source)])
    caption = "The interval takes both what chips were drawn and what images are in the test set."
    steps = tomllib.loads(run.config or "").get("chip_tuning", {}).get("steps", 0)
    if steps:
        caption += f" Each chip was fine-tuned by itself as it was programmed, {steps} steps after every layer."
    return card("Accuracy", table(("figure", "value", "95 % interval", "kind"), rows, [1, 2]), caption, width="half")


def _said(name: str, value: float) -> str:
    return percent(value) if "accuracy" in name or name.startswith("recall_") else quantity(value, "1", 6)


def _by_chip(run: RunSource) -> str:
    """A dot a chip, the mean with its interval as a band, float and ideal integers as lines."""
    chips = run.group(_GROUP)
    accuracy = 100 * np.asarray(chips.valid("accuracy"), dtype=np.float64)
    figure = chart("chip", "accuracy (%)")
    ends = np.array([-0.5, len(accuracy) - 0.5])
    named = run.figures("network")
    if {"accuracy_low", "accuracy_high"} <= named.keys():
        low, high = (100 * named[f"accuracy_{end}"].value for end in ("low", "high"))
        shape = {
            "x0": ends[0],
            "x1": ends[1],
            "y0": low,
            "y1": high,
            "fillcolor": SKY,
            "opacity": 0.25,
            "layer": "below",
        }
        figure.add_shape(type="rect", line={"width": 0}, **shape)
        band = {"marker": {"size": 12, "symbol": "square", "opacity": 0.35}}
        figure.add_trace(points(np.array([np.nan]), np.array([np.nan]), "95 % interval", SKY, **band))
    for name, said, colour, dash in (
        ("accuracy", "mean", BLUE, "solid"),
        ("accuracy_integer", "ideal integers", ORANGE, "dash"),
        ("accuracy_float", "float", PURPLE, "dot"),
    ):
        if name in named:
            value = 100 * named[name].value
            figure.add_trace(line(ends, np.full(2, value), f"{said} {value:.2f} %", colour, line={"dash": dash}))
    figure.add_trace(points(np.arange(len(accuracy)), accuracy, "chip", BLUE, marker={"size": 9}))
    shown = [*accuracy, *(100 * named[name].value for name in _SHOWN if name in named)]
    room = 0.06 * (max(shown) - min(shown)) or 1.0
    figure.update_yaxes(range=[min(shown) - room, max(shown) + room])
    figure.update_xaxes(range=ends.tolist(), tick0=0, dtick=max(1, len(accuracy) // 10))
    caption = f"{len(accuracy)} sampled chips, each with its own cells; all infer the same images."
    if chips.failed:
        caption += f" {chips.failed} of {chips.count} failed and are not drawn."
    return card("Accuracy by chip", plot(figure, caption, 420), caption, [MEASURED], "half")


def _confusion(run: RunSource) -> str:
    labels = np.asarray(run.group(_REFERENCE).valid("labels"), dtype=np.int64)
    logits = np.asarray(run.group(_GROUP).valid("logits"))
    classes = logits.shape[-1]
    counts = confusion_matrix(labels, logits.argmax(axis=-1), classes)
    names = _class_names(run, classes)
    share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    wrong = np.where(np.eye(classes, dtype=bool), np.nan, share)
    figure = chart("taken for", "class", showlegend=False)
    figure.add_heatmap(
        z=wrong,
        x=names,
        y=names,
        colorscale=[[0, "#ffffff"], [0.5, "#fdb863"], [1, "#b35806"]],
        zmin=0,
        colorbar=colorbar("share of<br>the class (%)"),
        xgap=1,
        ygap=1,
        hovertemplate="%{y} taken for %{x}: %{z:.2f} %<extra></extra>",
    )
    for i, name in enumerate(names if classes <= _FEW else []):
        figure.add_annotation(x=name, y=name, text=f"{share[i, i]:.1f}", showarrow=False, font={"size": 11})
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_yaxes(type="category", showgrid=False, autorange="reversed")
    worst = int(np.nanargmin(recall(counts)))
    caption = (
        f"All {counts.sum()} decisions. The diagonal holds each class's recall in percent, colours its mistakes; least "
        f"recognised is {names[worst]}, {percent(share[worst, worst] / 100)}."
    )
    return card("Confusion matrix", plot(figure, caption, 420), caption, [MEASURED], "half")


def _class_names(run: RunSource, classes: int) -> list[str]:
    said = run.group(_REFERENCE).group.attrs.get("class_names")
    names = json.loads(str(said)) if said is not None else []
    return [str(name) for name in names] if len(names) == classes else [str(index) for index in range(classes)]


def _saturation(run: RunSource) -> str:
    """What the arrays of each layer did, an image, and how much of it saturated."""
    chips = run.group(_GROUP)
    images = np.asarray(chips.valid("correct")).shape[1]
    layers: dict[str, dict[str, Floats]] = {}
    for name in chips.names:
        if name.startswith("count_"):
            layer, _, event = name.removeprefix("count_").rpartition("_")
            layers.setdefault(layer, {})[event] = np.asarray(chips.valid(name), dtype=np.float64)
    rows = []
    for layer, events in layers.items():
        if "conversions" not in events:
            continue
        conversions, saturated = events["conversions"], events.get("saturated", np.zeros(1))
        share = float(np.mean(saturated / conversions))
        rows.append([text(layer), text(f"{np.mean(conversions) / images:,.0f}"), text(f"{100 * share:.3g} %")])
    if not rows:
        raise AbsentError(f"run.h5's group {_GROUP!r} counts no conversions")
    caption = "Means over chips. A saturated conversion gave its largest code for a current beyond its range."
    return card(
        "Conversions", table(("layer", "conversions an image", "saturated"), rows, [1, 2]), caption, [MEASURED], "half"
    )


def _margins(run: RunSource) -> str:
    """How sure the decisions are: the best logit over the second, for right and wrong ones."""
    chips = run.group(_GROUP)
    logits, correct = np.asarray(chips.valid("logits")), np.asarray(chips.valid("correct")).astype(bool)
    scaled = np.sort(logits, axis=-1)[..., -2:] * np.asarray(chips.valid("logit_scale"))[:, None, None]
    lead = scaled[..., 1] - scaled[..., 0]
    edges = np.linspace(0.0, float(np.quantile(lead, 0.999)) or 1.0, 41)
    middles = (edges[1:] + edges[:-1]) / 2
    figure = chart("best logit minus second best", "share of each (%)")
    for chosen, name, colour in ((correct, "right", BLUE), (~correct, "wrong", ORANGE)):
        if chosen.any():
            share = 100 * np.histogram(lead[chosen], edges)[0] / chosen.sum()
            said = f"{name} ({chosen.sum()} decisions)"
            figure.add_trace(line(middles, share, said, colour, line={"shape": "hvh"}))
    caption = "Hardware errors cost accuracy where decisions are close."
    return card("Decision margins", plot(figure, caption), caption, [MEASURED], "half")


SECTION = Section(10, "Network", (_figures, _by_chip, _confusion, _margins, _saturation), "network")
