"""Where a network loses its accuracy on arrays: every layer's error, and what it comes from.

The error of a layer is told twice: its *own* error is against the exact integer product of the same inputs, the
*accumulated* one against what the layer gives in a network without any error. Both are ratios of signal to error,
10 log10(sum of squares of the exact outputs / sum of squares of the differences), in dB.

What an error comes from is found by leaving it out: the layer computes the same inputs again on the same chip (equal
cells, equal draws of noise) without one cause. Causes are not independent, so what each costs need not add up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from crossbar.adjoint import Readout
from nn.calibration import Correction, fit_codes, fit_layer
from nn.graph import Graph
from nn.placement import PlacedLayer
from nn.target import ArrayFactory, Images
from nn.targets.reram import ReramProgram

_SAMPLED = 4096  # vectors of a layer that its use of the range is found on
_BATCH = 0  # whose noise is drawn

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Without:
    """Arrays without one cause of errors.

    Args:
        arrays: makes them.
        wider: by what their converters' range is larger.
    """

    arrays: ArrayFactory
    wider: float = 1.0


@runtime_checkable
class Wired(Protocol):
    """An array that tells what its wires take."""

    @property
    def matrix(self) -> Floats:
        """Effective conductances with wires (S), shape (word lines, bit lines)."""

    @property
    def conductances(self) -> Floats:
        """Those of its cells (S), likewise."""

    @property
    def readout(self) -> Readout:
        """Its lines in use."""


@dataclass(frozen=True)
class LayerFigures:
    """What one layer does on one chip.

    Args:
        layer: its name.
        number: of it in the network, from 0.
        kind: of its operator, as "conv2d".
        rows: inputs of its matrix.
        cols: outputs.
        tiles: arrays that hold it.
        vectors: products of an image.
        own_db: signal to own error, dB.
        accumulated_db: signal to accumulated error, dB.
        saturated: share of conversions.
        range_use: of the converters' range, what its inputs need on ideal cells; above 1 some saturate.
        negative: share of exact outputs below 0, which a ReLU drops.
        fitted_db: as `own_db`; on a calibrated chip with gains and biases fitted to these very inputs.
        offset_db: as `own_db`, once an offset of each output is taken back that is fitted to these very inputs.
        gain_db: likewise, a gain of each output too: what is left is the part that no calibration takes back.
        without_db: the same with one cause left out, dB, by cause.
        wire_loss: share of the current that wires take on the worst tile with every input driven alike; None where
            arrays have none that are modelled.
        worst_tile: its place (row, column of tiles); None likewise.
    """

    layer: str
    number: int
    kind: str
    rows: int
    cols: int
    tiles: int
    vectors: int
    own_db: float
    accumulated_db: float
    saturated: float
    range_use: float
    negative: float
    fitted_db: float
    offset_db: float
    gain_db: float
    without_db: Mapping[str, float]
    wire_loss: float | None = None
    worst_tile: tuple[int, int] | None = None

    def cost(self, cause: str) -> float:
        """What a cause takes of the ratio of signal to own error, dB; below 0 it makes up for something else."""
        return self.without_db[cause] - self.fitted_db if math.isfinite(self.fitted_db) else 0.0


@dataclass(frozen=True)
class Diagnosis:
    """What a chip does to a network.

    Args:
        chip: its number.
        images: how many it inferred.
        equal: share of them that it decides as the exact network does.
        layers: the one with the lowest ratio of signal to own error first.
    """

    chip: int
    images: int
    equal: float
    layers: tuple[LayerFigures, ...]


def diagnose(
    program: ReramProgram,
    graph: Graph,
    images: Images,
    chip: int,
    without: Mapping[str, Without],
    probe: ArrayFactory | None = None,
) -> Diagnosis:
    """Infer images on a chip and take every layer apart.

    Args:
        program: the network on its arrays.
        graph: the network that it was compiled from.
        images: the first ones are taken, up to what `Graph.batch` computes at once.
        chip: its number.
        without: arrays as the program's, each without one cause.
        probe: arrays whose `required_range` says what the range use is of; None for the program's.

    Raises:
        ConfigError: no images.
    """
    if not len(images):
        raise ConfigError("diagnose: no images")
    images = images[: graph.batch(len(images))]
    settings = program.target
    exact = graph.run(images)
    placed, coded = program.chip(chip)
    found = coded.run(images, {each.layer.name: each.product(_BATCH) for each in placed})
    figures = []
    for number, each in enumerate(placed):
        name = each.layer.name
        x = found[coded.node(name).inputs[0]]
        case = _Case(number, each, x, found[name], exact[name], settings.calibration.correction)
        figures.append(case.figures(Without(settings.arrays), without, probe or settings.arrays))
    equal = exact[graph.output].argmax(axis=-1) == found[coded.output].argmax(axis=-1)
    return Diagnosis(chip, len(images), float(equal.mean()), tuple(sorted(figures, key=lambda each: each.own_db)))


@dataclass(frozen=True, eq=False)
class _Case:
    """A layer on its arrays: its number, inputs x, codes given, what the exact network gives, and what is fitted."""

    number: int
    placed: PlacedLayer
    x: IntArray
    codes: IntArray
    ideal: IntArray
    correction: Correction

    def figures(self, own: Without, without: Mapping[str, Without], probe: ArrayFactory) -> LayerFigures:
        layer, counts = self.placed.layer, self.placed.counts()
        product = layer.operator.run(self.x)
        given = self.codes * self.placed.worth
        fitted = given if self.correction == "none" else self._again(own, product)
        loss, place = self._wires()
        return LayerFigures(
            layer=layer.name,
            number=self.number,
            kind=type(layer.operator).__name__.lower(),
            rows=layer.operator.rows,
            cols=layer.operator.cols,
            tiles=len(layer.tiles),
            vectors=math.prod(layer.operator.vector_shape(self.x.shape[1:])),
            own_db=_ratio(product, given),
            accumulated_db=_ratio(self.ideal, given),
            saturated=counts["saturated"] / counts["conversions"],
            range_use=self._range_use(probe),
            negative=float(np.mean(self.ideal < 0)),
            fitted_db=_ratio(product, fitted),
            offset_db=_ratio(product, self._corrected(product, gains=False)),
            gain_db=_ratio(product, self._corrected(product, gains=True)),
            without_db={cause: _ratio(product, self._again(arrays, product)) for cause, arrays in without.items()},
            wire_loss=loss,
            worst_tile=place,
        )

    def _corrected(self, product: IntArray, *, gains: bool) -> Floats:
        """The outputs that the chip gave, in products, with an offset (and a gain) of each fitted to the exact ones."""
        codes = self.codes - self.placed.layer.bias
        bias, worth = fit_codes(codes, product, self.placed.layer.scale, gains=gains)
        return np.asarray((codes + bias) * worth)

    def _again(self, arrays: Without, product: IntArray) -> Floats:
        """The layer's outputs, in products, from the same inputs on other arrays of the same chip.

        On a calibrated chip gains and biases are fitted anew, to these inputs: those of the chip make up for the cause.
        So what a cause costs is told against the chip's own arrays fitted to them as well.
        """
        layer, seed, chip = self.placed.layer, self.placed.seed, self.placed.chip
        wider = replace(layer, full_scale=layer.full_scale * arrays.wider)
        made = PlacedLayer.program(wider, arrays.arrays, seed, chip)
        scale = made.arrays[0].scale
        made = replace(made, layer=layer.ranged(wider.full_scale, scale))
        if self.correction == "none":
            return np.asarray(made.product(_BATCH)(self.x) * scale)
        codes, worth = fit_layer(made, self.x, product, gains=self.correction == "gain", batch=_BATCH)
        return np.asarray(codes * worth)

    def _range_use(self, probe: ArrayFactory) -> float:
        """What the tile that needs most needs, over what all have; on evenly spread vectors."""
        layer = self.placed.layer
        each = math.prod(layer.operator.vector_shape(self.x.shape[1:]))
        images = self.x[:: max(1, len(self.x) * each // _SAMPLED)]
        vectors = layer.vectors(images)
        vectors = vectors[:: max(1, len(vectors) // _SAMPLED)]
        needed = []
        for tile in layer.tiles:
            array = probe(*tile.shape, layer.input_bits)
            array.program(tile.weights(layer.operator.matrices), np.random.default_rng(0))  # ranges are of ideal cells
            needed.append(array.required_range(vectors[:, tile.rows]))
        return max(needed) / layer.full_scale

    def _wires(self) -> tuple[float | None, tuple[int, int] | None]:
        losses = {
            tile.place: _wire_loss(array)
            for tile, array in zip(self.placed.layer.tiles, self.placed.arrays, strict=True)
            if isinstance(array, Wired)
        }
        if not losses:
            return None, None
        worst = max(losses, key=lambda place: losses[place])
        return losses[worst], worst


def _wire_loss(array: Wired) -> float:
    rows, lines = array.readout.rows, array.readout.plus
    if array.readout.minus is not None:
        lines = np.concatenate([lines, array.readout.minus])
    with_wires, alone = (float(g[np.ix_(rows, lines)].sum()) for g in (array.matrix, array.conductances))
    return 1 - with_wires / alone


def _ratio(exact: IntArray, given: np.ndarray[Any, Any]) -> float:
    """Signal to error, dB; infinite without error."""
    signal, error = float(np.sum(np.square(exact, dtype=float))), float(np.sum(np.square(given - exact, dtype=float)))
    return 10 * math.log10(max(signal, 1e-300) / error) if error > 0 else math.inf
