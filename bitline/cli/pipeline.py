"""A study from the transistor to the network: every stage in order, each resuming where it was stopped."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bitline.cli.arrays import accuracy_task, tile_config
from bitline.cli.artefacts import write_netlists, write_waveforms
from bitline.cli.characterise import Characterised, Work, characterise, fit, run_stage, sources
from bitline.cli.cim import cim_config, part_settings
from bitline.cli.ladder import run_ladder
from bitline.cli.network import Network, prepare_network
from bitline.cli.preflight import check
from bitline.cli.report import write_report
from bitline.cli.run_folder import JOURNAL, JOURNALS, abandoned, finish, partial_folder, writing
from bitline.cli.study import Study
from bitline.cli.summary import Summary
from bitline.cli.terminal import note
from bitline.cli.tile_figures import tile_figures
from bitline.cli.trust import UNITS as TRUST_UNITS
from bitline.cli.trust import product_tasks
from bitline.core.executor import Task
from bitline.core.executors import executor
from bitline.core.figures import MODELLED, Figure
from bitline.core.model_file import ModelFile
from bitline.core.samples import Group, Samples, write_hdf5
from circuits.variation import load_spread
from nn.study import figures as accuracy_figures
from nn.study import units
from spice.characterise import Conditions


def study_key(study: Study) -> str:
    """The hash of everything that a study's numbers depend on: its settings, bitline, the technology, the data."""
    digest = hashlib.sha256(f"{sources(study.conditions.technology)} {study.hash()}".encode())
    digest.update(load_spread(study.reram.spread).source.encode())  # of a measured one, with its file's hash
    data = Path(study.network.data).expanduser()
    for path in sorted(data.iterdir()) if data.is_dir() else [data] if data.is_file() else []:
        digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass
class _Run:
    """What the stages of one run hand on."""

    study: Study
    key: str
    folder: Path
    workers: int
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Note how long a stage took in this process."""
        start = time.monotonic()
        yield
        self.seconds[stage] = round(time.monotonic() - start, 2)

    def stage(self, title: str, task: Task, count: int, depends: tuple[str, ...]) -> Samples:
        """Run a stage of the network; `depends` are hashes of what came before."""
        journal = self.folder / JOURNALS / f"{title.replace(' ', '_').replace(':', '')}{JOURNAL}"
        key = " ".join((self.key, *depends))
        return run_stage(title, task, count, executor(self.workers), journal, key, starting="compiling")


def run_study(study: Study, results: Path, workers: int) -> Path:
    """Run a study, or go on with it where it was stopped.

    Args:
        study: the settings.
        results: folder of results.
        workers: processes.

    Returns:
        The folder of the finished run.

    Raises:
        BitlineError: something the study needs is missing or wrong; what was computed stays for the next try.
    """
    check(study, _works(study), _compared(study))
    key = study_key(study)
    for left in abandoned(results / study.name, key):
        note(f"{left} was never finished, and another study since: remove it if nobody goes on with it")
    with writing(partial_folder(results / study.name, key)) as folder:
        run = _Run(study, key, folder, workers)
        (folder / "config.toml").write_text(to_toml(study), encoding="utf-8")
        with run.timed("characterisation"):
            journals = folder / JOURNALS
            parts = [characterise(work, workers, journals) for work in _works(study)]
            compared = [
                characterise(work, workers, journals / str(work.settings["device"])) for work in _compared(study)
            ]
            models = fit(parts)
            models.save(folder / "model.json")
            _arrays(study, models)
        with run.timed("training"):
            network = prepare_network(study, folder / "network")
        task = accuracy_task(study, models, network.graph)
        depends = (hashlib.sha256(models.to_json().encode()).hexdigest(), network.hash)
        with run.timed("accuracy"):
            chips = run.stage("network: accuracy", task, study.accuracy.chips, depends)
        with run.timed("trust"):
            products = {
                name: run.stage(f"trust: {name} products", product, study.trust.products, depends)
                for name, product in product_tasks(study, models, task).items()
            }
        _write(run, parts, compared, models, network, chips, products)
        return finish(folder)


def _works(study: Study) -> list[Work]:
    """What a study characterises, what its arrays are made of last."""
    conditions = Conditions(**study.conditions.model_dump(), seed=study.seed)
    memory = [
        Work("sram", conditions, study.sram.samples),
        Work("sense_amp", conditions, study.sense_amp.samples, {"below_vdd": study.sense_amp.below_vdd}),
    ]
    if study.target == "sram-cim":
        return [*memory, Work("cim_column", conditions, study.sram_cim.samples, part_settings(study))]
    reram = {"device": study.reram.device, "spread": study.reram.spread, "v_read": study.array.v_read}
    return [*memory, Work("reram", conditions, study.reram.samples, reram)]


def _arrays(study: Study, models: ModelFile) -> None:
    """Refuse what the models do not cover."""
    if study.target == "sram-cim":
        cim_config(study, models)
    else:
        tile_config(study, models)


def _compared(study: Study) -> list[Work]:
    """The nominal cells of the study's other device models."""
    if study.target == "sram-cim":
        return []
    *_, reram = _works(study)
    return [replace(reram, samples=0, settings={**reram.settings, "device": name}) for name in study.reram.compare]


