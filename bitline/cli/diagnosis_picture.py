"""A diagnosis as a picture: every layer's ratio of signal to error, and what each cause costs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nn.diagnose import Diagnosis

BLUE, ORANGE = "#0072B2", "#D55E00"  # of Okabe and Ito
_TOLD = 24  # layers up to which the costs are written into their fields


def draw(path: Path, found: Diagnosis) -> None:
    """Draw a PNG, layers in the network's order from the top."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    layers = sorted(found.layers, key=lambda layer: layer.number)
    causes = list(layers[0].without_db)
    size = 7 + 0.75 * len(causes), max(2.3 + 0.32 * len(layers), 3.2)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    widths = (6, 1 + 0.75 * len(causes)) if causes else (1,)
    bars, *costs = figure.subplots(1, len(widths), sharey=True, width_ratios=widths, squeeze=False)[0]
    at = np.arange(len(layers))
    for shift, colour, name in ((-0.2, BLUE, "own"), (0.2, ORANGE, "accumulated")):
        values = [getattr(layer, f"{name}_db") for layer in layers]
        bars.barh(at + shift, np.where(np.isfinite(values), values, 0.0), height=0.38, color=colour, label=name)
    bars.axvline(0, color="black", linewidth=0.8)
    bars.set_yticks(at, [layer.layer for layer in layers])
    bars.invert_yaxis()
    bars.set(xlabel="signal to error (dB)")
    bars.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    if causes:
        taken = np.array([[layer.cost(cause) for cause in causes] for layer in layers])
        _draw_costs(figure, costs[0], causes, np.where(np.isfinite(taken), taken, np.nan))
    figure.suptitle(f"chip {found.chip}, {found.images} images, {found.equal:.1%} decided as without errors")
    figure.savefig(path, dpi=150)


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
