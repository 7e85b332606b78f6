"""An ablation as a PNG: what each non-ideality costs, as bars with intervals, filled where the cost is sure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bitline.cli.tables import sure

ALONE, AMONG, WHOLE = "#0072B2", "#D55E00", "#52606d"  # of Okabe and Ito, and grey
_LINE = 0.45  # inches of a bar, or of two beside each other


def draw(path: Path, document: Mapping[str, Any]) -> None:
    """Draw a PNG.

    Args:
        path: of the file.
        document: summary of the ablation.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    rows = document["costs"]
    totals = [("all together", "together"), ("sum of those alone", "sum_alone"), ("interaction", "interaction")]
    figure = Figure(figsize=(9, 2.2 + _LINE * (len(rows) + len(totals))), layout="constrained")
    FigureCanvasAgg(figure)
    panel = figure.subplots()
    at = np.arange(len(rows), dtype=float)
    _bars(panel, at - 0.19, [row["alone"] for row in rows], ALONE, "", 0.34)
    _bars(panel, at + 0.19, [row["among"] for row in rows], AMONG, "//", 0.34)
    below = len(rows) + 0.3 + np.arange(len(totals), dtype=float)
    _bars(panel, below, [document[key] for _, key in totals], WHOLE, "", 0.4)
    panel.set_yticks([*at, *below], [*(row["name"] for row in rows), *(name for name, _ in totals)])
    panel.invert_yaxis()
    panel.axvline(0, color="black", linewidth=0.8)
    panel.axhline(len(rows) - 0.35, color="black", linewidth=0.5, linestyle=":")
    panel.set_xlabel("cost (points of accuracy); 95 % intervals over chips and images, paired")
    panel.grid(axis="x", alpha=0.3)
    panel.spines[["top", "right"]].set_visible(False)
    key = [
        Patch(facecolor=ALONE, edgecolor=ALONE, label="alone"),
        Patch(facecolor=AMONG, edgecolor="white", hatch="//", label="among the others"),
        Patch(facecolor="white", edgecolor="black", label="white: not surely other than 0"),
    ]
    panel.legend(handles=key, fontsize=9, frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1.0))
    figure.suptitle(f"{document['study']}: what non-idealities cost", fontsize=12)
    figure.savefig(path, dpi=110)


def _bars(panel: Any, at: Any, found: list[Mapping[str, float] | None], colour: str, hatch: str, height: float) -> None:
    table = [[each[end] if each else np.nan for end in ("value", "low", "high")] for each in found]
    value, low, high = 100 * np.array(table, dtype=float).T
    for place, each, width in zip(at, found, value, strict=True):
        known = sure(each)
        style = {"color": colour if known else "white", "edgecolor": "white" if known and hatch else colour}
        panel.barh(place, width, height, hatch=hatch, linewidth=1.3, **style)
    panel.errorbar(value, at, xerr=[value - low, high - value], fmt="none", ecolor="black", elinewidth=1, capsize=2)
