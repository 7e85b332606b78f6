"""A study's network: trained, quantised, and kept beside what it is measured against."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bitline.cli.arrays import CALIBRATION
from bitline.cli.study import Study
from bitline.cli.terminal import progress
from nn.archive import read_arrays, write_arrays
from nn.datasets import load as load_data
from nn.graph_file import graph_hash
from nn.graph_file import load as load_graph
from nn.graph_file import save as save_graph
from nn.study import References


@dataclass(frozen=True, eq=False)
class Network:
    """What the accuracy study takes.

    Args:
        graph: path of the integer graph.
        hash: of the graph.
        references: labels, float and integer logits of the test images that the study infers.
        class_names: of the data.
        data_source: where the data come from.
    """

    graph: Path
    hash: str
    references: References
    class_names: tuple[str, ...]
    data_source: str


def prepare_network(study: Study, folder: Path) -> Network:
    """Train and quantise the study's network, or read it if `folder` holds it already.

    Raises:
        ConfigError: no such data, or they can't be read.
    """
    data = load_data(study.network.data)
    graph, logits = folder / "graph.npz", folder / "references.npz"
    if not (graph.is_file() and logits.is_file()):
        folder.mkdir(parents=True, exist_ok=True)
        _make(study, graph, logits)
    kept = read_arrays(logits)
    references = References(kept["labels"], kept["floats"], kept["integers"])
    return Network(graph, graph_hash(load_graph(graph)), references, data.class_names, data.source)


def _make(study: Study, graph_file: Path, references_file: Path) -> None:
    from nn.importers.torch_module import import_module
    from nn.networks import find
    from nn.quantise import Quantisation, quantise
    from nn.train import Training, logits, train

    settings, data = study.network, load_data(study.network.data)
    sizes = (int(np.prod(data.train_x.shape[1:])), *settings.hidden, len(data.class_names))
    how = Training(epochs=settings.epochs, seed=study.seed)
    title = f"network: training {'-'.join(map(str, sizes))}"
    with progress(title, how.epochs * (len(data.train_x) // how.batch)) as advance:
        steps = 0

        def tell(done: int, _total: int) -> None:
            nonlocal steps
            advance(done - steps)
            steps = done

        network = train(lambda: find("mlp")(sizes), data.train_x, data.train_y, how, tell)
    bits = Quantisation(weight_bits=settings.weight_bits, activation_bits=settings.activation_bits)
    graph = quantise(import_module(network, data.train_x.shape[1:]), data.train_x[:CALIBRATION], bits)
    images = data.test_x[: study.accuracy.images]
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    write_arrays(graph_file.with_name("float.npz"), weights)
    save_graph(graph, graph_file)
    labels = data.test_y[: study.accuracy.images]
    references: dict[str, Any] = {"labels": labels, "floats": logits(network, images), "integers": graph.logits(images)}
    write_arrays(references_file, references)
