"""A diagnosis as a picture: every layer's ratio of signal to error, what each cause costs it, what changes bring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bitline.cli.advice import assignment
from bitline.cli.diagnosis import Advised
from bitline.cli.trial import Trial
from nn.diagnose import Diagnosis

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"  # of Okabe and Ito
_TOLD = 24  # layers up to which the costs are written into their fields


def draw(path: Path, advised: Advised) -> None:
    """Draw a PNG, layers in the network's order from the top, and below them what was tried, the best first."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    found, tried = advised.found, [each for each in advised.trial.tried if each.gain] if advised.trial else []
    heights = [max(2.3 + 0.32 * len(found.layers), 3.2)]
    if tried:
        heights.append(1.3 + 0.42 * sum(max(1, len(each.advice.changes)) for each in tried))
    wide = 7 + 0.75 * len(found.layers[0].without_db)
    figure = Figure(figsize=(wide, sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    _draw_layers(parts[0], found)
    if tried and advised.trial:
        _draw_trial(parts[1], advised.trial)
    figure.savefig(path, dpi=150)


def _draw_layers(figure: Any, found: Diagnosis) -> None:
    layers = sorted(found.layers, key=lambda layer: layer.number)
    causes = list(layers[0].without_db)
    widths = (6, 1 + 0.75 * len(causes)) if causes else (1,)
    bars, *costs = figure.subplots(1, len(widths), sharey=True, width_ratios=widths, squeeze=False)[0]
    at = np.arange(len(layers))
    shown = ((-0.27, BLUE, "own"), (0.0, ORANGE, "accumulated"), (0.27, GREEN, "gain"))
    for shift, colour, name in shown:
        values = [getattr(layer, f"{name}_db") for layer in layers]
        said = "own, gains and offsets fitted" if name == "gain" else name
        bars.barh(at + shift, np.where(np.isfinite(values), values, 0.0), height=0.27, color=colour, label=said)
    bars.axvline(0, color="black", linewidth=0.8)
    bars.set_yticks(at, [layer.layer for layer in layers])
    bars.invert_yaxis()
    bars.set(xlabel="signal to error (dB)")
    bars.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    if causes:
        taken = np.array([[layer.cost(cause) for cause in causes] for layer in layers])
        _draw_costs(figure, costs[0], causes, np.where(np.isfinite(taken), taken, np.nan))
    figure.suptitle(f"chip {found.chip}, {found.images} images, {found.equal:.1%} decided as without errors")


def _draw_costs(figure: Any, axes: Any, causes: list[str], taken: np.ndarray[Any, Any]) -> None:
    """A field for each cost[layer, cause] (dB); NaN where a layer has no error without the cause."""
    top = max(float(np.nanmax(taken, initial=0)), 1.0)
    image = axes.imshow(taken, cmap="Oranges", vmin=0, vmax=top, aspect="auto", interpolation="nearest")
    axes.set_xticks(range(len(causes)), causes, rotation=35, ha="right")
    axes.set_title("what each cause costs of the own ratio (dB)", fontsize="medium")
    figure.colorbar(image, ax=axes)
    if len(taken) <= _TOLD:
        for (row, column), value in np.ndenumerate(taken):
            colour = "white" if value > 0.6 * top else "black"
            said = "all" if np.isnan(value) else f"{value:.1f}"
            axes.text(column, row, said, ha="center", va="center", fontsize=8, color=colour)


def _draw_trial(figure: Any, trial: Trial) -> None:
    """A bar for the gain of every change, with its interval."""
    axes = figure.subplots()
    gains = [(each.advice, each.gain) for each in trial.tried if each.gain]
    values = np.array([[100 * end for end in (gain.value, gain.low, gain.high)] for _, gain in gains])
    reach = np.abs(values[:, 1:] - values[:, :1]).T
    colours = [BLUE if low > 0 else ORANGE if high < 0 else "#999999" for _, low, high in values]
    axes.barh(np.arange(len(gains)), values[:, 0], xerr=reach, height=0.6, color=colours, capsize=3)
    names = ["\n".join(assignment(key, value) for key, value in advice.changes.items()) for advice, _ in gains]
    axes.set_yticks(np.arange(len(gains)), names, family="monospace", fontsize=8)
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(xlabel="points of accuracy gained (95 %, paired); grey: not surely another than 0")
    title = f"every change tried alone, {trial.chips} chips x {trial.images} images, {trial.accuracy:.1%} as run"
    axes.set_title(title, fontsize="medium")
