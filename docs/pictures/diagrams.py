"""The drawings of the docs, made from the code's own definitions: `python docs/pictures/diagrams.py`."""
# ruff: noqa: INP001 - a script, no package

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from bitline.core.seeds import stream
from circuits.adc import Adc, inl
from circuits.converters import bit_planes, largest_code, quantise
from circuits.tile import TileConfig
from crossbar.tile import CrossbarArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, ACCENT, SOFT, SECOND = "#1f2933", "#1d6fb8", "#9fb8cf", "#c4572b"
STYLE = {"font.size": 9, "axes.titlesize": 10, "axes.titleweight": "bold", "axes.titlelocation": "left"}
PITCH, RIGHT, DOWN = 1.5, 0.34, 0.42  # of the crossbar's drawing: lines, and where a cell meets its bit line
BITS = 4  # of the converter in the drawing
X = np.array([[77, 200, 13, 150]])  # unsigned 8-bit inputs of four word lines
WEIGHTS = np.array([[100], [-50], [127], [-90]])


def resistor(axes: Axes, start: tuple[float, float], end: tuple[float, float], label: str = "") -> None:
    """A wire with a resistor in its middle."""
    (x0, y0), (x1, y1) = start, end
    axes.plot([x0, x1], [y0, y1], color=INK, lw=1, zorder=1)
    along, across = (0.26, 0.1) if y0 == y1 else (0.1, 0.26)
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    corner = (middle[0] - along / 2, middle[1] - across / 2)
    axes.add_patch(plt.Rectangle(corner, along, across, fc="white", ec=INK, lw=1, zorder=2))
    if label:
        shift = (0, 0.13) if y0 == y1 else (0.11, 0)
        place = {"ha": "center", "va": "bottom"} if y0 == y1 else {"ha": "left", "va": "center"}
        axes.text(middle[0] + shift[0], middle[1] + shift[1], label, fontsize=7.5, color=INK, **place)


