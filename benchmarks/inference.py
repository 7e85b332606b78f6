"""A network on ReRAM tiles against dense torch: `python -m benchmarks.inference [--json]`.

An MLP 784-512-256-10 of random weights, its 8-bit integer graph laid out on tiles of 128 x 128 by the ReRAM target, a
batch of 1,000 random images; everything that a user's run does for a batch is in the time. Set-up (laying out, ranges,
programming a chip, its effective matrices) is paid once a chip and stands beside. Both sides use one thread, or both
two, as the row says: ours go over the tiles of a layer, torch's over the product. numpy's BLAS uses one thread and the
processor's widest kernels (`bitline.core.blas`), as on the command line. The error is the root mean square deviation of
the logits from the integer graph's, over these.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from bitline.core import blas

blas.choose()  # before numpy is imported

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks.measure import Row, in_turns, main, row
from benchmarks.peers import MISSING, aihwkit_lightning
from circuits.dac import Dac
from circuits.mapping import Mapping
from circuits.tile import TileConfig
from crossbar.tile import crossbar_factory
from nn.graph import Graph
from nn.importers.torch_module import import_module
from nn.networks import find
from nn.placement import PlacedLayer
from nn.quantise import quantise
from nn.targets.reram import Target

SIZES = (784, 512, 256, 10)
BATCH = 1000
RUNS = 5
THREADS = (1, 2)
WIRES = TileConfig(rows=128, cols=128, r_wire_wl=1.0, r_wire_bl=1.0, read_noise=0.0, adc_bits=8)
EIGHT = Dac(bits=8)
TILES = {
    "8-bit DAC and ADC, wires of 1 ohm": replace(WIRES, dac=EIGHT),
    "8-bit DAC and ADC, no wires": replace(WIRES, dac=EIGHT, r_wire_wl=0.0, r_wire_bl=0.0),
    "bit-serial inputs, an ADC a bit, wires of 1 ohm": WIRES,
    "the same, 4 weight slices": replace(WIRES, mapping=Mapping(slice_bits=2)),
    "8-bit DAC and ADC, wires of 1 ohm, 1 % read noise": replace(WIRES, dac=EIGHT, read_noise=0.01),
    "bit-serial inputs, wires of 1 ohm, 1 % read noise": replace(WIRES, read_noise=0.01),
}
MARKS = {
    "8-bit DAC and ADC, wires of 1 ohm": "CrossSim 3.2.0: 5.5",
    "8-bit DAC and ADC, no wires": "CrossSim 3.2.0: 21,006",
    "bit-serial inputs, an ADC a bit, wires of 1 ohm": "CrossSim 3.2.0, no wires: 966",
    "the same, 4 weight slices": "CrossSim 3.2.0, no wires: 513",
    "8-bit DAC and ADC, wires of 1 ohm, 1 % read noise": "CrossSim 3.2.0, no wires: 37",
}


def problem(sizes: tuple[int, ...], batch: int) -> tuple[torch.nn.Module, Graph, Any]:
    """A network of random weights, its integer graph, and images of 8 bits, shape (batch, inputs, 1, 1)."""
    torch.manual_seed(0)
    module = find("mlp")((sizes[0], 1, 1), sizes[-1], hidden=sizes[1:-1]).eval()
    images = np.random.default_rng(0).integers(0, 256, (batch, sizes[0], 1, 1), dtype=np.uint8)
    return module, quantise(import_module(module, images.shape[1:]), images), images


def set_up(config: TileConfig, graph: Graph, images: Any, threads: int = 1) -> tuple[Callable[[], Any], float]:
    """What infers the images on a chip with so many threads, and how long (s) it and its first use took to make."""
    start = time.perf_counter()
    program = Target(crossbar_factory(config), seed=0).compile(graph, images[:100])
    chip = [PlacedLayer.program(layer, program.target.arrays, 0, 0, threads) for layer in program.layers]

    def infer(x: Any) -> Any:
        logits = program.graph.run(x, {placed.layer.name: placed.product(0) for placed in chip})[program.graph.output]
        return logits * program.logit_scale

    infer(images[:1])
    return partial(infer, images), time.perf_counter() - start


def dense(module: torch.nn.Module, images: Any, threads: int = 1) -> Callable[[], Any]:
    """Inference of the images by torch in single precision with so many threads."""
    x = torch.as_tensor(images, dtype=torch.float32) / 255

    def infer() -> Any:
        torch.set_num_threads(threads)
        with torch.inference_mode():
            return module(x)

    return infer


def measure(sizes: tuple[int, ...] = SIZES, batch: int = BATCH, runs: int = RUNS) -> list[Row]:
    """Every row."""
    module, graph, images = problem(sizes, batch)
    exact = graph.logits(images) * graph.output_scale
    lightning = aihwkit_lightning(sizes, 8)
    works: dict[str, Callable[[], Any]] = {f"torch, {n}": dense(module, images, n) for n in THREADS}
    setups = {}
    if lightning:
        works["lightning"] = partial(lightning, torch.as_tensor(images, dtype=torch.float32).flatten(1) / 255)
    set_up(next(iter(TILES.values())), graph, images)  # compiles
    for name, config in TILES.items():
        for n in THREADS:
            works[_settings(name, n)], setups[_settings(name, n)] = set_up(config, graph, images, n)
    times = in_turns(works, runs)
    rows = []
    for name in TILES:
        for n in THREADS:
            key = _settings(name, n)
            off = float(np.sqrt(np.mean((works[key]() - exact) ** 2) / np.mean(exact**2)))
            more = {"images_per_s": batch / times[key], "setup_s": setups[key]}
            if name in MARKS:
                more["mark"] = f"{MARKS[name]} images/s, measured elsewhere, not in this run"
            rows.append(row(_work(sizes, batch), key, times[key], "dense torch", times[f"torch, {n}"], off, **more))
    quiet = _settings("8-bit DAC and ADC, no wires", 1)
    theirs = times.get("lightning", MISSING)
    more = {"images_per_s": batch / times[quiet]}
    rows.append(row(_work(sizes, batch), quiet, times[quiet], "aihwkit-lightning 2.1.0", theirs, None, **more))
    no_wheel = "no wheel for this Python; its source builds with a C++ compiler, OpenBLAS and pybind11"
    rows.append(row(_work(sizes, batch), quiet, times[quiet], "aihwkit", no_wheel, None, **more))
    return rows


def _settings(name: str, threads: int) -> str:
    return name if threads == 1 else f"{name}, {threads} threads"


def _work(sizes: tuple[int, ...], batch: int) -> str:
    return f"MLP {'-'.join(map(str, sizes))}, batch {batch}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    with threadpool_limits(1):
        main("Time a network on ReRAM tiles.", measure)
