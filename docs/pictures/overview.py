"""The README's picture, from a finished run: `python docs/pictures/overview.py results/STUDY/RUN`."""
# ruff: noqa: INP001 - a script, no package

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from bitline.core.model_file import ModelFile
from bitline.core.samples import Group, read_group

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, ACCENT, SOFT, SECOND = "#1f2933", "#1d6fb8", "#9fb8cf", "#c4572b"
STYLE = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "text.color": INK,
}


def butterfly(axes: Axes, nominal: Group, drawn: Group) -> None:
    """Read butterfly of the nominal cell over those with mismatch."""
    vin = drawn.samples["vin"]
    for index in range(drawn.samples.count):
        axes.plot(vin[index], drawn.samples["read_qb"][index], color=SOFT, lw=0.4, alpha=0.5)
        axes.plot(drawn.samples["read_q"][index], vin[index], color=SOFT, lw=0.4, alpha=0.5)
    axes.plot(nominal.samples["vin"][0], nominal.samples["read_qb"][0], color=ACCENT, lw=1.8)
    axes.plot(nominal.samples["read_q"][0], nominal.samples["vin"][0], color=ACCENT, lw=1.8)
    margin = float(nominal.samples["read_snm"][0])
    axes.set(title=f"6T cell in read: SNM {margin * 1e3:.0f} mV nominal", xlabel="q (V)", ylabel="qb (V)")
    axes.set_aspect("equal")


def offset(axes: Axes, drawn: Group, models: ModelFile) -> None:
    """Offset of the sense amplifier, and the normal fitted to it."""
    found, fit = drawn.samples.valid("offset") * 1e3, models["sense_amp.offset"].parameters
    axes.hist(found, bins=16, density=True, color=SOFT)
    mean, sigma = fit["mean"] * 1e3, fit["sigma"] * 1e3
    x = np.linspace(found.min() - 5, found.max() + 5, 200)
    axes.plot(x, np.exp(-(((x - mean) / sigma) ** 2) / 2) / (sigma * np.sqrt(2 * np.pi)), color=ACCENT, lw=1.8)
    title = f"Sense amplifier: offset {mean:.0f} mV, sigma {sigma:.0f} mV"
    axes.set(title=title, xlabel="input-referred offset (mV)", ylabel="density (1/mV)")


def hysteresis(axes: Axes, nominal: Group) -> None:
    """SET and RESET of the device alone."""
    volts, current = nominal.samples["loop_source"][0], np.abs(nominal.samples["loop_i"][0])
    axes.semilogy(volts, np.maximum(current, 1e-9), color=ACCENT, lw=1.4)
    axes.set(title="ReRAM device: SET and RESET", xlabel="ramp (V)", ylabel="|current| (A)", ylim=(1e-7, 1e-3))


def levels(axes: Axes, drawn: Group) -> None:
    """Programmed conductances as read, by target."""
    target, read = drawn.samples.valid("target") * 1e6, drawn.samples.valid("conductance") * 1e6
    limits = [0.0, 1.1 * float(target.max())]
    axes.plot(limits, limits, color=SOFT, lw=1)
    axes.plot(target, read, "o", color=ACCENT, ms=3, alpha=0.5, mew=0)
    title = "1T1R cells: read against target"
    axes.set(title=title, xlabel="target (uS)", ylabel="conductance (uS)", xlim=limits)


def ir_drop(axes: Axes, products: Group) -> None:
    """What the wires take of each cell's read voltage on one tile."""
    drop = products.samples["drop"][0] * 1e3
    image = axes.imshow(drop, cmap="cividis", interpolation="nearest")
    axes.figure.colorbar(image, ax=axes, shrink=0.85, label="mV")
    title = f"IR drop of a tile driven in full: up to {drop.max():.0f} mV"
    axes.set(title=title, xlabel="bit line", ylabel="word line")
    axes.spines[:].set_visible(False)


def accuracy(axes: Axes, chips: Group, reference: Group) -> None:
    """Accuracy of every chip beside that of floats and integers."""
    labels = reference.samples["labels"]
    found = 100 * chips.samples.valid("accuracy")
    axes.plot(np.arange(len(found)), found, "o", color=ACCENT, ms=4, label=f"{len(found)} chips")
    for name, colour, line in (("floats", INK, "--"), ("integers", SECOND, "-")):
        value = 100 * np.mean(reference.samples[name].argmax(axis=1) == labels)
        axes.axhline(value, color=colour, ls=line, lw=1.2, label=name)
    title = f"Accuracy: {found.mean():.2f} % on {len(labels)} images"
    axes.set(title=title, xlabel="chip", ylabel="accuracy (%)", xticks=range(0, len(found), 5))
    axes.legend(frameon=False, loc="lower right", ncols=3, fontsize=8)
    axes.margins(y=0.35)


def main(folder: Path, out: Path) -> None:
    """Draw the run in `folder` into the PNG `out`."""
    groups = ("sram/nominal", "sram/monte_carlo", "sense_amp/monte_carlo", "reram/nominal", "reram/monte_carlo")
    sram, cells, latches, reram, programmed = (read_group(folder / "run.h5", name) for name in groups)
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(2, 3, figsize=(11.5, 6.6), dpi=110, layout="constrained")
        butterfly(axes[0, 0], sram, cells)
        offset(axes[0, 1], latches, ModelFile.load(folder / "model.json"))
        hysteresis(axes[0, 2], reram)
        levels(axes[1, 0], programmed)
        ir_drop(axes[1, 1], read_group(folder / "run.h5", "trust/linear"))
        network = (read_group(folder / "run.h5", f"network/{name}") for name in ("accuracy", "reference"))
        accuracy(axes[1, 2], *network)
        figure.savefig(out, metadata={"Software": None}, pil_kwargs={"optimize": True})
    plt.close(figure)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/pictures/overview.py results/STUDY/RUN")
    main(Path(sys.argv[1]), Path(__file__).with_name("overview.png"))
