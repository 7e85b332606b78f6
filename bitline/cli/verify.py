"""The whole ladder of trust for a finished run, on cases that neither its fits nor the run itself saw."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bitline.cli.arrays import accuracy_task, tile_config
from bitline.cli.characterise import Characterised, read_characterised, run_stage
from bitline.cli.ladder import SOLVER_LIMIT, Rung, comparison, model_rungs, product_rungs
from bitline.cli.netlist_network import Compared, compare
from bitline.cli.network import graph_of
from bitline.cli.run_folder import JOURNAL, VERIFICATION, partial_folder, writing
from bitline.cli.stages import study_key
from bitline.cli.study import Study, load_study
from bitline.cli.summary import read_summary
from bitline.cli.trust import product_tasks
from bitline.core.errors import ConfigError
from bitline.core.executor import Record, Task
from bitline.core.executors import executor
from bitline.core.model_file import ModelFile, Residual
from bitline.core.samples import Samples
from bitline.core.store import Journal
from circuits.technology import load_technology
from nn.graph_file import load as load_graph
from nn.study import AccuracyTask
from spice.devices import against_library

CARD_LIMIT = 2e-4  # of flat cards against the library, relative
LOGIT_LIMIT = 1e-3  # of the largest logit
NETLIST_SIZE = 64  # word and bit lines; ngspice takes a minute for a product of 128 x 128 cells


@dataclass(frozen=True)
class NetworkFigures:
    """A network inferred wholly as netlists, against the same at speed.

    Args:
        images: so inferred.
        decisions_equal: of them, those with the same decision.
        logit_error: max |difference| / max |logit| over them.
        current_error: max |difference| / max |current| over their bit lines, before any converter.
        margin_ratio: the largest share that twice the difference of an image's logits takes of the margin between its
            two best classes; below 1 no decision can have changed.
        undecided: share of all test images whose margin is not above twice the largest difference of a logit.
        images_undecided: how many they are.
        images_all: how many there are.
    """

    images: int
    decisions_equal: int
    logit_error: float
    current_error: float
    margin_ratio: float
    undecided: float
    images_undecided: int
    images_all: int

    @staticmethod
    def of(found: Compared) -> NetworkFigures:
        """Of a comparison."""
        count = len(found.every)
        return NetworkFigures(
            images=len(found.slow),
            decisions_equal=found.decisions_equal,
            logit_error=float(np.abs(found.logit_errors).max()),
            current_error=float(found.current_error.max()),
            margin_ratio=found.margin_ratio,
            undecided=found.undecided,
            images_undecided=round(found.undecided * count),
            images_all=count,
        )


@dataclass(frozen=True)
class Verification:
    """What climbing the ladder found.

    Args:
        rungs: from the transistor up.
        network: of the images inferred wholly as netlists; None if the network is too large for that.
    """

    rungs: tuple[Rung, ...]
    network: NetworkFigures | None = None

    def write(self, folder: Path) -> None:
        """Keep it beside the run, for its report."""
        (folder / VERIFICATION).write_text(json.dumps(self.to_json(), indent=1) + "\n", encoding="utf-8")

    def to_json(self) -> dict[str, object]:
        """As JSON holds it; what was not climbed is left out."""
        ladder = [{**vars(rung), "holds": rung.holds} for rung in self.rungs]
        return {"ladder": ladder} if self.network is None else {**vars(self.network), "ladder": ladder}


@dataclass(frozen=True)
class _Run:
    """A finished run, read back, and where what is simulated for it is kept until all of it is there."""

    study: Study
    models: ModelFile
    parts: list[Characterised]
    task: AccuracyTask
    key: str
    journals: Path
    workers: int

    def fresh(self, title: str, task: Task, indices: range) -> Samples:
        """Samples of these indices, numbered from 0."""
        journal = self.journals / f"{title.replace(':', '').replace(' ', '_')}{JOURNAL}"
        return run_stage(title, _From(task, indices.start), len(indices), executor(1), journal, self.key)


@dataclass(frozen=True)
class _From:
    """Task: the samples of another from number `first` on."""

    task: Task
    first: int

    def prepare(self) -> Any:
        """As the task's."""
        return self.task.prepare()

    def run(self, context: Any, index: int) -> Record:
        """Sample `first` + `index`."""
        return self.task.run(context, self.first + index)


