"""Characterisations as samples in stores: what `characterize`, `fit` and `run` have in common."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from bitline.cli.run_folder import JOURNAL
from bitline.cli.stage_store import code, key_of
from bitline.cli.terminal import progress
from bitline.core.errors import BitlineError, ConfigError, FitError, SimulationError
from bitline.core.executor import Executor, Record, Task
from bitline.core.executors import executor
from bitline.core.figures import Figure
from bitline.core.model_file import FittedModel, ModelFile
from bitline.core.samples import SCHEMA, Group, Samples, collect, group_names, read_group
from bitline.core.store import Journal, MemoryStore, Store, complete
from circuits.technology import load_technology
from spice.characterise import Conditions, Part, Settings, part, part_names, settings_of
from spice.compared import Compared
from spice.unfitted import has_models

NOMINAL, MONTE_CARLO, DESIGN = "nominal", "monte_carlo", "design"

STAGES = (NOMINAL, MONTE_CARLO, DESIGN)
_PACKAGES, _DISTRIBUTIONS = ("circuits", "spice", "bitline.core"), ("numpy", "scipy", "PySpice")  # what simulates


def run_stage(
    title: str,
    task: Task,
    count: int,
    where: Executor,
    journal: Path | None = None,
    key: str = "",
    starting: str = "",
) -> Samples:
    """Compute a stage's samples under a progress bar.

    Args:
        title: of the bar.
        task: computes a sample.
        count: how many there are.
        where: they run.
        journal: file that keeps them; without it they live in memory.
        key: says all that the samples depend on; a journal of another key is refused.
        starting: what goes on before the first sample, where that takes time.
    """
    with _kept(journal, key) as store:
        with progress(title, count, len(store.done()), starting) as advance:
            complete(task, count, store, where, lambda _index, _outcome: advance(1))
        return collect(store, count)


@contextmanager
def _kept(journal: Path | None, key: str) -> Iterator[Store]:
    """The store of a stage; a journal that got no sample, because of an error before the first, is taken away."""
    if journal is None:
        yield MemoryStore()
        return
    with Journal(journal, hashlib.sha256(f"{SCHEMA} {key}".encode()).hexdigest()) as store:
        try:
            yield store
        except BitlineError:
            if not store.done():
                journal.unlink()
            raise


@dataclass(frozen=True)
class Characterised:
    """A part's samples: the nominal device, the mismatch samples where any were drawn, and those of its fit alone.

    Args:
        name: the part's.
        conditions: of every simulation.
        settings: the part's, all of them.
        nominal: the nominal device's record.
        samples: mismatch samples, or None.
        groups: all as HDF5 holds them.
        design: samples for the fit alone, or None.
    """

    name: str
    conditions: Conditions
    settings: Settings
    nominal: Record
    samples: Samples | None
    groups: tuple[Group, ...]
    design: Samples | None = None

    @property
    def part(self) -> Part:
        """How it is characterised."""
        return part(self.name, self.settings)

    def figures(self) -> dict[str, Figure]:
        """The part's figures; a value is the mismatch-free nominal one."""
        return self.part.figures(self.nominal, self.samples)


@dataclass(frozen=True)
class Work:
    """What to characterise, and how.

    Args:
        name: the part.
        conditions: technology, corner, temperature, supply and seed.
        samples: mismatch samples; 0 for the nominal device only.
        settings: of the part; those left out have their defaults.
    """

    name: str
    conditions: Conditions = field(default_factory=Conditions)
    samples: int = 0
    settings: Settings = field(default_factory=dict)


def characterise(work: Work, workers: int = 1, journals: Path | None = None) -> Characterised:
    """Characterise one part.

    Args:
        work: what and how.
        workers: processes for the mismatch samples.
        journals: folder of the journals; without it nothing is kept.

    Raises:
        BitlineError: no such part, setting, technology or corner, or the nominal device could not be simulated.
    """
    name, found, attrs = _asked(work)
    key = _depends(work, attrs)
    stages = [(NOMINAL, found.nominal(work.conditions), 1, 1)]
    if work.samples:
        stages.append((MONTE_CARLO, found.monte_carlo(work.conditions), work.samples, workers))
    if found.design is not None and work.samples >= found.fewest:
        stages.append((DESIGN, found.design(work.conditions), found.designed, workers))
    groups = []
    for stage, task, count, processes in stages:
        journal = journals / f"{name}-{stage}{JOURNAL}" if journals else None
        title = f"{name.replace('_', ' ')}: {stage.replace('_', ' ')}"
        drawn = run_stage(title, task, count, executor(processes), journal, key)
        if stage == NOMINAL and drawn.failures:
            if journal:
                journal.unlink()  # not kept: whatever is mended, the next try is to see it
            raise SimulationError(f"{title} device: {drawn.failures[0]}")
        groups.append(Group(f"{name}/{stage}", drawn, found.units, attrs))
    return _characterised(name, tuple(groups))


def work_key(work: Work) -> str:
    """The hash (hex) of all that a characterisation depends on, bitline's own code and how many are drawn among it.

    Raises:
        BitlineError: no such part, setting, technology or corner.
    """
    _, _, attrs = _asked(work)
    return key_of([_depends(work, attrs), str(work.samples), code(_PACKAGES, _DISTRIBUTIONS)])


def _asked(work: Work) -> tuple[str, Part, dict[str, str | float | int]]:
    """A part's name, the part, and what its samples have as attributes."""
    name = work.name.replace("-", "_")
    settings = {**settings_of(name), **work.settings}
    found = part(name, settings)
    return name, found, {**work.conditions.attrs(), **settings, **_provenance(found, work.conditions)}


