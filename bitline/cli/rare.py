"""A failure probability: estimated, printed and kept."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bitline.cli.characterise import sources
from bitline.cli.run_folder import JOURNAL, partial_folder, writing
from bitline.cli.terminal import counting, finite, note
from bitline.cli.yield_picture import draw, limits
from bitline.core.executors import executor
from bitline.core.figures import COUNTED, Figure, to_json
from bitline.core.samples import SCHEMA, Group, Samples, collect, write_hdf5
from bitline.core.store import Journal, MemoryStore, Store
from spice.rare.estimate import Curve, Estimate
from spice.rare.methods import estimate
from spice.rare.part import Failure, rare_part, unit

FILES = ("yield.json", "yield.h5", "yield.png")


@dataclass(frozen=True)
class Question:
    """A failure probability that is asked for.

    Args:
        part: what may fail.
        failure: when it does.
        method: of `spice.rare.methods`.
        relative_error: wanted relative standard error.
        most: simulations at most; None for the method's own bound.
    """

    part: str
    failure: Failure
    method: str = "auto"
    relative_error: float = 0.1
    most: int | None = None

    def attrs(self) -> dict[str, str | float | int]:
        """All that the simulations depend on, as HDF5 attributes and provenance hold it."""
        from spice.engine import engine

        hashes = {name: made.hash for name, made in rare_part(self.part).netlists(self.failure).items()}
        return {
            "part": self.part,
            "below": json.dumps(dict(self.failure.below)),
            "above": json.dumps(dict(self.failure.above)),
            "settings": json.dumps(dict(self.failure.settings), sort_keys=True),
            "variation": self.failure.variation,
            **self.failure.conditions.attrs(),
            "method": self.method,
            "relative_error_wanted": self.relative_error,
            "most": self.most or 0,
            "ngspice": engine().version,
            "netlists": json.dumps(hashes, sort_keys=True),
        }


@dataclass(frozen=True)
class Answer:
    """An estimate and what it was made of.

    Args:
        estimate: of the probability.
        failed_simulations: how many of its simulations failed, which count as failures of the part.
        names: what each score of a point moves.
        verdicts: of each simulated point, whether it fails.
    """

    estimate: Estimate
    failed_simulations: int
    names: tuple[str, ...]
    verdicts: tuple[bool, ...]


def ask(question: Question, workers: int = 1, out: Path | None = None) -> Answer:
    """Estimate the probability.

    Args:
        question: what is asked.
        workers: processes for the simulations.
        out: folder that keeps the answer and every simulation; one that was interrupted there goes on.

    Raises:
        BitlineError: an unknown part, metric, condition or method, or nothing that fails within reach.
    """
    if out is None:
        return _ask(question, workers, MemoryStore())
    attrs = question.attrs()
    depends = json.dumps(attrs | {"sources": sources(question.failure.conditions.technology)}, sort_keys=True)
    key = hashlib.sha256(f"{SCHEMA} {depends}".encode()).hexdigest()
    with writing(partial_folder(out, key)) as folder:
        with Journal(folder / f"yield{JOURNAL}", key) as journal:
            answer = _ask(question, workers, journal)
            samples = collect(journal, answer.estimate.simulations)
        group = Group(f"{question.part}/yield", samples, rare_part(question.part).UNITS, attrs)
        write_hdf5(out / FILES[1], [group], {})
        said = json.dumps(finite(document(question, answer)), indent=1, allow_nan=False)
        (out / FILES[0]).write_text(said + "\n", encoding="utf-8")
        _draw(out / FILES[2], question, answer, samples)
        shutil.rmtree(folder)
    note(f"wrote {out}")
    return answer


def figures(answer: Answer) -> dict[str, Figure]:
    """What there is to print, but for the interval."""
    found = answer.estimate
    return {
        "probability": Figure(found.probability, "1"),
        "relative_error": Figure(found.relative_error, "1"),
        "effective_samples": Figure(found.effective_samples, "1"),
        "simulations": Figure(found.simulations, "1", COUNTED),
        "failed_simulations": Figure(answer.failed_simulations, "1", COUNTED),
    }


def document(question: Question, answer: Answer) -> dict[str, Any]:
    """The answer as JSON holds it."""
    found = answer.estimate
    printed: dict[str, Any] = to_json(figures(answer))
    printed["probability"] |= {"ci_low": found.ci_low, "ci_high": found.ci_high}
    failure = question.failure
    return {
        **printed,
        "method": found.method,
        "trusted": not found.warnings,
        "warnings": list(found.warnings),
        "part": question.part,
        "metric": " or ".join(failure.metrics),
        "below": dict(failure.below),
        "above": dict(failure.above),
        "settings": dict(failure.settings),
        "variation": failure.variation,
        **failure.conditions.attrs(),
        "likely_failures": [
            {"distance": math.hypot(*point), "scores": dict(zip(answer.names, point, strict=True))}
            for point in found.likely
        ],
        "curve": asdict(found.curve) | _limits(question, found.curve) if found.curve else None,
    }


def _limits(question: Question, curve: Curve) -> dict[str, Any]:
    """The limits of the curve, where there is a single one."""
    failure = question.failure
    axis = limits(curve.tightened, failure.below, failure.above, "")
    return {"limit": list(axis.values)} if len(failure.below) + len(failure.above) == 1 else {}


def _draw(path: Path, question: Question, answer: Answer, samples: Samples) -> None:
    failure, found = question.failure, answer.estimate
    if not samples.columns:  # nothing could be simulated
        return
    said = unit(question.part, failure.metrics[0])
    axis = limits(found.curve.tightened, failure.below, failure.above, said) if found.curve else None
    draw(path, found, axis, (samples["scores"], np.array(answer.verdicts)), answer.names)


def _ask(question: Question, workers: int, store: Store) -> Answer:
    made: Mapping[str, Any] = {"seed": question.failure.conditions.seed, "relative_error": question.relative_error}
    with counting(f"{question.part} yield", "simulations") as count:
        limit = rare_part(question.part).limit_state(question.failure, executor(workers), store, count)
        found = estimate(limit, question.method, most=question.most, **made)
    return Answer(found, len(limit.failures), limit.names, tuple(limit.verdicts))
