"""A run's folder as `bitline run` leaves it: small real characterisations, and network samples drawn at random."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from bitline.cli.characterise import Work, characterise, fit
from bitline.cli.ladder import Rung, run_ladder
from bitline.cli.summary import Summary
from bitline.cli.verify import Verification
from bitline.core.figures import ESTIMATED, MODELLED, PUBLISHED, Figure, to_json
from bitline.core.samples import Group, Samples, write_hdf5
from circuits.column import COMPONENTS
from nn.study import References
from nn.study import figures as network_figures
from nn.study import units as network_units
from spice.characterise import Conditions, part
from spice.column import FIGURES as COLUMN_FIGURES
from spice.column_cycles import CYCLES, NODES

COUNTS = {"sram": 16, "sense_amp": 24, "reram": 14}
LAYERS = {"fc1": 16, "fc2": 4}  # conversions an image
COSTS = (
    ("energy_array", 3.1e-9, MODELLED, ""),
    ("energy_adc", 7.9e-9, PUBLISHED, "a converter, 32 nm"),
    ("energy_dac", 1.2e-9, ESTIMATED, "a driver, 32 nm, scaled"),
    ("latency_array", 6.4e-7, MODELLED, ""),
    ("latency_adc", 1.4e-6, PUBLISHED, "a converter, 32 nm"),
)
TILES = {
    "area_cells": Figure(3e-9, "m^2", ESTIMATED, "a cell, 32 nm, scaled"),
    "area_adc": Figure(1.2e-6, "m^2", ESTIMATED, "a converter, 32 nm, scaled"),
    "area_per_chip": Figure(1.203e-6, "m^2", ESTIMATED, "sum of its components"),
    "settling_time": Figure(3e-8, "s", MODELLED, "t_read = 100 ns is longer"),
}


def make_run(folder: Path, counts=None, chips=5, images=400, size=12, seed=5) -> Path:
    """Write run.h5, model.json, summary.json and config.toml into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    conditions = Conditions(seed=seed)
    parts = [characterise(Work(name, conditions, count)) for name, count in (counts or COUNTS).items()]
    rng = np.random.default_rng(seed)
    labels, accuracy, network = _network(rng, chips, images)
    other = characterise(Work("reram", conditions, 0, {"device": "vteam"})).groups[0]
    groups = [*(group for part in parts for group in part.groups), replace(other, name="reram_vteam/nominal")]
    products = {"linear": _products("linear", rng, size, 1e-12), "cells": _products("cells", rng, size // 2, 4e-3)}
    groups += [accuracy, labels, *products.values()]
    write_hdf5(folder / "run.h5", groups, conditions.attrs())
    models = fit(parts)
    models.save(folder / "model.json")
    rungs = run_ladder(models, {name: group.samples for name, group in products.items()})
    figures = {**{part.name: part.figures() for part in parts}, "network": network | TILES}
    Summary("made_run", "0123456789abcdef" * 4, seed, figures, rungs, {"accuracy": 61.2}).write(folder)
    Verification((Rung(0, "single transistors on flat cards", "the library", 12, 1e-5, 6e-5, "1", 2e-4),)).write(folder)
    (folder / "config.toml").write_text('name = "made_run"\nseed = 5\n[network]\ndata = "digits"\n')
    return folder


def _network(rng, chips, images):
    labels = rng.integers(10, size=images)
    right = rng.normal(size=(images, 10))
    right[np.arange(images), labels] += 3.6
    logits = (1000 * (right + 0.4 * rng.normal(size=(chips, images, 10)))).astype(np.int32)
    correct = (logits.argmax(axis=-1) == labels).astype(np.uint8)
    columns = {"logits": logits, "correct": correct, "accuracy": correct.mean(axis=1)}
    columns["logit_scale"] = np.full(chips, 1e-3)
    for layer, conversions in LAYERS.items():
        columns[f"count_{layer}_conversions"] = np.full(chips, conversions * images)
        columns[f"count_{layer}_saturated"] = rng.integers(images // 10, size=chips)
    for name, value, kind, source in COSTS:
        columns |= {name: np.full(chips, value), f"kind_{name}": np.full(chips, kind, dtype=object)}
        columns[f"source_{name}"] = np.full(chips, source, dtype=object)
    chip_samples = Samples(chips, columns)
    figures = network_figures(chip_samples, References(labels, right, (1000 * right).astype(np.int64)))
    names = json.dumps([f"digit {index}" for index in range(10)])
    references = Group(
        "network/reference", Samples(images, {"labels": labels}), {"labels": "1"}, {"class_names": names}
    )
    return references, Group("network/accuracy", chip_samples, network_units(list(columns))), figures


def _products(name, rng, size, apart):
    count = 4
    g, v = rng.uniform(1e-6, 39e-6, (count, size, size)), 0.2 * rng.integers(2, size=(count, size))
    v[:, 0] = 0.2
    slow = np.einsum("ki,kij->kj", v, g)
    fast = slow * (1 + apart * rng.normal(size=slow.shape))
    error = np.abs(fast - slow).max(axis=1) / slow.max(axis=1)
    drop = np.add.outer(np.arange(size), np.arange(size)) * 1e-5 * (1 + np.arange(len(v)))[:, None, None]
    columns = {"fast": fast, "ngspice": slow, "error": error, "drop": drop, "g": g, "v": v}
    columns |= {"power_error": 1e-2 * error, "tile_error": 2 * error, "noise_error": 3 * error}
    units = {"fast": "A", "ngspice": "A", "error": "1", "power_error": "1", "tile_error": "1", "noise_error": "1"}
    units |= {"drop": "V", "g": "S", "v": "V"}
    return Group(f"trust/{name}", Samples(count, columns), units)


def make_parts(folder: Path, seed=5) -> Path:
    """Write what ``characterize --out`` leaves of the parts that are slow to simulate, with records drawn at random."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    conditions = Conditions(seed=seed).attrs()
    for name, (nominal, columns) in {"sram_column": _column(rng), "bit_errors": _errors(rng)}.items():
        found = part(name)
        count = len(next(iter(columns.values())))
        both = {"nominal": Samples(1, {key: np.asarray(value)[None] for key, value in nominal.items()})}
        both["monte_carlo"] = Samples(count, columns)
        groups = [Group(f"{name}/{stage}", samples, found.units, conditions) for stage, samples in both.items()]
        write_hdf5(folder / f"{name}.h5", groups, conditions)
        figures = to_json(found.figures(nominal, both["monte_carlo"]))
        (folder / f"{name}.json").write_text(json.dumps(figures))
    return folder


def _column(rng, count=20):
    nominal = {name: rng.uniform(1, 9) * 1e-10 for name, unit in COLUMN_FIGURES.items() if unit == "s"}
    for what in ("read", "write"):
        spent = {f"{what}_energy_{name}": rng.uniform(1, 50) * 1e-15 for name in COMPONENTS}
        nominal |= {**spent, f"{what}_energy": sum(spent.values())}
    nominal |= {"bit_line_capacitance": 5e-14, "bit_line_leakage": 1e-10}
    for cycle in CYCLES:
        nominal[f"{cycle}_time"] = np.linspace(0, 4e-9, 50)
        nominal |= {f"{cycle}_{net}": 1.8 * rng.uniform(size=50) for net in NODES}
    nominal["swept_sensing_time"] = np.linspace(1e-10, 5e-10, 5)
    nominal["swept_access_time"] = np.array([np.nan, 4e-10, 4e-10, 5e-10, 6e-10])
    nominal |= {"swept_reads_0": np.ones(5), "swept_reads_1": np.array([0.0, 1, 1, 1, 1])}
    columns = {name: rng.normal(3e-10, 1e-11, count) for name in ("bit_line_time_0", "bit_line_time_1", "access_time")}
    columns |= {"reads_0": np.ones(count, dtype=np.int64), "reads_1": np.ones(count, dtype=np.int64)}
    columns["access_time"][:2], columns["reads_1"][:2] = np.nan, 0
    return nominal, columns


ERRORS = {"mean": -0.03, "sigma": 0.02, "rate": (2e8, 4e8)}  # V, V, V/s at either supply


def _errors(rng, count=60):
    """Cells that all have one current, amplifiers with a normal offset, bit lines that part at a constant rate."""
    time = np.linspace(0, 5e-9, 400)
    amplifier = rng.normal(0.0, 5e-3, (count, 9))
    slopes = np.full(9, ERRORS["sigma"] / 3)  # nine equal ones
    nominal = {
        "vdd": np.array([1.4, 1.8]),
        "temperature": np.array([27.0, 27.0]),
        "read_current": np.array([3e-5, 5e-5]),
        "swing_time": np.stack([time, time]),
        "swing": np.stack([rate * time for rate in ERRORS["rate"]]),
        "sensing_time": np.array([1e-9, 5e-10]),
        "loss_swing": np.array([0.06, 0.24]),
        "loss": np.zeros((2, 2, 2)),
        "swing_setting": 0.2,
        "seed": 1,
        "cell_mirror": np.array([3, 4, 5, 0, 1, 2]),
    }
    columns = {
        "cell_scores": rng.normal(0.0, 0.02, (count, 6)) / 0.02,
        "amplifier_scores": amplifier / 5e-3,
        "read_current_left": np.tile(nominal["read_current"], (count, 1)),
        "read_current_right": np.tile(nominal["read_current"], (count, 1)),
        "offset": np.tile((ERRORS["mean"] + amplifier / 5e-3 @ slopes)[:, None], (1, 2)),
    }
    return nominal, columns
