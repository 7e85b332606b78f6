"""A study's network: trained or read, quantised, tuned, and kept beside what it is measured against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bitline.cli.arrays import CALIBRATION
from bitline.cli.study import Study
from bitline.cli.terminal import progress
from bitline.core.errors import ConfigError
from nn.archive import read_arrays, write_arrays
from nn.datasets import load as load_data
from nn.graph_file import graph_hash
from nn.graph_file import load as load_graph
from nn.graph_file import save as save_graph
from nn.study import AccuracyTask, References

if TYPE_CHECKING:
    from nn.datasets.dataset import Dataset
    from nn.importers.loading import LoadedNetwork

NETWORK, TUNED = "network", "tuned"  # folders of a run, one in the other
WEIGHTS, TRAINED_SO_FAR = "float.npz", "training.pt"  # of the float network, side by side
_GRAPH, _REFERENCES = "graph.npz", "references.npz"
_TUNED_SO_FAR = "tuning.pt"
_TRAINING = {"epochs", "batch", "rate", "weight_decay", "balance", "smoothing", "weight_noise", "precision"}
_QUANTISATION = {"weight_bits", "activation_bits", "per_channel", "weight_range", "activation_range", "percentile"}
_TUNING = {"steps", "batch", "rate", "distillation", "chip_steps"}


@dataclass(frozen=True, eq=False)
class Network:
    """What the accuracy study takes.

    Args:
        graph: path of the integer graph.
        hash: of the graph.
        references: labels, float and integer logits of the test images that the study infers.
        class_names: of the data.
        data_source: where the data come from.
        weights: file of the float network's weights, where it was trained here.
    """

    graph: Path
    hash: str
    references: References
    class_names: tuple[str, ...]
    data_source: str
    weights: Path


def check_network(study: Study) -> None:
    """See that the network can be built, with its weights if the study has some, and mapped, and fits the data.

    Raises:
        ConfigError: it can't; names the study's key.
    """
    from nn.importers.checked import check_logits

    data = load_data(study.network.data)
    try:
        check_logits(_loaded(study, data, Path()).graph, data.train_x[:1], len(data.class_names))
    except ConfigError as error:
        raise ConfigError(f"[network] model, arguments, checkpoint: {error}") from error


def graph_of(run: Path) -> Path:
    """The integer graph that a finished run's chips ran: the tuned one, if it was tuned."""
    tuned = run / NETWORK / TUNED / _GRAPH
    return tuned if tuned.is_file() else run / NETWORK / _GRAPH


def prepare_network(study: Study, folder: Path, trained: Path | None = None) -> Network:
    """Train or read the study's network and quantise it, or read all of it if `folder` holds it already.

    Args:
        study: the settings.
        folder: of the network.
        trained: file of the float network's weights, read if it is there: studies that differ in quantisation share it.

    Raises:
        ConfigError: no such data or network, or they can't be read.
    """
    data = load_data(study.network.data)
    graph, logits, weights = folder / _GRAPH, folder / _REFERENCES, trained or folder / WEIGHTS
    if not (graph.is_file() and logits.is_file()):
        folder.mkdir(parents=True, exist_ok=True)
        _make(study, data, graph, logits, weights)
    return _kept(graph, logits, data, weights)


def tuned_network(study: Study, network: Network, task: AccuracyTask, folder: Path) -> Network:
    """Fine-tune the study's integer network, or read what `folder` holds already.

    Args:
        study: the settings.
        network: as quantised.
        task: the study's, whose arrays are in the loop.
        folder: of the tuned network.

    Raises:
        ConfigError: settings that don't go together, or a layer that can't be tuned.
    """
    data = load_data(study.network.data)
    graph_file, logits = folder / _GRAPH, folder / _REFERENCES
    if not (graph_file.is_file() and logits.is_file()):
        from nn.tuning.tune import Tuning, tune

        settings, target = study.tuning, task.target
        how = Tuning(**settings.model_dump(include=_TUNING), seed=study.seed)
        loaded = _loaded(study, data, network.weights)
        folder.mkdir(parents=True, exist_ok=True)
        with _told("network: fine-tuning", how.steps) as tell:
            graph = tune(
                load_graph(network.graph),
                data.train_x,
                data.train_y,
                how,
                target if settings.hardware else None,  # type: ignore[arg-type] # accuracy_task made it
                loaded.graph,
                tell,
                folder / _TUNED_SO_FAR,
            )
        save_graph(graph, graph_file)
        references = replace(network.references, integers=graph.logits(data.test_x[: study.accuracy.images]))
        _keep(references, logits)
    return _kept(graph_file, logits, data, network.weights)


