"""A heat map of what a crossbar's wires take from its cells."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from bitline.cli.array_files import Floats, Write


def drop_picture(v: Floats, word: Floats, bit: Floats) -> Write:
    """What draws the IR drop of the vector that loses most: the drive's voltage less what each cell sees.

    Args:
        v: word-line voltages (V), shape (batch, m).
        word: voltages of the word lines' nodes (V), shape (batch, m, n).
        bit: of the bit lines' (V), shape (batch, m, n).
    """
    lost = v[:, :, None] - (word - bit)
    which = int(np.abs(lost).max(axis=(1, 2)).argmax())
    drop = 1e3 * lost[which]

    def write(file: BinaryIO) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

        figure = Figure(figsize=(7, 5.5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        image = axes.imshow(drop, cmap="viridis", aspect="auto", interpolation="nearest")
        figure.colorbar(image, label="drive less the cell's own voltage (mV)")
        axes.set(xlabel="bit line", ylabel="word line")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(integer=True))
        at = np.unravel_index(int(np.abs(drop).argmax()), drop.shape)
        axes.set_title(f"IR drop, vector {which}: at most {drop[at]:.3g} mV, at word line {at[0]}, bit line {at[1]}")
        figure.savefig(file, format="png", dpi=150)

    return write
