"""Array products that ngspice computed again: currents or bit lines, errors, and the voltage that wires take."""

from __future__ import annotations

from typing import Any

import numpy as np

from bitline.cli.report.chart import BLUE, GREY, chart, colorbar, line, plot, points, scale, single, titled
from bitline.cli.report.markup import card, quantity, relative
from bitline.cli.report.section import Block, Section
from bitline.cli.report.source import Columns, Floats, RunSource
from bitline.core.figures import MODELLED, SIMULATED

_COLUMNS, _VOLTAGES = "trust/columns", "trust/voltages"
_WHAT = {"linear": "linear cells", "cells": "transistor-level cells"}


def _currents(name: str) -> tuple[Block, Block]:
    """Blocks: a group's bit-line currents against ngspice's, and their error."""

    def read(run: RunSource) -> tuple[Floats, Floats, Floats]:
        products = run.group(f"trust/{name}")
        fast, slow = (np.asarray(products.valid(column), dtype=np.float64) for column in ("fast", "ngspice"))
        return fast, slow, np.asarray(products.valid("error"), dtype=np.float64)

    def against(run: RunSource) -> str:
        fast, slow, error = read(run)
        factor, unit = scale(slow, "A")
        figure = chart(titled("ngspice", unit), titled("fast solver", unit))
        ends = np.array([min(slow.min(), 0.0), slow.max()]) * factor
        figure.add_trace(line(ends, ends, "equal", GREY, line={"width": 1}))
        figure.add_trace(points(slow.ravel() * factor, fast.ravel() * factor, "bit lines", BLUE, opacity=0.6))
        said = f"{slow.size} bit-line currents of {len(slow)} products"
        caption = f"{said}; largest error {relative(error.max())} of the largest current."
        return card(f"Currents, {_WHAT[name]}", plot(figure, caption), caption, [MODELLED, SIMULATED])

    def errors(run: RunSource) -> str:
        fast, slow, _ = read(run)
        largest = np.abs(slow).max(axis=tuple(range(1, slow.ndim)), keepdims=True)
        apart = np.abs(fast - slow) / largest
        factor, unit = scale(slow, "A")
        figure = chart(titled("ngspice", unit), "|error| / largest current")
        shown = np.where(apart > 0, apart, np.nan)
        if (apart > 0).any():
            decades = np.log10([np.nanmin(shown), np.nanmax(shown)])
            around = [float(np.floor(decades[0])), float(np.ceil(decades[1]))]
            figure.update_yaxes(type="log", exponentformat="power", dtick=1, range=around)
        figure.add_trace(points(slow.ravel() * factor, shown.ravel(), "bit lines", BLUE, opacity=0.6))
        caption = "Difference of each bit line's current, over the largest current of its product."
        if (apart == 0).any():
            caption += f" {np.sum(apart == 0)} of {apart.size} agree to the last bit and are not drawn."
        return card(f"Error, {_WHAT[name]}", plot(figure, caption), caption, [MODELLED, SIMULATED])

    return against, errors


def _drop(run: RunSource) -> str:
    """The IR-drop heat map of the tile whose wires take most."""
    drops = np.asarray(run.group("trust/linear").valid("drop"), dtype=np.float64)
    worst = int(np.argmax(drops.reshape(len(drops), -1).max(axis=1)))
    drop = drops[worst]
    factor, unit = scale(drop, "V")
    figure = chart("bit line", "word line", showlegend=False)
    figure.add_heatmap(
        z=single(drop * factor),
        colorscale="Viridis",
        colorbar=colorbar(unit),
        hovertemplate="word line %{y}, bit line %{x}: %{z:.3g} " + unit + "<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=False)
    most = quantity(float(drop.max()), "V")
    caption = (
        f"Read voltage that the wires take from the {drop.shape[0]} x {drop.shape[1]} programmed cells of a tile with "
        f"every word line driven, which is its worst: {most} at most. Word lines are driven from the left, bit lines "
        "sensed below the last word line."
    )
    return card("IR drop of a tile", plot(figure, caption), caption, [MODELLED])


def _beside_ngspice(products: Columns) -> tuple[Any, Floats]:
    """Bit lines' voltages at speed against ngspice's: a chart, and ngspice's, shape (products, bit lines)."""
    fast, slow = (np.asarray(products.valid(name), dtype=np.float64) for name in ("fast_v", "ngspice_v"))
    figure = chart("ngspice (V)", "array (V)")
    ends = np.array([slow.min(), slow.max()])
    figure.add_trace(line(ends, ends, "equal", GREY, line={"width": 1}))
    figure.add_trace(points(slow.ravel(), fast.ravel(), "bit lines", BLUE, opacity=0.6))
    return figure, slow


def _columns(run: RunSource) -> str:
    """Bit lines of computing columns against ngspice's."""
    products = run.group(_COLUMNS)
    figure, slow = _beside_ngspice(products)
    cells = " x ".join(map(str, products.valid("bits").shape[1:]))
    error, codes = (float(np.max(products.valid(name))) for name in ("error", "codes"))
    caption = (
        f"{slow.size} bit lines of {len(slow)} products, with every transistor of {cells} cells and its mismatch in "
        f"ngspice; largest error {relative(error)} of full scale, {codes:.2g} steps of the converter."
    )
    return card("Bit lines of whole columns", plot(figure, caption), caption, [MODELLED, SIMULATED])


def _voltages(run: RunSource) -> str:
    """Floating bit lines against ngspice's."""
    products = run.group(_VOLTAGES)
    figure, slow = _beside_ngspice(products)
    cells = " x ".join(map(str, products.valid("g").shape[1:]))
    caption = (
        f"Settled voltages of floating bit lines, {len(slow)} blocks of up to {cells} linear cells with wires; largest "
        f"error {relative(float(np.max(products.valid('error'))))}."
    )
    return card("Bit lines read by voltage", plot(figure, caption), caption, [MODELLED, SIMULATED])


def _of(block: Block, group: str) -> Block:
    """A block of runs that have a group; "" is for those that have neither of the others'."""

    def shown(run: RunSource) -> str:
        own = group in run.groups if group else not {_COLUMNS, _VOLTAGES} & set(run.groups)
        return block(run) if own else ""

    return shown


_TILES = (_drop, *_currents("linear"), *_currents("cells"))
_BLOCKS = (*(_of(block, "") for block in _TILES), _of(_columns, _COLUMNS), _of(_voltages, _VOLTAGES))

SECTION = Section(14, "Arrays", _BLOCKS, "trust")
