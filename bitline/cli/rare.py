"""A failure probability: estimated, printed and kept."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitline.cli.run_folder import JOURNAL, partial_folder, writing
from bitline.cli.terminal import errors, note
from bitline.core.executors import executor
from bitline.core.figures import Figure, to_json
from bitline.core.samples import SCHEMA, Group, collect, write_hdf5
from bitline.core.store import Journal, MemoryStore, Store
from spice.rare.estimate import Estimate
from spice.rare.methods import estimate
from spice.rare.part import Failure, rare_part

FILES = ("yield.json", "yield.h5")


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
    """An estimate, and how many of its simulations failed (which count as failures of the part)."""

    estimate: Estimate
    failed_simulations: int


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
    key = hashlib.sha256(f"{SCHEMA} {json.dumps(attrs, sort_keys=True)}".encode()).hexdigest()
    with writing(partial_folder(out, key)) as folder:
        with Journal(folder / f"yield{JOURNAL}", key) as journal:
            answer = _ask(question, workers, journal)
            samples = collect(journal, answer.estimate.simulations)
        group = Group(f"{question.part}/yield", samples, rare_part(question.part).UNITS, attrs)
        write_hdf5(out / FILES[1], [group], {})
        (out / FILES[0]).write_text(json.dumps(document(question, answer), indent=1) + "\n", encoding="utf-8")
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
        "simulations": Figure(found.simulations, "1"),
        "failed_simulations": Figure(answer.failed_simulations, "1"),
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
    }


def _ask(question: Question, workers: int, store: Store) -> Answer:
    made: Mapping[str, Any] = {"seed": question.failure.conditions.seed, "relative_error": question.relative_error}
    with _counting(f"{question.part} yield") as count:
        limit = rare_part(question.part).limit_state(question.failure, executor(workers), store, count)
        found = estimate(limit, question.method, most=question.most, **made)
    return Answer(found, len(limit.failures))


@contextmanager
def _counting(title: str) -> Iterator[Any]:
    """How many simulations have finished, on a terminal; nobody knows yet how many there will be."""
    done = 0
    with errors.status(f"{title}: simulating") as status:

        def count(steps: int) -> None:
            nonlocal done
            done += steps
            status.update(f"{title}: {done} simulations")

        yield count