def wiring(out: Path) -> None:
    """Draw a crossbar of 3 word lines and 4 bit lines with its wires."""
    figure, axes = plt.subplots(figsize=(8.6, 6.4), layout="constrained")
    words, bits = 3, 4
    for i in range(words):
        y = PITCH * (words - 1 - i)
        axes.plot(-2.4, y, "o", color=SECOND, ms=6)
        axes.text(-2.52, y, f"v[{i}]", ha="right", va="center", color=SECOND)
        resistor(axes, (-2.4, y), (-1.2, y), "r_driver" if i == 0 else "")
        for j in range(bits):
            x = PITCH * j
            resistor(axes, (-1.2 if j == 0 else x - PITCH, y), (x, y), "r_wire_wl" if i == 0 else "")
            axes.plot([x, x + RIGHT], [y, y - DOWN], color=ACCENT, lw=2.5, zorder=2)
            axes.plot([x, x + RIGHT], [y, y - DOWN], "o", color=INK, ms=3, zorder=3)
    axes.text(0.05, PITCH * (words - 1) - 0.27, "g[0, 0]", color=ACCENT, ha="right", va="center", fontsize=8)
    for j in range(bits):
        _bit_line(axes, PITCH * j + RIGHT, j, words, labelled=j == bits - 1)
    for k in range(bits // 2):
        left = PITCH * 2 * k + RIGHT
        axes.plot([left - 0.3, left + PITCH + 0.3], [-3.12, -3.12], color=ACCENT, lw=1.5)
        said = f"output {k} = i[{2 * k}] - i[{2 * k + 1}]"
        axes.text(left + PITCH / 2, -3.2, said, ha="center", va="top", color=ACCENT)
    axes.set(xlim=(-3.1, 6.1), ylim=(-3.5, 3.4), aspect="equal")
    axes.axis("off")
    figure.savefig(out, dpi=100, metadata={"Software": None})
    plt.close(figure)


def _bit_line(axes: Axes, x: float, j: int, words: int, *, labelled: bool) -> None:
    """The segments of a bit line, one past each word line, and its sense input."""
    for i in range(words):
        y = PITCH * (words - 1 - i) - DOWN
        resistor(axes, (x, y), (x, y - PITCH), "r_wire_bl" if labelled else "")
    end = -DOWN - PITCH
    resistor(axes, (x, end), (x, end - 0.8), "r_sink" if labelled else "")
    axes.plot([x - 0.12, x + 0.12], [end - 0.8, end - 0.8], color=INK, lw=2)
    axes.text(x, end - 0.87, f"i[{j}] at 0 V", ha="center", va="top", color=SECOND, fontsize=8)


def codes(out: Path) -> None:
    """Draw how an input becomes planes, a plane a code, and the codes a product."""
    tile = CrossbarArray(TileConfig(rows=4, cols=2, r_wire_wl=0, r_wire_bl=0, adc_bits=BITS, read_noise=0))
    rng = stream(1, "diagram")  # nothing is drawn from it: no variation, no noise
    tile.program(WEIGHTS, rng)
    tile.set_range(tile.required_range(X))
    planes = bit_planes(X, 8)[:, 0]
    products = (planes @ WEIGHTS)[:, 0]
    level = products / tile.scale
    code, _ = quantise(level, BITS)
    total, exact = int(tile.mvm(X, rng)[0][0, 0]), int((X @ WEIGHTS)[0, 0])
    figure, (first, second, third) = plt.subplots(1, 3, figsize=(11.5, 3.9), layout="constrained")
    _inputs(first, planes)
    _staircase(second)
    places = np.arange(8)
    third.bar(places, level, color=SOFT, width=0.7, label="current, in LSB")
    third.plot(places, code, "_", color=ACCENT, ms=18, mew=2.5, label="code")
    for p in places:
        third.text(p, -largest_code(BITS) - 1.3, f"{code[p]} x {2**p}", ha="center", fontsize=7)
    third.set(title="3. Codes are shifted and added", xlabel="plane p", ylabel="output of one pair", xticks=places)
    limit = largest_code(BITS) + 2
    said = f"sum of code x 2^p = {total};  x scale {tile.scale:.2f} = {total * tile.scale:.0f}\nexact x @ w = {exact}"
    third.text(3.5, limit + 1.2, said, ha="center", va="center", fontsize=8, color=ACCENT)
    third.set_ylim(-limit, limit + 2.6)
    third.legend(frameon=False, fontsize=7.5, loc="upper left", bbox_to_anchor=(0, 0.86), ncols=2)
    figure.savefig(out, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _inputs(axes: Axes, planes: np.ndarray) -> None:
    """Word-line voltages over the planes; planes[plane, word line]."""
    for i, x in enumerate(X[0]):
        bits = np.append(planes[:, i], 0) * 0.7
        axes.step(np.arange(9), bits + 3 - i, where="post", color=ACCENT, lw=1.4)
        axes.text(-0.2, 3.3 - i, f"x[{i}] = {x}", ha="right", va="center")
        for p in range(8):
            axes.text(p + 0.5, 3.1 - i, str(planes[p, i]), ha="center", fontsize=7)
    axes.set(title="1. A plane drives bit p of each input", xlabel="plane p, least significant first", xlim=(-2.4, 8.1))
    axes.set_xticks(np.arange(8) + 0.5, [str(p) for p in range(8)])
    axes.set_yticks([])
    axes.spines[["left", "top", "right"]].set_visible(False)
    axes.text(4, 4.0, "v_read for a 1, 0 V for a 0, t_read long", ha="center", fontsize=8, color=ACCENT)
    axes.set_ylim(-0.2, 4.3)


def _staircase(axes: Axes) -> None:
    """The converter's codes over the current."""
    limit = largest_code(BITS)
    current = np.linspace(-limit - 3, limit + 3, 4001)
    code, _ = quantise(current, BITS)
    axes.plot(current, current, color=SOFT, lw=1)
    axes.plot(current, code, color=ACCENT, lw=1.6)
    for sign in (-1, 1):
        axes.axvspan(sign * (limit + 0.5), sign * (limit + 3), color=SECOND, alpha=0.12, lw=0)
    axes.text(limit + 1.75, 0, "saturated, counted", rotation=90, ha="center", va="center", fontsize=8, color=SECOND)
    axes.annotate("0 is a code", (0, 0), (1.0, -5.0), arrowprops={"arrowstyle": "-", "color": INK}, fontsize=8)
    axes.text(-limit - 2.5, limit - 0.6, f"full scale = code {limit}\n= 2^({BITS} - 1) - 1", fontsize=8, va="center")
    title = f"2. A converter of {BITS} bits makes codes"
    axes.set(title=title, xlabel="current of a pair, i[2k] - i[2k + 1] (LSB)", ylabel="code")
    axes.set_yticks(range(-limit, limit + 1, 1 if limit < 8 else 2))


def converters(out: Path) -> None:
    """Draw how far the thresholds of three kinds of converters lie from their places."""
    bits, low = 6, -largest_code(6)
    drawn = (("sar", 0.15, "unit capacitors"), ("ramp", 0.15, "steps"), ("flash", 0.15, "thresholds"))
    figure, all_axes = plt.subplots(1, 3, figsize=(11.5, 3.4), layout="constrained", sharey=True)
    for axes, (kind, mismatch, parts) in zip(all_axes, drawn, strict=True):
        steps = Adc(kind=kind, mismatch=mismatch).thresholds(bits, 3, stream(4, "diagram", kind))
        for errors, color in zip(inl(steps, low), (ACCENT, SECOND, SOFT), strict=True):
            axes.step(low + 1 + np.arange(len(errors)), errors, where="mid", color=color, lw=1.2)
        axes.axhline(0, color=INK, lw=0.6)
        axes.set(title=f"{kind}, {parts} of {mismatch:.0%}", xlabel="code above the threshold")
        axes.spines[["top", "right"]].set_visible(False)
    all_axes[0].set_ylabel("INL (LSB)")
    all_axes[1].text(0.5, 0.04, "one ramp for all three", transform=all_axes[1].transAxes, ha="center", fontsize=8)
    figure.savefig(out, dpi=110, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    with mpl.rc_context(STYLE):
        wiring(Path(__file__).with_name("wiring.png"))
        codes(Path(__file__).with_name("codes.png"))
        converters(Path(__file__).with_name("adc.png"))