def verify(folder: Path, samples: int, products: int, images: int, workers: int = 1) -> Verification:
    """Climb the ladder for a finished run, or go on with it where it was stopped.

    Args:
        folder: of the run.
        samples: fresh mismatch samples of each part.
        products: fresh products of tiles.
        images: inferred wholly as netlists, where the tiles are at most 64 x 64.
        workers: processes that infer them.

    Raises:
        BitlineError: the run can't be read back, or ngspice is missing; what was simulated stays for the next try.
    """
    study, models = load_study(folder / "config.toml"), ModelFile.load(folder / "model.json")
    key = study_key(study)
    if key != read_summary(folder).hash:
        raise ConfigError(
            f"{folder / 'config.toml'} does not give this run any more: bitline, the technology, the data or that file "
            "changed since; run the study again"
        )
    graph = graph_of(folder)
    load_graph(graph)  # a damaged one is told before anything is simulated
    task = accuracy_task(study, models, graph)
    key = hashlib.sha256(f"verify {key} {samples} {products} {images}".encode()).hexdigest()
    with writing(partial_folder(folder, key)) as journals:
        run = _Run(study, models, read_characterised(folder), task, key, journals, workers)
        below = [_cards(run), *_models(run, samples), *_products(run, products)]
        found = _network(run, images, tuple(below))
        found.write(folder)
        shutil.rmtree(journals)
    return found


def _cards(run: _Run) -> Rung:
    what, against = "single transistors on flat cards", "the foundry's own library in ngspice"
    conditions = run.parts[0].conditions
    try:
        errors = against_library(load_technology(conditions.technology), conditions)
    except ConfigError as missing:
        return Rung(0, what, str(missing), 0)
    return comparison(0, what, against, errors, "1", CARD_LIMIT)


def _models(run: _Run, samples: int) -> list[Rung]:
    residuals: dict[str, Residual] = {}
    failed: dict[str, int] = {}
    for found in run.parts:
        task = found.part.monte_carlo(found.conditions)
        first = found.samples.count if found.samples is not None else 0
        fresh = run.fresh(f"rung 1: {found.name.replace('_', ' ')}", task, range(first, first + samples))
        failed[found.name] = len(fresh.failures)
        if len(fresh.failures) < fresh.count:
            checked = found.part.check(run.models.models, found.nominal, fresh)
            residuals |= checked
            failed |= dict.fromkeys((name.partition(".")[0] for name in checked), len(fresh.failures))
    rungs = model_rungs(run.models, residuals, "fresh ngspice samples")
    return [replace(rung, failed=failed.get(rung.what.removeprefix("model ").partition(".")[0], 0)) for rung in rungs]


def _products(run: _Run, products: int) -> list[Rung]:
    first = max(run.study.accuracy.chips, run.study.trust.products)
    return product_rungs(
        {
            name: run.fresh(f"rung 2: {name} products", task, range(first, first + products))
            for name, task in product_tasks(run.study, run.models, run.task).items()
        }
    )


def _network(run: _Run, images: int, below: tuple[Rung, ...]) -> Verification:
    what, against = "the network's logits, linear cells", "the same images wholly in ngspice, wires included"
    if run.study.target == "sram-cim":
        why = "netlists of whole columns take ngspice minutes a product"
        return Verification((*below, Rung(3, "the network's logits", why, 0)))
    if run.study.array.sensing == "voltage":
        why = "netlists are of tiles that are read by current; rung 2 has those read by voltage"
        return Verification((*below, Rung(3, "the network's logits", why, 0)))
    config = tile_config(run.study, run.models)
    if max(config.rows, config.cols) > NETLIST_SIZE or not images:
        size = f"{config.rows} x {config.cols}"
        why = f"tiles of {size} take ngspice minutes an image; examples/digits_spice.toml has small ones"
        return Verification((*below, Rung(3, what, why if images else "no images were asked for", 0)))
    chip = run.study.accuracy.chips  # the first that the run has not seen
    with Journal(run.journals / f"rung_3{JOURNAL}", run.key) as store:
        found = compare(run.task, config, chip, images, run.workers, store)
    count = len(found.slow)
    rungs = (
        comparison(3, "currents before converters, linear cells", against, found.current_error, "1", SOLVER_LIMIT),
        replace(comparison(3, what, against, found.logit_errors, "1", LOGIT_LIMIT), cases=count),
        _decisions(found, against),
    )
    return Verification((*below, *rungs), NetworkFigures.of(found))


def _decisions(found: Compared, against: str) -> Rung:
    differ = (found.slow.argmax(axis=1) != found.fast.argmax(axis=1)).astype(float)
    return comparison(3, "the network's decisions, 1 where they differ", against, differ, "1", 0.0)
