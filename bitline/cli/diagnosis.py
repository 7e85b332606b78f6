"""A finished run's network, layer by layer: what each loses on a chip, to what, and what to change."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from bitline.cli.arrays import accuracy_task
from bitline.cli.causes import Causes, advice, causes
from bitline.cli.network import graph_of
from bitline.cli.study import load_study
from bitline.core.model_file import ModelFile
from nn.datasets import load as load_data
from nn.diagnose import Diagnosis, LayerFigures, diagnose
from nn.graph_file import load as load_graph
from nn.targets.reram import Target

_SHOWN = 0.1  # dB


@dataclass(frozen=True)
class Advised:
    """A diagnosis, and what its study could change.

    Args:
        found: the layers' figures.
        causes: that were left out one by one.
    """

    found: Diagnosis
    causes: Causes

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it, the worst layer first."""
        layers = [{**asdict(layer), "advice": advice(layer, self.causes)} for layer in self.found.layers]
        head = {"chip": self.found.chip, "images": self.found.images, "decisions_equal": self.found.equal}
        return {**head, "not_told": list(self.causes.missing), "layers": layers}


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
    return Advised(found, known)


def table(found: Diagnosis) -> Table:
    """The layers on a terminal, the worst first."""
    title = f"chip {found.chip}, {found.images} images, {found.equal:.1%} decided as without errors"
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in ("layer", "matrix", "tiles", "own dB", "all dB", "clipped", "range", "below 0", "costs most (dB)"):
        made.add_column(heading, justify="left" if heading in ("layer", "costs most (dB)") else "right")
    for layer in found.layers:
        made.add_row(
            layer.layer,
            f"{layer.rows} x {layer.cols}",
            str(layer.tiles),
            _decibels(layer.own_db),
            _decibels(layer.accumulated_db),
            f"{layer.saturated:.2%}",
            f"{layer.range_use:.0%}",
            f"{layer.negative:.0%}",
            _costliest(layer),
        )
    return made


def _costliest(layer: LayerFigures) -> str:
    costs = {cause: layer.cost(cause) for cause in layer.without_db}
    most = max(costs, key=lambda cause: costs[cause], default="")
    return f"{most} {costs[most]:.1f}" if most and costs[most] >= _SHOWN else ""


def _decibels(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "exact"
