"""The stages of a study, each computed once for all studies that agree in what it depends on.

`bitline run` takes one study through them; a sweep takes many, and shares characterisations, networks and chips between
them. A stage's key is the hash of what it depends on, so that two studies that differ elsewhere have the same one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bitline.cli.arrays import accuracy_task, tile_config
from bitline.cli.characterise import Characterised, Work, characterise, fit, run_stage, sources, work_key
from bitline.cli.cim import cim_config, part_settings
from bitline.cli.knobs import variant_studies
from bitline.cli.network import NETWORK, TRAINED_SO_FAR, TUNED, WEIGHTS, Network, prepare_network, tuned_network
from bitline.cli.run_folder import JOURNAL, JOURNALS, SHORT
from bitline.cli.stage_store import StageStore, code, key_of
from bitline.cli.study import ChipTuning, Study
from bitline.cli.study_paths import files
from bitline.cli.terminal import note
from bitline.cli.voltage_mode import voltage_config
from bitline.core.executor import Task
from bitline.core.executors import executor
from bitline.core.model_file import ModelFile
from bitline.core.samples import Samples
from circuits.variation import load_spread
from nn.sequential import Stopping
from spice.characterise import Conditions

NOT_ACCURACY = (
    "name",
    "trust",
    "trace",
    "variants",
    "accuracy.chips",
    "accuracy.chips_min",
    "accuracy.half_width",
)  # no chip depends on it
_NOT_TRAINING = ("weight_bits", "activation_bits", "per_channel", "weight_range", "activation_range", "percentile")
_FILES = ("network", "reram", "array.faults")  # sections that name files, beside the technology's
_TRAINING = ("nn", "bitline.core"), ("numpy", "torch", "scikit-learn")  # packages and distributions that train
_NETWORK = ("seed", "network", "accuracy.images")  # all that a network and its references depend on


def study_key(study: Study) -> str:
    """The hash of everything that a study's numbers depend on: its settings, bitline, the technology, all its files."""
    digest = hashlib.sha256(f"{sources(study.conditions.technology)} {study.hash()}".encode())
    digest.update(load_spread(study.reram.spread).source.encode())  # of a measured one, with its file's hash
    digest.update(_data(study, *_FILES))
    for varied in variant_studies(study).values():
        digest.update(study_key(varied).encode())
    return digest.hexdigest()


def network_key(study: Study) -> str:
    """The hash of all that a study's network depends on."""
    document = study.model_dump(mode="json")
    chosen = {key: _at(document, key) for key in _NETWORK}
    digest = hashlib.sha256(f"{sources(study.conditions.technology)} {_json(chosen)}".encode())
    digest.update(_data(study, "network"))
    return digest.hexdigest()


def training_key(study: Study) -> str:
    """The hash of all that the float network depends on: not how it is quantised, nor what is inferred with it."""
    document = study.model_dump(mode="json", include={"seed", "network"})
    for key in _NOT_TRAINING:
        del document["network"][key]
    digest = hashlib.sha256(f"{sources(study.conditions.technology)} {_json(document)}".encode())
    digest.update(_data(study, "network"))
    return digest.hexdigest()


def chips_key(study: Study, models: ModelFile, network: Network) -> str:
    """The hash of all that a study's chips depend on; not of how many are drawn."""
    document = study.model_dump(mode="json")
    for key in NOT_ACCURACY:
        *sections, last = key.split(".")
        del _at(document, ".".join(sections))[last]
    digest = hashlib.sha256(f"{sources(study.conditions.technology)} {_json(document)} {network.hash}".encode())
    digest.update(models.to_json().encode())
    digest.update(_data(study, *_FILES))
    return digest.hexdigest()


def tuned_key(study: Study, models: ModelFile, network: Network) -> str:
    """The hash of all that a fine-tuned network depends on, its chips' arrays among it."""
    common = study.model_copy(update={"chip_tuning": ChipTuning()})  # comes after it
    return hashlib.sha256(f"tuned {chips_key(common, models, network)}".encode()).hexdigest()


