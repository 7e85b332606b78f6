"""A network on computing SRAM columns: `python -m benchmarks.sram_cim [--json]`.

An MLP 784-512-256-10 of random weights, its integer graph laid out on arrays of 256 rows by the sram-cim target, a
batch of 1,000 images; two's complement weights with a bit a column, bit-serial inputs, mismatch in every cell, noise,
and a converter a column: everything that a user's run does for a batch is in the time, on two threads. Set-up stands
beside.
The error is the root mean square deviation of the logits from the integer graph's, over these: what mismatch and
converters do to a network of random weights, with the cells exact beside it.

Uniform images set every second bit; those of MNIST's density are 0 but for a fifth of the pixels.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks.measure import Row, least, main, row
from bitline.cli.characterise import Work, characterise, fit
from circuits.cim import CimConfig
from circuits.cim_model import ColumnModel
from crossbar.sram_cim import cim_factory
from nn.graph import Graph
from nn.importers.torch_module import import_module
from nn.networks import find
from nn.ops.linear import Linear
from nn.ops.requantise import Requantise
from nn.placement import PlacedLayer
from nn.quantise import Quantisation, quantise
from nn.targets.sram_cim import Target

SIZES = (784, 512, 256, 10)
BATCH = 1000
RUNS = 5
DENSITIES = {"uniform images": 1.0, "images of MNIST's density": 0.19}
ABSENT = "ASiM is in no package registry; its figure was measured apart"
MARKS = {8: "ASiM: 346", 4: "ASiM: 1,222"}


def problem(bits: int, share: float) -> tuple[Graph, Any]:
    """An integer graph of random weights with inputs of `bits`, and images of which a share of pixels is not 0."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    shape = (BATCH, SIZES[0], 1, 1)
    drawn = rng.integers(0, 256, shape) * (rng.random(shape) < share)
    images = drawn.astype(np.uint8)
    how = Quantisation(weight_bits=bits, activation_bits=bits)
    module = find("mlp")(images.shape[1:], SIZES[-1], hidden=SIZES[1:-1]).eval()
    graph = quantise(import_module(module, images.shape[1:]), images, how)
    less = 8 - bits  # the quantiser's inputs have 8 bits: the first layer takes fewer, and its products count for more
    linear, product = next((node, node.operator) for node in graph.nodes if isinstance(node.operator, Linear))
    after, scaled = next((node, node.operator) for node in graph.nodes if isinstance(node.operator, Requantise))
    first = replace(linear, operator=replace(product, bias=product.bias >> less))
    then = replace(after, operator=replace(scaled, shift=scaled.shift - less))
    return replace(graph.rewired([first, then]), input_bits=bits), images >> less


def set_up(config: CimConfig, graph: Graph, images: Any) -> tuple[Callable[[], Any], float]:
    """What infers the images on a chip, and how long (s) it took to make it, its first use included."""
    start = time.perf_counter()
    program = Target(cim_factory(config), seed=0).compile(graph, images[:100])
    chip = [PlacedLayer.program(layer, program.target.arrays, 0, 0, threads=2) for layer in program.layers]

    def infer(x: Any) -> Any:
        logits = program.graph.run(x, {placed.layer.name: placed.product(0) for placed in chip})[program.graph.output]
        return logits * program.logit_scale

    infer(images[:1])
    return partial(infer, images), time.perf_counter() - start


def measure() -> list[Row]:
    """All rows."""
    models = fit([characterise(Work("cim_column", samples=80))])
    rows = []
    for bits in (8, 4):
        for density, share in DENSITIES.items():
            graph, images = problem(bits, share)
            truth = graph.logits(images) * graph.output_scale
            for cells in ("mismatch", "equal cells"):
                column = ColumnModel.of(models, variation=cells == "mismatch")
                config = CimConfig(column, cols=64 * bits, weight_bits=bits, sign="offset")
                infer, made = set_up(config, graph, images)
                took, logits = least(infer, RUNS)
                off = float(np.sqrt(np.mean((logits - truth) ** 2) / np.mean(truth**2)))
                settings = f"{bits}-bit inputs and weights, 256 rows, bit-serial, {density}, {cells}, 2 threads"
                more = {"images_per_s": BATCH / took, "set_up_s": made, "mark": MARKS[bits]}
                rows.append(row(f"MLP {'-'.join(map(str, SIZES))}", settings, took, "ASiM", ABSENT, off, **more))
    return rows


if __name__ == "__main__":
    main("Time a network on computing SRAM columns.", measure)
