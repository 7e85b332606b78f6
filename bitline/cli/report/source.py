"""What a report is made from: a run's folder, read as its sections ask for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from bitline.cli.ladder import Rung
from bitline.cli.run_folder import require_run
from bitline.cli.summary import Summary, read_summary
from bitline.core.errors import ConfigError, StoreError
from bitline.core.figures import Figure
from bitline.core.model_file import ModelFile
from bitline.core.samples import Group, group_names, read_group

VERIFICATION = "verification.json"  # what bitline.cli.verify leaves in a run's folder

Floats = np.ndarray[Any, np.dtype[np.float64]]


class AbsentError(StoreError):
    """A run holds no such samples; the block that needs them is left out and says so."""


@dataclass(frozen=True)
class Columns:
    """One group of samples.

    Args:
        group: as run.h5 holds it.
    """

    group: Group

    @property
    def count(self) -> int:
        """Samples, failed ones included."""
        return self.group.samples.count

    @property
    def failed(self) -> int:
        """Samples without values."""
        return len(self.group.samples.failures)

    @property
    def names(self) -> list[str]:
        """The columns there are."""
        return list(self.group.samples.columns)

    def unit(self, name: str) -> str:
        """The unit of a column."""
        return self.group.units[name]

    def valid(self, name: str) -> Any:
        """A column without the samples that failed.

        Raises:
            AbsentError: there is no such column, or every sample failed.
        """
        samples = self.group.samples
        if samples.count == self.failed:
            reason = next(iter(samples.failures.values()), "it has none")
            raise AbsentError(f"all {samples.count} samples of {self.group.name!r} failed: {reason}")
        if name not in samples.columns:
            raise AbsentError(f"run.h5's group {self.group.name!r} holds no {name!r}")
        return samples.valid(name)

    def first(self, name: str) -> Any:
        """A column's first valid row: of a nominal group, the only one.

        Raises:
            AbsentError: as `valid`.
        """
        return self.valid(name)[0]


@dataclass(frozen=True)
class RunSource:
    """A run's folder.

    Args:
        folder: with run.h5, model.json, summary.json and config.toml.
        summary: figures and ladder of trust.
        model: the fitted models.
        config: config.toml as text.
        groups: names of run.h5's groups.
    """

    folder: Path
    summary: Summary
    model: ModelFile
    config: str
    groups: tuple[str, ...]
    _read: dict[str, Columns] = field(default_factory=dict)

    def group(self, name: str) -> Columns:
        """A group of run.h5.

        Raises:
            AbsentError: there is none of that name.
            StoreError: the file is damaged there.
        """
        if name not in self.groups:
            raise AbsentError(f"run.h5 holds no group {name!r}")
        if name not in self._read:
            try:
                self._read[name] = Columns(read_group(self.folder / "run.h5", name))
            except OSError as error:
                raise StoreError(f"{self.folder / 'run.h5'} is damaged in {name!r} ({error}); run it again") from error
        return self._read[name]

    def figures(self, part: str) -> Mapping[str, Figure]:
        """The summary's figures of a part, by name; none where it has none."""
        return self.summary.figures.get(part, {})

    def figure(self, part: str, name: str) -> Figure:
        """One figure of the summary.

        Raises:
            AbsentError: there is none of that name.
        """
        found = self.figures(part).get(name)
        if found is None:
            raise AbsentError(f"summary.json holds no figure {name!r} of {part!r}")
        return found


def read_run(folder: Path) -> RunSource:
    """Open a run's folder.

    Raises:
        ConfigError: it is no finished run, or a file is missing or not what it should be.
        StoreError: run.h5 is missing or can't be opened.
    """
    summary = read_summary(require_run(folder))
    model = ModelFile.load(folder / "model.json")
    return RunSource(folder, summary, model, _text(folder / "config.toml"), tuple(group_names(folder / "run.h5")))


def read_verification(folder: Path) -> tuple[Rung, ...] | None:
    """The rungs that ``bitline verify`` left in a run's folder; None where it has not been there.

    Raises:
        ConfigError: the file is not what it left.
    """
    path = folder / VERIFICATION
    if not path.is_file():
        return None
    try:
        names = {entry.name for entry in fields(Rung)}
        ladder = json.loads(_text(path))["ladder"]
        return tuple(Rung(**{name: value for name, value in rung.items() if name in names}) for rung in ladder)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is damaged ({error!r}); run bitline verify again") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path}: {said}; a finished run holds it, run the study again") from error