def trains_alone(study: Study) -> bool:
    """Whether all that a study's training runs is bitline's own: what a file of the user's imports, no key has."""
    from nn.networks import available

    return study.network.model in available() and not study.network.checkpoint


def _at(document: Mapping[str, Any], key: str) -> Any:
    found: Any = document
    for part in key.split(".") if key else ():
        found = found[part]
    return found


def _parts_key(parts: Sequence[Work]) -> str:
    return _json([asdict(work) for work in parts])


def _json(document: Any) -> str:
    return json.dumps(document, sort_keys=True)


def _data(study: Study, *sections: str) -> bytes:
    """A hash of the contents of all files that these sections name by path."""
    digest = hashlib.sha256()
    for path in files(study.model_dump(), *sections):
        digest.update(path.read_bytes())
    return digest.digest()


def array_works(study: Study) -> list[Work]:
    """What a study characterises for its arrays, what they are made of last."""
    conditions = Conditions(**study.conditions.model_dump(), seed=study.seed)
    amplifier = Work("sense_amp", conditions, study.sense_amp.samples, {"below_vdd": study.sense_amp.below_vdd})
    if study.target == "sram-cim":
        return [amplifier, Work("cim_column", conditions, study.sram_cim.samples, part_settings(study))]
    reram = {"device": study.reram.device, "spread": study.reram.spread, "v_read": study.array.v_read}
    return [amplifier, Work("reram", conditions, study.reram.samples, reram)]


def works(study: Study) -> list[Work]:
    """What a study characterises: what its arrays take, after the 6T cell where it asks for it."""
    arrays = array_works(study)
    if not study.sram.samples:
        return arrays
    return [Work("sram", arrays[0].conditions, study.sram.samples), *arrays]


def compared_works(study: Study) -> list[Work]:
    """The nominal cells of the study's other device models."""
    if study.target == "sram-cim":
        return []
    *_, reram = array_works(study)
    return [replace(reram, samples=0, settings={**reram.settings, "device": name}) for name in study.reram.compare]