def _kept(graph: Path, logits: Path, data: Dataset, weights: Path) -> Network:
    kept = read_arrays(logits)
    references = References(kept["labels"], kept["floats"], kept["integers"])
    return Network(graph, graph_hash(load_graph(graph)), references, data.class_names, data.source, weights)


def _keep(references: References, file: Path) -> None:
    arrays: dict[str, Any] = {name: getattr(references, name) for name in ("labels", "floats", "integers")}
    write_arrays(file, arrays)


def _make(study: Study, data: Dataset, graph_file: Path, references_file: Path, weights: Path) -> None:
    from nn.quantise import Quantisation, quantise

    settings = study.network
    if not (weights.is_file() or settings.checkpoint or settings.model.endswith((".onnx", ".pt2"))):
        _train(study, data, weights)
    network = _loaded(study, data, weights)
    how = Quantisation(**settings.model_dump(include=_QUANTISATION))
    graph = quantise(network.graph, data.train_x[:CALIBRATION], how)
    images = data.test_x[: study.accuracy.images]
    if weights.is_file() and weights.parent != graph_file.parent:
        write_arrays(graph_file.with_name(WEIGHTS), read_arrays(weights))
    save_graph(graph, graph_file)
    labels = data.test_y[: study.accuracy.images]
    _keep(References(labels, _float_logits(network, images), graph.logits(images)), references_file)


def _float_logits(network: LoadedNetwork, images: Any) -> np.ndarray[Any, Any]:
    """By torch where the network is a module, which is faster; else layer by layer."""
    from nn.train import logits

    return logits(network.module, images) if network.module is not None else network.graph.logits(images)


def _loaded(study: Study, data: Dataset, weights: Path) -> LoadedNetwork:
    """The float network with the weights of the study's checkpoint, or with those trained here."""
    from nn.importers.loading import load_network

    settings = study.network
    checkpoint = settings.checkpoint or (weights if weights.is_file() else None)
    return load_network(settings.model, data.train_x.shape[1:], checkpoint, _arguments(study, data))


def _arguments(study: Study, data: Dataset) -> dict[str, Any]:
    """What builds the network: a shipped one is told how many classes there are."""
    from nn.networks import available

    shipped = {"classes": len(data.class_names)} if study.network.model in available() else {}
    return {**shipped, **study.network.arguments}


def _train(study: Study, data: Dataset, weights: Path) -> None:
    from nn.importers.loading import load_module
    from nn.train import Training, train

    settings = study.network
    build = partial(load_module, settings.model, data.train_x.shape[1:], _arguments(study, data))
    how = Training(**settings.model_dump(include=_TRAINING), augment=settings.augment, seed=study.seed)
    with _told(f"network: training {settings.model}", how.epochs * (len(data.train_x) // how.batch)) as tell:
        weights.parent.mkdir(parents=True, exist_ok=True)
        network = train(build, data.train_x, data.train_y, how, tell, weights.with_name(TRAINED_SO_FAR))
    write_arrays(weights, {name: value.numpy() for name, value in network.state_dict().items()})


@contextmanager
def _told(title: str, steps: int) -> Iterator[Callable[[int, int], None]]:
    """A progress bar as training tells of its steps: so many done, of so many."""
    with progress(title, steps) as advance:
        so_far = 0

        def tell(done: int, _total: int) -> None:
            nonlocal so_far
            advance(done - so_far)
            so_far = done

        yield tell
