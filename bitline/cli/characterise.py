"""Characterisations as samples in stores: what `characterize`, `fit` and `run` have in common."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from bitline.cli.terminal import progress
from bitline.core.errors import FitError
from bitline.core.executor import Executor, Record, Task
from bitline.core.executors import executor
from bitline.core.figures import Figure
from bitline.core.model_file import FittedModel, ModelFile
from bitline.core.samples import SCHEMA, Group, Samples, collect, group_names, read_group
from bitline.core.store import Journal, MemoryStore, complete
from spice.characterise import Conditions, part, part_names

NOMINAL, MONTE_CARLO = "nominal", "monte_carlo"


def run_stage(title: str, task: Task, count: int, journal: Path | None, where: Executor) -> Samples:
    """Compute a stage's samples, under a progress bar, and keep them in a journal if one is named.

    The journal's key is the hash of the task, so that it can't be mistaken for that of other settings.
    """
    if journal is None:
        memory = MemoryStore()
        with progress(title, count) as advance:
            complete(task, count, memory, where, lambda _index, _outcome: advance(1))
        return collect(memory, count)
    with Journal(journal, hashlib.sha256(f"{SCHEMA} {task!r}".encode()).hexdigest()) as store:
        with progress(title, count, len(store.done())) as advance:
            complete(task, count, store, where, lambda _index, _outcome: advance(1))
        return collect(store, count)


@dataclass(frozen=True)
class Characterised:
    """A part's samples: the nominal device, and the mismatch samples where any were drawn."""

    name: str
    nominal: Record
    samples: Samples | None
    groups: tuple[Group, ...]

    def figures(self) -> dict[str, Figure]:
        """The part's figures; a value is the mismatch-free nominal one."""
        return part(self.name).figures(self.nominal, self.samples)


def characterise(
    name: str, conditions: Conditions, samples: int, workers: int = 1, journals: Path | None = None
) -> Characterised:
    """Characterise one part.

    Args:
        name: the part.
        conditions: technology, corner, temperature, supply and seed.
        samples: mismatch samples; 0 for the nominal device only.
        workers: processes for the mismatch samples.
        journals: folder of the journals; without it nothing is kept.

    Raises:
        BitlineError: the nominal device could not be simulated.
    """
    found = part(name)
    attrs = {**conditions.attrs(), **_provenance(name, conditions)}
    stages = [(NOMINAL, found.nominal(conditions), 1, 1)]
    if samples:
        stages.append((MONTE_CARLO, found.monte_carlo(conditions), samples, workers))
    groups = []
    for stage, task, count, processes in stages:
        journal = journals / f"{name}-{stage}.journal" if journals else None
        title = f"{name.replace('_', ' ')}: {stage.replace('_', ' ')}"
        drawn = run_stage(title, task, count, journal, executor(processes))
        groups.append(Group(f"{name}/{stage}", drawn, found.units, attrs))
    return _characterised(name, tuple(groups))


def nominal_figures(name: str, conditions: Conditions) -> dict[str, Figure]:
    """The figures of the mismatch-free device, kept nowhere."""
    task = part(name).nominal(conditions)
    return part(name).figures(task.run(task.prepare(), 0), None)


def read_characterised(paths: Iterable[Path]) -> list[Characterised]:
    """The characterisations that HDF5 files hold; a later file replaces an earlier one's part.

    Raises:
        FitError: they hold none.
        StoreError: a file can't be opened.
    """
    found: dict[str, Characterised] = {}
    files = list(paths)
    for path in files:
        names = group_names(path)
        for name in part_names():
            if f"{name}/{NOMINAL}" in names:
                stages = [f"{name}/{stage}" for stage in (NOMINAL, MONTE_CARLO) if f"{name}/{stage}" in names]
                found[name] = _characterised(name, tuple(read_group(path, stage) for stage in stages))
    if not found:
        where = ", ".join(map(str, files)) or "a folder without .h5 files"
        raise FitError(f"no characterisation in {where}; bitline characterize PART --samples 200 --out DIR makes one")
    return list(found.values())


def _characterised(name: str, groups: tuple[Group, ...]) -> Characterised:
    samples = groups[1].samples if len(groups) > 1 else None
    return Characterised(name, groups[0].samples.record(0), samples, groups)


def _provenance(name: str, conditions: Conditions) -> dict[str, str]:
    """The simulator and the netlists behind the samples."""
    from spice.engine import engine

    hashes = {key: netlist.hash for key, netlist in part(name).netlists(conditions).items()}
    return {"ngspice": engine().version, "netlists": json.dumps(hashes, sort_keys=True)}


def fit(parts: Iterable[Characterised]) -> ModelFile:
    """One model file from characterisations made under the same conditions.

    Raises:
        FitError: a part has no mismatch samples, or two parts differ in their conditions.
    """
    models: dict[str, FittedModel] = {}
    shared: dict[str, str | float | int] = {}
    netlists: dict[str, str] = {}
    for characterised in parts:
        if characterised.samples is None:
            raise FitError(f"{characterised.name} has no mismatch samples; characterise it with --samples 100 or more")
        provenance = dict(characterised.groups[0].attrs)
        netlists |= {
            f"{characterised.name}.{key}": value for key, value in json.loads(str(provenance.pop("netlists"))).items()
        }
        differing = [key for key in shared if shared[key] != provenance.get(key)]
        if differing:
            key = differing[0]
            raise FitError(
                f"{characterised.name} was characterised at {key} = {provenance.get(key)}, others at {shared[key]}; "
                "use one folder for each set of conditions"
            )
        shared = provenance
        for model in part(characterised.name).fit(characterised.nominal, characterised.samples, provenance):
            models[model.name] = replace(model, provenance={**model.provenance, "part": characterised.name})
    return ModelFile({**shared, "netlists": json.dumps(netlists, sort_keys=True)}, models)
