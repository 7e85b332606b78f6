"""Error rates of an SRAM macro as a picture: over supply, temperature and frequency, at rest, and a chip's shmoo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bitline.cli.storage_sweep import PUSHED, at_rest, clocks, supplies, swept
from crossbar.sram_storage import Access, SramMacro
from crossbar.sram_storage_rates import Rates, shmoo

_COLOURS = {"read": "#0072B2", "write": "#D55E00", "hold": "#009E73"}  # of Okabe and Ito
_MARKS = {"read": "o", "write": "s", "hold": "^"}
_FLOOR = 1e-9  # a rate below is not drawn


def draw(path: Path, macro: SramMacro, access: Access, chips: int, seed: int) -> None:
    """Draw a PNG.

    Args:
        path: of the file.
        macro: with its models.
        access: what stays in the sweeps; without a frequency, timed by a clock at which reads begin to fail.
        chips: drawn.
        seed: of the study.

    Raises:
        ModelRangeError: a condition that no fit has seen.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if access.frequency is None:
        access = replace(access, frequency=PUSHED / macro.value("cycle_time", access), timing="clock")
    figure = Figure(figsize=(15, 8.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, 3).ravel()
    for panel, over, unit in zip(panels, ("supply", "temperature", "frequency"), ("V", "C", "MHz"), strict=False):
        accesses, found = swept(macro, access, over, chips, seed)
        at = [
            {"supply": a.vdd, "temperature": a.temperature, "frequency": (a.frequency or 0) / 1e6}[over]
            for a in accesses
        ]
        for name, rate in found.items():
            _curve(panel, np.array(at), rate, name)
        _finish(panel, f"{over} ({unit})", f"at {_said(access, over)}")
    rests, held = at_rest(macro, access.temperature, chips, seed)
    _curve(panels[3], np.array(rests), held, "hold")
    _finish(panels[3], "supply at rest (V)", f"at {access.temperature:g} C")
    for panel, number in zip(panels[4:], (0, 1), strict=True):
        _shmoo(figure, panel, macro, access, seed, number)
    figure.suptitle(f"SRAM storage, {macro.words} x {macro.bits} bits, {chips} chips: bit-error rates (modelled)")
    figure.savefig(path, dpi=110)


def _said(access: Access, over: str) -> str:
    parts = {
        "supply": f"{access.vdd:g} V",
        "temperature": f"{access.temperature:g} C",
        "frequency": f"{(access.frequency or 0) / 1e6:.4g} MHz",
    }
    return ", ".join([text for name, text in parts.items() if name != over] + [f"{access.timing} timing"])


def _curve(panel: Any, at: Any, rate: Rates, name: str) -> None:
    """The mean of chips, and the span from the best to the worst of them."""
    shown = np.where(rate.mean > _FLOOR, rate.mean, np.nan)
    panel.plot(at, shown, _MARKS[name] + "-", color=_COLOURS[name], label=name, markersize=4)
    low, high = (np.maximum(of(rate.chips, axis=1), _FLOOR) for of in (np.min, np.max))
    panel.fill_between(at, low, high, where=high > _FLOOR, color=_COLOURS[name], alpha=0.2, linewidth=0)


def _finish(panel: Any, label: str, title: str) -> None:
    panel.set_yscale("log")
    panel.set_ylim(_FLOOR, 1.5)
    panel.set_xlabel(label)
    panel.set_ylabel("bit-error rate")
    panel.set_title(title, fontsize=10)
    panel.grid(alpha=0.3)
    panel.legend(loc="best", fontsize=9)


def _shmoo(figure: Any, panel: Any, macro: SramMacro, access: Access, seed: int, number: int) -> None:
    at, clock = supplies(macro, 10), clocks(macro, access, 24)
    wrong = shmoo(macro, access, at, clock, seed, number)
    mesh = panel.pcolormesh(
        clock / 1e6,
        at,
        np.log10(np.maximum(wrong, 1e-3)),
        cmap="viridis_r",
        vmin=-3,
        vmax=3.3,
        shading="nearest",
    )
    panel.contour(clock / 1e6, at, wrong, levels=[0.5], colors="#ffffff", linewidths=1.5)
    bar = figure.colorbar(mesh, ax=panel, ticks=range(-3, 4))
    bar.ax.set_yticklabels(["\N{LESS-THAN OR EQUAL TO} 0.001", "0.01", "0.1", "1", "10", "100", "1000"])
    bar.set_label("expected wrong bits")
    panel.set_xscale("log")
    panel.set_xlabel("frequency (MHz)")
    panel.set_ylabel("supply (V)")
    panel.set_title(f"shmoo of chip {number}, {access.temperature:g} C, {access.timing} timing", fontsize=10)
