"""A failure probability as a picture: against the limit, and the simulated points with their verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spice.rare.estimate import Estimate

Array = np.ndarray[Any, Any]

BLUE, ORANGE = "#0072B2", "#D55E00"  # of Okabe and Ito; shapes say the same


@dataclass(frozen=True)
class Axis:
    """What limits are drawn over.

    Args:
        title: with the unit.
        values: the limit at each place of the curve.
        asked: the limit of the question.
    """

    title: str
    values: Sequence[float]
    asked: float


def limits(tightened: Sequence[float], below: Mapping[str, float], above: Mapping[str, float], unit: str) -> Axis:
    """What a curve is drawn over: a single limit itself, or by what share of each several are tightened."""
    if len(below) + len(above) != 1:
        return Axis("limits tightened (share of each)", tightened, 0.0)
    (name, limit), sign = next((item, sign) for these, sign in ((below, 1), (above, -1)) for item in these.items())
    return Axis(f"limit of {name} ({unit})", [limit + sign * (abs(limit) or 1.0) * by for by in tightened], limit)


def important(found: Estimate, scores: Array, fails: Array) -> tuple[int, int]:
    """The two scores that are largest where the circuit fails."""
    points = np.array(found.likely) if found.likely else scores[fails]
    size = np.sqrt(np.mean(np.nan_to_num(points) ** 2, axis=0)) if len(points) else np.zeros(scores.shape[1])
    order = np.argsort(-size, kind="stable")
    return int(order[0]), int(order[min(1, len(order) - 1)])


def draw(path: Path, found: Estimate, axis: Axis | None, points: tuple[Array, Array], names: Sequence[str]) -> None:
    """Draw a PNG.

    Args:
        path: of the file.
        found: the estimate.
        axis: of its curve, if it has one.
        points: scores, shape (points, scores), NaN where a simulation failed, and which of them fail.
        names: of the scores.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = 1 if axis is None else 2
    figure = Figure(figsize=(5.5 * panels, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    *left, right = np.atleast_1d(figure.subplots(1, panels))
    if axis is not None:
        _curve(left[0], found, axis)
    _points(right, found, points, names)
    interval = f"95 % interval {found.ci_low:.3g} to {found.ci_high:.3g}"
    figure.suptitle(f"failure probability {found.probability:.3g}, {interval}\n{found.method}", fontsize="medium")
    figure.savefig(path, dpi=150)


def _curve(panel: Any, found: Estimate, axis: Axis) -> None:
    curve = found.curve
    if curve is None:
        return
    panel.fill_between(axis.values, curve.ci_low, curve.ci_high, color=BLUE, alpha=0.25, label="95 % interval")
    panel.plot(axis.values, curve.probability, color=BLUE, label="from the same simulations")
    error = [[found.probability - found.ci_low], [found.ci_high - found.probability]]
    panel.errorbar([axis.asked], [found.probability], yerr=error, fmt="o", color="black", capsize=3, label="as asked")
    panel.set(yscale="log", xlabel=axis.title, ylabel="failure probability")
    panel.grid(alpha=0.3)
    panel.legend(fontsize="small")


def _points(panel: Any, found: Estimate, points: tuple[Array, Array], names: Sequence[str]) -> None:
    scores, fails = points
    x, y = important(found, scores, fails)
    for these, marker, colour, name in ((~fails, "o", BLUE, "holds"), (fails, "X", ORANGE, "fails")):
        label = f"{name}: {int(np.sum(these))}"
        panel.scatter(scores[these, x], scores[these, y], s=18, marker=marker, color=colour, alpha=0.6, label=label)
    likely = np.array(found.likely).reshape(len(found.likely), -1)
    if len(likely):
        panel.scatter(likely[:, x], likely[:, y], s=110, marker="+", color="black", label="likely failures")
    for radius in (3, 6):
        turn = np.linspace(0, 2 * np.pi, 200)
        panel.plot(radius * np.cos(turn), radius * np.sin(turn), color="grey", linewidth=0.6, linestyle=":")
    panel.set(xlabel=f"{names[x]} (sigma)", ylabel=f"{names[y]} (sigma)", aspect="equal")
    panel.legend(fontsize="small", title="circles: 3 and 6 sigma", title_fontsize="small")
