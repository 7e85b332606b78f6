"""A finished run's network, layer by layer: what each loses on a chip, to what, and what to change."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bitline.cli.advice import Advice, advise, given
from bitline.cli.arrays import accuracy_task
from bitline.cli.causes import causes
from bitline.cli.network import graph_of
from bitline.cli.run_folder import DIAGNOSIS
from bitline.cli.study import load_study
from bitline.cli.terminal import finite
from bitline.cli.trial import Trial, try_out
from bitline.core.model_file import ModelFile
from nn.datasets import load as load_data
from nn.diagnose import Diagnosis, diagnose
from nn.graph_file import load as load_graph
from nn.targets.reram import Target


@dataclass(frozen=True)
class Advised:
    """A diagnosis, and what its study could change.

    Args:
        found: the layers' figures.
        missing: what is not told, and why.
        advice: what to change, the costliest cause first.
        given: what is an input of the technology.
        trial: what the changes bring, where they were tried.
    """

    found: Diagnosis
    missing: tuple[str, ...]
    advice: tuple[Advice, ...]
    given: tuple[str, ...]
    trial: Trial | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it: the worst layer first, and of advice the best, or what answers the costliest cause."""
        document: dict[str, Any] = {
            "chip": self.found.chip,
            "images": self.found.images,
            "decisions_equal": self.found.equal,
            "not_told": list(self.missing),
            "layers": [asdict(layer) for layer in self.found.layers],
            "given": list(self.given),
        }
        if self.trial is None:
            return {**document, "advice": [each.to_json() for each in self.advice]}
        trial = self.trial
        tried = [{**each.advice.to_json(), **each.to_json()} for each in trial.tried]
        base = {"chips": trial.chips, "images": trial.images, "accuracy": trial.accuracy}
        return {**document, "tried_on": base, "advice": tried}

    def write(self, folder: Path) -> None:
        """Keep it beside the run, for its report."""
        text = json.dumps(finite(self.to_json()), indent=1, allow_nan=False)
        (folder / DIAGNOSIS).write_text(f"{text}\n", encoding="utf-8")


def diagnose_run(folder: Path, images: int, chip: int) -> Advised:
    """Take the network of a finished run apart on one of its chips.

    Args:
        folder: of the run.
        images: of the test part, the first so many.
        chip: its number; that of a chip which the run did not sample is one more of the same kind.

    Raises:
        BitlineError: the run can't be read back.
    """
    study, models = load_study(folder / "config.toml"), ModelFile.load(folder / "model.json")
    file = graph_of(folder)
    task, graph, data = accuracy_task(study, models, file), load_graph(file), load_data(study.network.data)
    target: Target = task.target  # type: ignore[assignment] # accuracy_task made it
    program = target.compile(graph, data.train_x[: task.calibration])
    known = causes(study, models, file)
    found = diagnose(program, graph, data.test_x[:images], chip, known.without, known.probe)
    advised = tuple(advise(study, models, file, found))
    return Advised(found, known.missing, advised, tuple(given(study, found)))


def tried(folder: Path, advised: Advised, images: int, chips: int, workers: int) -> Advised:
    """The same with every change tried; see `bitline.cli.trial.try_out`."""
    study, models = load_study(folder / "config.toml"), ModelFile.load(folder / "model.json")
    return replace(advised, trial=try_out(folder, study, models, advised.advice, chips, images, workers))
