"""Fine-tuning with one chip in the loop, layer by layer.

The chip's layers are programmed one after the other. What each gives for training images, all before it being on the
chip too, is measured, and the rest of the network is tuned on that in software before the next layer is programmed with
its tuned weights ("chip-in-the-loop progressive model fine-tuning": Wan et al., Nature 608, 504, 2022). So later layers
make up for what this chip's earlier ones do, and no gradient has to be found through arrays.

What is digital of a programmed layer, its bias and the multipliers that follow, is tuned until a layer that it feeds is
programmed. Weights on the chip never change.
"""

from __future__ import annotations

from dataclasses import dataclass

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.datasets.dataset import Images
from nn.float_graph import FloatGraph
from nn.graph import Graph
from nn.product_inputs import products
from nn.targets.reram import Target
from nn.train import Progress, reproducible
from nn.tuning.descent import Descent, Settings
from nn.tuning.growing_chip import GrowingChip
from nn.tuning.shadows import unrounded
from nn.tuning.trainable import TrainableGraph


@dataclass(frozen=True)
class ChipTuning(Settings):
    """How a network is tuned to a chip: what all ways of tuning have (see `Settings`), its steps after every layer.

    Args:
        images: training images, the first so many, that each layer is measured with.
    """

    steps: int = 50
    rate: float = 5e-3
    images: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.images < 1:
            raise ConfigError(f"tuning: images = {self.images} must be 1 or more")


def tune_chip(
    graph: Graph,
    images: Images,
    labels: IntArray,
    target: Target,
    number: int,
    calibration: Images,
    how: ChipTuning | None = None,
    network: FloatGraph | None = None,
    progress: Progress | None = None,
) -> Graph:
    """Tune an integer graph to one chip; the same bits on a rerun on the same machine.

    Args:
        graph: as nn.quantise or nn.tuning.tune made it.
        images: training images (n, *input_shape), unsigned integers.
        labels: (n,).
        target: the hardware; where it calibrates chips, each layer is corrected before the rest is tuned.
        number: of the chip.
        calibration: the images that `target.compile` is given for the graph that comes out.
        how: steps after every layer, images, rate, seed.
        network: the float network that the graph was quantised from: weights start unrounded, and it is the teacher
            of a distillation.
        progress: called with (steps done, steps in all), every few steps.

    Returns:
        The graph that this chip holds: ``target.compile(it, calibration).run(x, number)`` runs on the very cells that
        were measured.

    Raises:
        ConfigError: fewer images than a batch, distillation without a float network, an operator without gradient,
            what the target can't map, or the loss is no longer finite.
    """
    how = how or ChipTuning()
    images, labels = images[: how.images], labels[: how.images]
    how.check(len(images), network)
    taught = network.logits(images) if network is not None and how.distillation else None
    layers = len(products(graph))
    chip = GrowingChip(target, number, graph, calibration, images)
    with reproducible(how.seed):
        model = TrainableGraph(graph, unrounded(graph, network) if network is not None else None)
        for place in range(layers):
            now = model.graph()
            node = products(now)[place]
            chip.place(now, node)
            frontier = chip.frontier(now)
            descent = Descent(model, how, model.parameters_after(frontier, chip.fixed))
            for done, chosen in enumerate(how.batches(len(images), number, node.name), start=1):
                logits = model.after(chip.given(now, frontier, chosen))
                descent.step(logits, labels[chosen], None if taught is None else taught[chosen])
                if progress is not None and (done % 10 == 0 or done == how.steps):
                    progress(place * how.steps + done, layers * how.steps)
    return model.graph()
