"""An ablation as a PNG: what each non-ideality costs, as bars with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

ALONE, AMONG, WHOLE = "#0072B2", "#D55E00", "#7b8794"  # of Okabe and Ito, and grey


def draw(path: Path, document: Mapping[str, Any]) -> None:
    """Draw a PNG.

    Args:
        path: of the file.
        document: summary of the ablation.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = document["costs"]
    totals = [("all together", "together"), ("sum of those alone", "sum_alone"), ("interaction", "interaction")]
    figure = Figure(figsize=(9, 1.8 + 0.5 * (len(rows) + len(totals))), layout="constrained")
    FigureCanvasAgg(figure)
    panel = figure.subplots()
    at = np.arange(len(rows), dtype=float)
    _bars(panel, at - 0.19, [row["alone"] for row in rows], ALONE, "alone", 0.36)
    _bars(panel, at + 0.19, [row["among"] for row in rows], AMONG, "among the others", 0.36)
    below = len(rows) + 0.5 + np.arange(len(totals), dtype=float)
    _bars(panel, below, [document[key] for _, key in totals], WHOLE, "of all", 0.5)
    panel.set_yticks([*at, *below], [*(row["name"] for row in rows), *(name for name, _ in totals)])
    panel.invert_yaxis()
    panel.axvline(0, color="black", linewidth=0.8)
    panel.axhline(len(rows) - 0.25, color="black", linewidth=0.5, linestyle=":")
    panel.set(xlabel="cost (points of accuracy), 95 % intervals over chips and images, paired")
    panel.grid(axis="x", alpha=0.3)
    panel.legend(fontsize="small")
    panel.set_title(f"{document['study']}: what non-idealities cost")
    figure.savefig(path, dpi=110)


def _bars(panel: Any, at: Any, found: list[Mapping[str, float] | None], colour: str, label: str, height: float) -> None:
    table = [[each[end] if each else np.nan for end in ("value", "low", "high")] for each in found]
    value, low, high = 100 * np.array(table, dtype=float).T
    panel.barh(at, value, height, color=colour, alpha=0.8, label=label)
    panel.errorbar(value, at, xerr=[value - low, high - value], fmt="none", ecolor="black", elinewidth=1, capsize=2)