@dataclass
class Stages:
    """Computes stages into a folder and resumes them from it.

    Args:
        folder: of an unfinished run.
        workers: processes.
        apart: of several studies, so that each stage has a place of its own, by its key, among the journals.
        store: of stages that earlier studies have computed; without it this one computes all.
        reused: stages that were taken from it, and what each was computed for.
    """

    folder: Path
    workers: int
    apart: bool = False
    store: StageStore | None = None
    reused: dict[str, str] = field(default_factory=dict)
    _parts: dict[str, Characterised] = field(default_factory=dict)
    _models: dict[str, ModelFile] = field(default_factory=dict)
    _networks: dict[str, Network] = field(default_factory=dict)
    _trained: dict[str, Path] = field(default_factory=dict)

    def hold(self, study: Study, models: ModelFile, network: Network, tuned: Network) -> None:
        """Take over what a finished run made, so that no study that shares it with this one computes it again.

        Args:
            study: that they are of.
            models: fitted to its arrays' parts.
            network: as quantised.
            tuned: as its chips run it.
        """
        self._models[_parts_key(array_works(study))] = models
        self._networks |= {tuned_key(study, models, network): tuned, network_key(study): network}

    def characterised(self, work: Work, place: str = "") -> Characterised:
        """Characterise a part; `place` keeps the same part with other settings apart."""
        key = hashlib.sha256(_json(asdict(work)).encode()).hexdigest()
        if key not in self._parts:
            told = f"{work.name}, {place}" if place else work.name
            self._parts[key] = self._characterised(work, self._journals(key) / place, told)
        return self._parts[key]

    def _characterised(self, work: Work, journals: Path, told: str) -> Characterised:
        if self.store is None:
            return characterise(work, self.workers, journals)
        key = work_key(work)
        self._note(told, self.store.take(key, work.name, journals, journals))
        found = characterise(work, self.workers, journals)
        if not any(group.samples.failures for group in found.groups):  # what failed is tried again
            self.store.keep(key, work.name, sorted(journals.glob(f"{work.name}-*{JOURNAL}")), journals)
        return found

    def _note(self, stage: str, origin: str) -> None:
        """Say, here and in the run's summary, what an earlier study has computed."""
        if origin:
            self.reused.setdefault(stage, origin)  # the study's own, where a variant has another
            note(f"{stage.replace('_', ' ')}: reused, computed for {origin}")

    def models(self, study: Study, parts: Sequence[Work]) -> ModelFile:
        """The models fitted to these parts, as the study's arrays take them.

        Raises:
            ModelRangeError: the study asks for what they do not cover.
        """
        key = _parts_key(parts)
        if key not in self._models:
            self._models[key] = fit([self.characterised(work) for work in parts])
        models = self._models[key]
        if study.target == "sram-cim":
            cim_config(study, models)
        elif study.array.sensing == "voltage":
            voltage_config(study, models)
        else:
            tile_config(study, models)
        return models

    def network(self, study: Study) -> Network:
        """Train and quantise the study's network."""
        key = network_key(study)
        if key not in self._networks:
            folder = self._journals(key) if self.apart else self.folder
            training = training_key(study)
            trained = self._trained.get(training)
            if trained is None:
                trained = self._journals(training) / WEIGHTS if self.apart else folder / NETWORK / WEIGHTS
                self._take_trained(study, training, trained)
            self._networks[key] = prepare_network(study, folder / NETWORK, trained)
            self._keep_trained(study, training, trained)
            self._trained[training] = self._networks[key].weights
        return self._networks[key]

    def _take_trained(self, study: Study, training: str, weights: Path) -> None:
        """Take the float network's weights from the store, unless a training of our own was stopped on the way."""
        if self.store is not None and trains_alone(study) and not weights.with_name(TRAINED_SO_FAR).is_file():
            key = key_of([training, code(*_TRAINING)])
            self._note("training", self.store.take(key, weights.stem, weights.parent, self._journals(training)))

    def _keep_trained(self, study: Study, training: str, weights: Path) -> None:
        if self.store is not None and trains_alone(study) and weights.is_file():
            key = key_of([training, code(*_TRAINING)])
            self.store.keep(key, weights.stem, [weights], self._journals(training))

    def tuned(self, study: Study, models: ModelFile, network: Network) -> Network:
        """The network as its chips run it: fine-tuned, where the study says so."""
        if not study.tuning.steps:
            return network
        key = tuned_key(study, models, network)
        if key not in self._networks:
            folder = self._journals(key) if self.apart else self.folder / NETWORK
            task = accuracy_task(study, models, network.graph)
            self._networks[key] = tuned_network(study, network, task, folder / TUNED)
        return self._networks[key]

    def chips(self, study: Study, models: ModelFile, network: Network, at_least: int = 0) -> Samples:
        """Infer the test images on the study's chips: on all, or on as many as its half width takes.

        Args:
            study: the settings.
            models: of its arrays.
            network: that is laid on them.
            at_least: chips with a half width, where more than it takes are to be drawn.
        """
        task, key = accuracy_task(study, models, network.graph), chips_key(study, models, network)
        rule = stopping(study)
        looks = rule.looks() if rule else [study.accuracy.chips]
        for count in looks:
            chips = self.stage("network: accuracy", task, count, key)
            if rule and chips.columns and rule.reached(chips["accuracy"]):
                break
        return chips if not rule or chips.count >= at_least else self.stage("network: accuracy", task, at_least, key)

    def stage(self, title: str, task: Task, count: int, key: str) -> Samples:
        """Run a stage of the network; `key` is the hash of all that its samples depend on."""
        journal = self._journals(key) / f"{title.replace(' ', '_').replace(':', '')}{JOURNAL}"
        return run_stage(title, task, count, executor(self.workers), journal, key, starting="compiling")

    def _journals(self, key: str) -> Path:
        return self.folder / JOURNALS / (key[:SHORT] if self.apart else "")


def stopping(study: Study) -> Stopping | None:
    """The rule by which a study ends drawing chips; None where it draws all."""
    asked = study.accuracy
    if asked.half_width is None:
        return None
    return Stopping(asked.half_width, asked.chips_min, asked.chips)