def _depends(work: Work, attrs: Mapping[str, str | float | int]) -> str:
    return json.dumps({**attrs, "sources": sources(work.conditions.technology)}, sort_keys=True)


def nominal_figures(work: Work) -> dict[str, Figure]:
    """The figures of the mismatch-free device, kept nowhere."""
    found = part(work.name, work.settings)
    task = found.nominal(work.conditions)
    return found.figures(task.run(task.prepare(), 0), None)


def read_characterised(folder: Path) -> list[Characterised]:
    """The characterisations in the HDF5 files of a folder that `characterize --out` or `run` made.

    Raises:
        ConfigError: there is no such folder.
        FitError: it holds none.
        StoreError: a file can't be opened.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder; bitline characterize PART --samples 200 --out {folder} makes it")
    found: dict[str, Characterised] = {}
    for path in sorted(folder.glob("*.h5")):
        names = group_names(path)
        for name in part_names():
            if f"{name}/{NOMINAL}" in names:
                stages = [f"{name}/{stage}" for stage in STAGES if f"{name}/{stage}" in names]
                found[name] = _characterised(name, tuple(read_group(path, stage) for stage in stages))
    if not found:
        raise FitError(
            f"no characterisation in {folder}; bitline characterize PART --samples 200 --out {folder} makes one"
        )
    return list(found.values())


def _characterised(name: str, groups: tuple[Group, ...]) -> Characterised:
    attrs = groups[0].attrs
    conditions = Conditions(**{key: attrs[key] for key in _condition_names()})  # type: ignore[arg-type] # as written
    settings = {key: attrs.get(key, default) for key, default in settings_of(name).items()}
    drawn = {group.name.partition("/")[2]: group.samples for group in groups}
    nominal = drawn[NOMINAL].record(0)
    return Characterised(name, conditions, settings, nominal, drawn.get(MONTE_CARLO), groups, drawn.get(DESIGN))


def _condition_names() -> list[str]:
    return [entry.name for entry in fields(Conditions)]


def sources(technology: str) -> str:
    """The hash (hex) of bitline's version and every file of a technology.

    Netlists have model cards in them, but not the slopes that mismatch is drawn from, nor what makes figures of it.

    Raises:
        ConfigError: no such technology.
        NetlistError: a file of it cannot be read.
    """
    digest = hashlib.sha256(f"{SCHEMA} {importlib.metadata.version('bitline')}".encode())
    for path in load_technology(technology).files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _provenance(found: Part, conditions: Conditions) -> dict[str, str]:
    """The simulator and the netlists behind the samples."""
    from spice.engine import engine

    hashes = {key: netlist.hash for key, netlist in found.netlists(conditions).items()}
    inputs = {"inputs": found.inputs} if found.inputs else {}
    return {"ngspice": engine().version, "netlists": json.dumps(hashes, sort_keys=True), **inputs}


def fit(parts: Iterable[Characterised]) -> ModelFile:
    """One model file from characterisations made under the same conditions.

    Parts that give figures alone are passed over. Where a part has samples for its fit alone, its models take those
    and have their residuals on its mismatch samples.

    Raises:
        ConfigError: no part has models.
        FitError: a part has no mismatch samples, or two parts differ in their conditions.
    """
    models: dict[str, FittedModel] = {}
    shared: dict[str, str | float | int] = {}
    every = list(parts)
    fitted = [found for found in every if has_models(found.part)]
    if not fitted:
        known = ", ".join(name for name in part_names() if has_models(part(name)))
        raise ConfigError(
            f"{', '.join(found.name for found in every)}: gives figures and no models; parts that have models: {known}"
        )
    for found in fitted:
        if found.samples is None:
            raise FitError(f"{found.name} has no mismatch samples; characterise it with --samples 100 or more")
        attrs = found.groups[0].attrs
        conditions = {key: attrs[key] for key in (*_condition_names(), "ngspice")}
        _require_same(found.name, shared, conditions)
        shared = conditions
        own = {key: value for key, value in attrs.items() if key not in shared}
        for model in _fitted(found, found.samples, own):
            models[model.name] = replace(model, provenance={**own, "part": found.name})
    return ModelFile(shared, models)


def _fitted(found: Characterised, drawn: Samples, own: Mapping[str, str | float | int]) -> Iterable[FittedModel]:
    if found.design is None:
        return found.part.fit(found.nominal, drawn, own)
    models = {model.name: model for model in found.part.fit(found.nominal, found.design, own)}
    if len(drawn.failures) < drawn.count:
        checked = found.part.check(models, found.nominal, drawn)
        models |= {name: replace(models[name], residual=residual) for name, residual in checked.items()}
    return models.values()


def compared(parts: Iterable[Characterised], models: ModelFile) -> list[Compared]:
    """The models of a file beside the samples of the parts that they were fitted to."""
    found: list[Compared] = []
    for each in parts:
        own = {name: model for name, model in models.models.items() if model.provenance.get("part") == each.name}
        if own and each.samples is not None and each.samples.columns:
            found += each.part.compare(own, each.nominal, each.design, each.samples)
    return found


def _require_same(
    name: str, shared: Mapping[str, str | float | int], conditions: Mapping[str, str | float | int]
) -> None:
    for key, value in shared.items():
        if conditions[key] != value:
            raise FitError(
                f"{name} was characterised at {key} = {conditions[key]}, others at {value}; "
                "use one folder for each set of conditions"
            )
