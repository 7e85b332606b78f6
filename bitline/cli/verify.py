"""The whole ladder of trust for a finished run, on cases that neither its fits nor the run itself saw."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bitline.cli.arrays import accuracy_task, netlist_tasks, tile_config
from bitline.cli.characterise import Characterised, read_characterised
from bitline.cli.ladder import Rung, comparison, model_rungs, product_rungs
from bitline.cli.pipeline import study_key
from bitline.cli.run_folder import VERIFICATION
from bitline.cli.study import Study, load_study
from bitline.cli.summary import read_summary
from bitline.cli.terminal import progress
from bitline.cli.trust import product_tasks
from bitline.core.errors import ConfigError
from bitline.core.executor import Task
from bitline.core.executors import executor
from bitline.core.model_file import ModelFile, Residual
from bitline.core.samples import Samples, collect
from bitline.core.store import MemoryStore
from circuits.technology import load_technology
from nn.study import AccuracyTask
from spice.array import resistor_cells
from spice.devices import against_library

CARD_LIMIT = 2e-4  # of flat cards against the library, relative
LOGIT_LIMIT = 1e-3  # of the largest logit
NETLIST_SIZE = 64  # word and bit lines; ngspice takes a minute for a product of 128 x 128 cells


@dataclass(frozen=True)
class Verification:
    """What climbing the ladder found.

    Args:
        rungs: from the transistor up.
        images: inferred wholly as netlists; 0 if the network is too large for that.
        decisions_equal: of them, those with the same decision.
        logit_error: max |difference| / max |logit| over them; None without images.
    """

    rungs: tuple[Rung, ...]
    images: int = 0
    decisions_equal: int = 0
    logit_error: float | None = None

    def write(self, folder: Path) -> None:
        """Keep it beside the run, for its report."""
        (folder / VERIFICATION).write_text(json.dumps(self.to_json(), indent=1) + "\n", encoding="utf-8")

    def to_json(self) -> dict[str, object]:
        """As JSON holds it; what was not climbed is left out."""
        ladder = [{**vars(rung), "holds": rung.holds} for rung in self.rungs]
        if self.logit_error is None:
            return {"ladder": ladder}
        equal = {"decisions_equal": self.decisions_equal, "logit_error": self.logit_error}
        return {"images": self.images, **equal, "ladder": ladder}


@dataclass(frozen=True)
class _Run:
    """A finished run, read back."""

    study: Study
    models: ModelFile
    parts: list[Characterised]
    task: AccuracyTask


def verify(folder: Path, samples: int, products: int, images: int) -> Verification:
    """Climb the ladder for a finished run.

    Args:
        folder: of the run.
        samples: fresh mismatch samples of each part.
        products: fresh products of tiles.
        images: inferred wholly as netlists, where the tiles are at most 64 x 64.

    Raises:
        BitlineError: the run can't be read back, or ngspice is missing.
    """
    study, models = load_study(folder / "config.toml"), ModelFile.load(folder / "model.json")
    if study_key(study) != read_summary(folder).hash:
        raise ConfigError(
            f"{folder / 'config.toml'} does not give this run any more: bitline, the technology, the data or that file "
            "changed since; run the study again"
        )
    task = accuracy_task(study, models, folder / "network" / "graph.npz")
    run = _Run(study, models, read_characterised(folder), task)
    below = [_cards(run), *_models(run, samples), *_products(run, products)]
    return _network(run, images, tuple(below))


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
        fresh = _fresh(f"rung 1: {found.name.replace('_', ' ')}", task, range(first, first + samples))
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
            name: _fresh(f"rung 2: {name} products", task, range(first, first + products))
            for name, task in product_tasks(run.study, run.models, run.task).items()
        }
    )


def _network(run: _Run, images: int, below: tuple[Rung, ...]) -> Verification:
    what, against = "the network's logits, linear cells", "the same images wholly in ngspice, wires included"
    if run.study.target == "sram-cim":
        why = "netlists of whole columns take ngspice minutes a product"
        return Verification((*below, Rung(3, "the network's logits", why, 0)))
    config = tile_config(run.study, run.models)
    if max(config.rows, config.cols) > NETLIST_SIZE or not images:
        size = f"{config.rows} x {config.cols}"
        why = f"tiles of {size} take ngspice minutes an image; examples/digits_spice.toml has small ones"
        return Verification((*below, Rung(3, what, why if images else "no images were asked for", 0)))
    chip = run.study.accuracy.chips  # the first that the run has not seen
    tasks = netlist_tasks(run.task, config, resistor_cells, images)
    with progress("rung 3: images in ngspice", 2) as advance:
        logits = []
        for task in tasks:
            logits.append(np.asarray(task.run(task.prepare(), chip)["logits"], dtype=np.float64))
            advance(1)
    fast, slow = logits
    errors = (fast - slow) / np.abs(slow).max()
    differ = fast.argmax(axis=1) != slow.argmax(axis=1)
    logits_rung = replace(comparison(3, what, against, errors, "1", LOGIT_LIMIT), cases=len(slow))
    decided = comparison(3, "the network's decisions, 1 where they differ", against, differ, "1", 0.0)
    equal = len(slow) - int(differ.sum())
    return Verification((*below, logits_rung, decided), len(slow), equal, float(np.abs(errors).max()))


def _fresh(title: str, task: Task, indices: range) -> Samples:
    """Samples of these indices, numbered from 0."""
    store = MemoryStore()
    with progress(title, len(indices)) as advance:
        for index, outcome in executor(1).map(task, indices):
            store.append(index - indices.start, outcome)
            advance(1)
    return collect(store, len(indices))
