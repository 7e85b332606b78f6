"""A study from the transistor to the network: every stage in order, each resuming where it was stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bitline.cli.arrays import accuracy_task
from bitline.cli.artefacts import write_netlists, write_waveforms
from bitline.cli.characterise import Characterised
from bitline.cli.knobs import variant_studies
from bitline.cli.ladder import run_ladder
from bitline.cli.network import Network
from bitline.cli.points import Outcome, decisions, goes_on
from bitline.cli.preflight import check
from bitline.cli.report import write_report
from bitline.cli.run_folder import abandoned, finish, partial_folder, writing
from bitline.cli.stage_store import store_of
from bitline.cli.stages import Stages, array_works, chips_key, compared_works, stopping, study_key, works
from bitline.cli.study import Study
from bitline.cli.study_toml import to_toml
from bitline.cli.summary import Summary
from bitline.cli.terminal import note
from bitline.cli.tile_figures import tile_figures
from bitline.cli.traces import trace_groups, trace_task
from bitline.cli.trust import UNITS as TRUST_UNITS
from bitline.cli.trust import product_tasks
from bitline.cli.variants import VARIANTS, Variant, run_variants, variant_figures, variant_groups
from bitline.core.figures import MODELLED, Figure
from bitline.core.model_file import ModelFile
from bitline.core.samples import Group, Samples, write_hdf5
from nn.study import MEANING, units
from nn.study import figures as accuracy_figures


@dataclass
class _Run:
    """What the stages of one run hand on."""

    study: Study
    key: str
    folder: Path
    seconds: dict[str, float] = field(default_factory=dict)
    reused: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Note how long a stage took in this process."""
        start = time.monotonic()
        yield
        self.seconds[stage] = round(time.monotonic() - start, 2)


def run_study(study: Study, results: Path, workers: int, *, fresh: bool = False) -> Path:
    """Run a study, or go on with it where it was stopped.

    Args:
        study: the settings.
        results: folder of results.
        workers: processes.
        fresh: compute all of it, whatever earlier studies there, or this one until it was stopped, have computed.

    Returns:
        The folder of the finished run.

    Raises:
        BitlineError: something the study needs is missing or wrong; what was computed stays for the next try.
    """
    key = study_key(study)
    for left in abandoned(results / study.name, key):
        note(f"{left} was never finished, and another study since: remove it if nobody goes on with it")
    with writing(partial_folder(results / study.name, key), anew=fresh) as folder:
        check(study, works(study), compared_works(study))
        for varied in variant_studies(study).values():
            check(varied, array_works(varied), [])
        store = store_of(results, study.name, key, fresh=fresh)
        run, stages = _Run(study, key, folder), Stages(folder, workers, store=store)
        (folder / "config.toml").write_text(to_toml(study), encoding="utf-8")
        with run.timed("characterisation"):
            parts = [stages.characterised(work) for work in works(study)]
            compared = [stages.characterised(work, str(work.settings["device"])) for work in compared_works(study)]
            models = stages.models(study, works(study))
            models.save(folder / "model.json")
        with run.timed("training"):
            network = stages.tuned(study, models, stages.network(study))
        task, depends = accuracy_task(study, models, network.graph), f"{key} {chips_key(study, models, network)}"
        tracing = trace_task(study, task)  # refuses what is too large before the chips are computed
        with run.timed("accuracy"):
            chips = stages.chips(study, models, network)
            variants = run_variants(study, replace(stages, apart=True), chips.count)
            most = goes_on(study, chips.count, max((len(each.outcome.correct) for each in variants), default=0))
            if most:
                chips = stages.chips(study, models, network, most)
        traces = stages.stage("network: traces", tracing, study.trace.chips, depends) if tracing else None
        with run.timed("trust"):
            products = {
                name: stages.stage(f"trust: {name} products", product, study.trust.products, depends)
                for name, product in product_tasks(study, models, task).items()
            }
        run.reused.update(stages.reused)
        _write(run, parts, compared, models, network, chips, products, traces, variants)
        return finish(folder)


def _write(
    run: _Run,
    parts: list[Characterised],
    compared: list[Characterised],
    models: ModelFile,
    network: Network,
    chips: Samples,
    products: dict[str, Samples],
    traces: Samples | None,
    variants: list[Variant],
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
    attrs = {"data": network.data_source, **MEANING}
    groups.append(Group("network/accuracy", chips, units(list(chips.columns)), attrs))
    groups.append(_reference_group(network))
    groups += [Group(f"trust/{name}", found, TRUST_UNITS) for name, found in products.items() if found.count]
    groups += trace_groups(traces) if traces else []
    groups += variant_groups(variants)
    study = run.study
    write_hdf5(run.folder / "run.h5", groups, {"study": study.name, "seed": study.seed, "hash": run.key})
    figures = {part.name: part.figures() for part in parts}
    tiles = tile_figures(run.study, models, network.graph)
    rule = stopping(study)
    wanted = rule.half_width if rule else None
    inferred = accuracy_figures(chips, network.references, half_width=wanted)
    figures["network"] = {**inferred, **tiles, **_limited(products)}
    if variants:
        main = Outcome(decisions(chips), network.references, inferred)
        figures[VARIANTS] = variant_figures(variants, main)
    ladder = run_ladder(models, products)
    Summary(study.name, run.key, study.seed, figures, ladder, run.seconds, run.reused).write(run.folder)
    write_report(run.folder)


def _limited(products: dict[str, Samples]) -> dict[str, Figure]:
    """The share of cells that the device cannot program as drawn, or how likely a read of columns flips one."""
    found: dict[str, Figure] = {}
    for name, column, figure, of in (
        ("linear", "at_limit", "cells_at_limit", np.mean),
        ("columns", "disturb", "disturb_probability", np.max),
    ):
        samples = products.get(name)
        if samples is not None and samples.columns:
            found[figure] = Figure(float(of(samples.valid(column))), "1", MODELLED)
    return found


def _reference_group(network: Network) -> Group:
    """What the chips are measured against, one row an image."""
    found = network.references
    columns = {"labels": found.labels, "floats": found.floats, "integers": found.integers}
    attrs = {"class_names": json.dumps(network.class_names), "graph": network.hash}
    return Group("network/reference", Samples(len(found.labels), columns), dict.fromkeys(columns, "1"), attrs)
