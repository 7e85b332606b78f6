"""What a report is made from: the folder of a run or of characterised parts, read as its sections ask for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bitline.cli.ladder import Rung
from bitline.cli.report.markup import words
from bitline.cli.run_folder import DIAGNOSIS, SUMMARY, VERIFICATION, require_run
from bitline.cli.summary import Summary, read_summary
from bitline.core.errors import ConfigError, StoreError
from bitline.core.figures import Figure
from bitline.core.model_file import ModelFile
from bitline.core.samples import Group, group_names, read_group
from spice.characterise import Conditions, part_names

NOMINAL = "nominal"  # the mismatch-free device's group, PART/nominal
_RUN_FILES = (SUMMARY, "run.h5", "config.toml")  # any of them makes a folder a run's

Floats = np.ndarray[Any, np.dtype[np.float64]]
T = TypeVar("T")


class AbsentError(StoreError):
    """A folder holds no such samples; the block that needs them is left out and says so."""


@dataclass(frozen=True)
class Columns:
    """One group of samples.

    Args:
        group: as the HDF5 file holds it.
        file: its name.
    """

    group: Group
    file: str = "run.h5"

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
            raise AbsentError(f"{self.file}'s group {self.group.name!r} holds no {name!r}")
        return samples.valid(name)

    def first(self, name: str) -> Any:
        """A column's first valid row: of a nominal group, the only one.

        Raises:
            AbsentError: as `valid`.
        """
        return self.valid(name)[0]


@dataclass(frozen=True)
class RunSource:
    """A folder with samples.

    Args:
        folder: of a finished run, or of parts that were characterised alone.
        summary: figures and ladder of trust.
        model: the fitted models; of characterised parts, their shared conditions and no model.
        files: the HDF5 file of each group, by the group's name.
        config: config.toml as text; None where there is no run.
    """

    folder: Path
    summary: Summary
    model: ModelFile
    files: Mapping[str, Path]
    config: str | None = None
    _read: dict[str, Columns] = field(default_factory=dict)

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups of samples."""
        return tuple(self.files)

    @property
    def parts(self) -> list[str]:
        """What has a nominal record, or is the first word of another group's name."""
        return list(dict.fromkeys(name.partition("/")[0] for name in self.files))

    def group(self, name: str) -> Columns:
        """A group of samples.

        Raises:
            AbsentError: there is none of that name.
            StoreError: the file is damaged there.
        """
        if name not in self.files:
            where = "run.h5" if self.config is not None else "the folder"
            raise AbsentError(f"{where} holds no group {name!r}")
        path = self.files[name]
        if name not in self._read:
            try:
                self._read[name] = Columns(read_group(path, name), path.name)
            except OSError as error:
                raise StoreError(f"{path} is damaged in {name!r} ({error}); run it again") from error
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
            raise AbsentError(f"there is no figure {name!r} of {part!r}")
        return found


def read_source(folder: Path) -> RunSource:
    """Open the folder of a run, or one that ``bitline characterize --out`` made.

    Raises:
        ConfigError: it is neither, or a file is missing or not what it should be.
        StoreError: an HDF5 file is missing or can't be opened.
    """
    if folder.is_dir() and not any((folder / name).exists() for name in _RUN_FILES):
        return _read_parts(folder)
    summary = read_summary(require_run(folder))
    model = ModelFile.load(folder / "model.json")
    path = folder / "run.h5"
    return RunSource(folder, summary, model, dict.fromkeys(group_names(path), path), _text(folder / "config.toml"))


def _read_parts(folder: Path) -> RunSource:
    """The parts that were characterised into a folder, each with figures of its own and the conditions they share."""
    files: dict[str, Path] = {}
    figures: dict[str, Mapping[str, Figure]] = {}
    for path in sorted(folder.glob("*.h5")):
        names = [name for name in group_names(path) if name.partition("/")[0] in part_names()]
        for name in (name for name in names if name.endswith(f"/{NOMINAL}")):
            part = name.partition("/")[0]
            figures[part] = _figures(folder / f"{part}.json")
            files |= {each: path for each in names if each.startswith(f"{part}/")}
    if not figures:
        raise ConfigError(
            f"{folder} holds no finished run (no {SUMMARY}) and no characterisation; bitline run STUDY.toml makes the "
            f"one, bitline characterize PART --out {folder} the other"
        )
    attrs = [read_group(files[f"{part}/{NOMINAL}"], f"{part}/{NOMINAL}").attrs for part in figures]
    shared = {key: said for key, said in attrs[0].items() if all(other.get(key) == said for other in attrs)}
    shared.pop("netlists", None)
    known = {entry.name for entry in fields(Conditions)} | {"ngspice"}
    conditions = {key: said for key, said in shared.items() if key in known}
    summary = Summary(", ".join(map(words, figures)), "", int(attrs[0].get("seed", 0)), figures, ())
    return RunSource(folder, summary, ModelFile(conditions, {}), files)


def _figures(path: Path) -> dict[str, Figure]:
    """The figures that ``characterize --out`` left beside a part's samples.

    Raises:
        ConfigError: the file is missing or not what it left.
    """
    try:
        return {name: Figure(**found) for name, found in json.loads(_text(path)).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is damaged ({error!r}); characterise the part again") from error


def read_verification(folder: Path) -> tuple[Rung, ...] | None:
    """The rungs that ``bitline verify`` left in a run's folder; None where it has not been there.

    Raises:
        ConfigError: the file is not what it left.
    """
    names = {entry.name for entry in fields(Rung)}

    def rungs(found: Any) -> tuple[Rung, ...]:
        return tuple(Rung(**{name: rung[name] for name in names & set(rung)}) for rung in found["ladder"])

    return _added(folder / VERIFICATION, "bitline verify", rungs)


def read_trial(folder: Path) -> Mapping[str, Any] | None:
    """What ``bitline diagnose --try`` left in a run's folder; None where it has not been there.

    Raises:
        ConfigError: the file is not what it left.
    """
    return _added(
        folder / DIAGNOSIS,
        "bitline diagnose --try",
        lambda found: {name: found[name] for name in ("tried_on", "advice")},
    )


def _added(path: Path, command: str, read: Callable[[Any], T]) -> T | None:
    """What a command added to a run's folder, as `read` takes it from its JSON; None where it has not been there."""
    if not path.is_file():
        return None
    try:
        return read(json.loads(_text(path)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is damaged ({error!r}); run {command} again") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path}: {said}; it was made with the samples, make both again") from error
