"""nn: train, quantise and infer on sampled chips of ReRAM crossbars, on the digits of scikit-learn."""

from __future__ import annotations

from functools import partial

import numpy as np

from circuits.tile import TileConfig
from circuits.variation import load_spread
from crossbar.tile import crossbar_factory
from nn.datasets import load
from nn.importers.torch_module import import_module
from nn.networks import find
from nn.quantise import quantise
from nn.statistics import accuracy_interval
from nn.targets.reram import Target
from nn.train import Training, train


def main() -> None:
    """Infer the digits on five chips."""
    data = load("digits")  # or "mnist", an .npz, a folder of idx files
    build = partial(find("mlp"), data.train_x.shape[1:], 10, hidden=(32,))
    network = train(build, data.train_x, data.train_y, Training(epochs=20, seed=7))
    graph = quantise(
        import_module(network, data.train_x.shape[1:]), data.train_x[:500]
    )  # any torch module whose layers are known
    print(f"integers: {np.mean(graph.logits(data.test_x).argmax(axis=1) == data.test_y):.2%}")

    spread = load_spread("wan2022")
    tile = TileConfig(rows=64, cols=64, programming_sigma=spread.sigma, read_noise=0.01)
    program = Target(crossbar_factory(tile), seed=7).compile(graph, data.train_x[:500])
    chips = [program.run(data.test_x, chip) for chip in range(5)]

    correct = np.stack([chip.logits.argmax(axis=1) == data.test_y for chip in chips])
    found = accuracy_interval(correct)
    print(f"arrays: {found.value:.2%}, 95 % interval {found.low:.2%} to {found.high:.2%}")
    for name, figure in chips[0].energy.items():
        print(f"energy {name}: {figure.value * 1e12:.1f} pJ an image, {figure.kind} {figure.source}")


if __name__ == "__main__":
    main()