def _write(
    run: _Run,
    parts: list[Characterised],
    compared: list[Characterised],
    models: ModelFile,
    network: Network,
    chips: Samples,
    products: dict[str, Samples],
) -> None:
    """Everything a finished run holds."""
    for part in parts:
        write_netlists(run.folder / "netlists", part.name, part.conditions, part.settings)
        write_waveforms(run.folder / "waveforms", part)
    groups = [group for part in parts for group in part.groups]
    for part in compared:
        device = str(part.settings["device"])
        write_netlists(run.folder / "netlists" / device, part.name, part.conditions, part.settings)
        write_waveforms(run.folder / "waveforms" / device, part)
        groups.append(replace(part.groups[0], name=f"{part.name}_{device}/nominal"))
    groups.append(Group("network/accuracy", chips, units(list(chips.columns)), {"data": network.data_source}))
    groups.append(_reference_group(network))
    groups += [Group(f"trust/{name}", found, TRUST_UNITS) for name, found in products.items() if found.count]
    study = run.study
    write_hdf5(run.folder / "run.h5", groups, {"study": study.name, "seed": study.seed, "hash": run.key})
    figures = {part.name: part.figures() for part in parts}
    tiles = tile_figures(run.study, models, network.graph)
    figures["network"] = {**accuracy_figures(chips, network.references), **tiles, **_limited(products)}
    Summary(study.name, run.key, study.seed, figures, run_ladder(models, products), run.seconds).write(run.folder)
    write_report(run.folder)


def _limited(products: dict[str, Samples]) -> dict[str, Figure]:
    """The share of cells that the device cannot program as drawn."""
    found = products.get("linear")
    if found is None or not found.columns:
        return {}
    return {"cells_at_limit": Figure(float(np.mean(found.valid("at_limit"))), "1", MODELLED)}


def _reference_group(network: Network) -> Group:
    """What the chips are measured against, one row an image."""
    found = network.references
    columns = {"labels": found.labels, "floats": found.floats, "integers": found.integers}
    attrs = {"class_names": json.dumps(network.class_names), "graph": network.hash}
    return Group("network/reference", Samples(len(found.labels), columns), dict.fromkeys(columns, "1"), attrs)


def to_toml(study: Study) -> str:
    """The study with every default written out, as a file that computes the same numbers."""
    return "\n".join(_tables("", study.model_dump(mode="json", exclude_none=True))) + "\n"


def _tables(name: str, table: dict[str, Any]) -> list[str]:
    """Lines of a table and, after its own keys, of the tables in it."""
    lines = ["", f"[{name}]"] if name else []
    lines += [f"{key} = {_plain(value)}" for key, value in table.items() if not isinstance(value, dict)]
    for key, value in table.items():
        if isinstance(value, dict):
            lines += _tables(f"{name}.{key}" if name else key, value)
    return lines


def _plain(value: object) -> str:
    """A value as TOML writes it, which is as JSON does except for characters beyond 16 bits."""
    return json.dumps(value, ensure_ascii=False)
