"""A study file: TOML at the edge, frozen and checked.

Every key has a default, so that the smallest study is an empty file; a misspelt key is an error that suggests the
right one. Quantities take suffixes ("39u", "1k") and become SI floats here, once.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from bitline.cli.array_section import Array
from bitline.cli.cim import SramCim
from bitline.cli.fields import AsList, Count, Section, Share, Volts
from bitline.cli.study_paths import anchor
from bitline.cli.traces import Trace
from bitline.core.errors import ConfigError
from bitline.core.suggest import suggestion
from nn.sequential import FEWEST

_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
_VARIANT_NAME = r"^[A-Za-z0-9_-]+$"
_RULES = {  # by pattern
    _NAME: "a name has letters, digits and . _ - in it, and begins with a letter or digit",
    _VARIANT_NAME: "a variant's name has letters, digits, _ and - in it, and no others",
}
_IN_KEY = "[key]"  # of a fault's place, where a table's key is at fault and not what is under it
_EXPECTED = {  # by pydantic's name of the fault
    "int_type": "a whole number is expected, without quotes",
    "float_type": "a number is expected, without quotes",
    "bool_type": "true or false is expected, without quotes",
    "string_type": 'text is expected, in quotes as "this"',
    "tuple_type": "a list is expected, written [ ... ]",
}
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")


class Conditions(Section):
    """Technology, corner, temperature and supply of every simulation."""

    technology: str = "sky130"
    corner: str = "tt"
    temperature: Annotated[float, Field(gt=-273.15, le=300)] = 27.0  # C
    vdd: Annotated[Volts, Field(gt=0)] = 1.8


class Samples(Section):
    """How many mismatch samples a characterisation draws."""

    samples: Count = 200


class Sram(Samples):
    """The 6T cell, which no array here is made of: a study that has this section characterises it and reports it."""

    samples: Count = 200  # 0 leaves the cell out


class SenseAmp(Samples):
    """The latch: it is the comparator of the converters, so its common mode is theirs."""

    samples: Count = 100
    below_vdd: Annotated[Volts, Field(ge=0)] = 0.5  # common mode of its inputs, below the supply


class Reram(Samples):
    """The 1T1R cell: the device model, and the published spread of what is programmed."""

    samples: Count = 210
    device: str = "stanford_pku"
    spread: str = "wan2022"
    compare: Annotated[tuple[str, ...], AsList] = ()  # other device models, nominal switching simulated beside it


class Network(Section):
    """The network and its data."""

    data: str = "digits"  # digits, mnist, or the path of an .npz or of a folder of idx files
    model: str = "mlp"  # a network of nn/networks, file.py:callable, a .pt2 or an .onnx file
    arguments: dict[str, Any] = Field(default={})  # of the function that builds it, as hidden = [128] of the mlp
    checkpoint: str = ""  # its trained weights (.pt, .npz), instead of training
    epochs: Annotated[int, Field(ge=1)] = 15
    batch: Annotated[int, Field(ge=2)] = 64
    rate: Annotated[float, Field(gt=0)] = 3e-3  # the highest learning rate
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    augment: Annotated[tuple[str, ...], AsList] = ()  # mirror, upside_down, transpose, shift; see nn.train
    balance: Share = 0.0  # a class of n images weighs n^-balance in training
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0  # of labels
    weight_noise: Annotated[float, Field(ge=0, lt=1)] = 0.0  # while training, of a layer's largest weight, sigma
    precision: Literal["float32", "bfloat16"] = "float32"  # while training
    weight_bits: Annotated[int, Field(ge=1, le=8)] = 8  # 2 are ternary, 1 the sign
    activation_bits: Annotated[int, Field(ge=2, le=8)] = 8
    per_channel: bool = True  # a weight scale for every output
    weight_range: Literal["mse", "percentile", "max"] = "mse"
    activation_range: Literal["mse", "percentile", "max"] = "percentile"
    percentile: Annotated[float, Field(ge=50, le=100)] = 99.95


class Calibration(Section):
    """What is fitted to each chip's own outputs once it is programmed; see nn.calibration."""

    correction: Literal["none", "offset", "gain"] = "none"
    targets: Literal["pre_activation", "post_activation"] = "pre_activation"
    images: Annotated[int, Field(ge=2)] = 200  # of the training part


class Tuning(Section):
    """Fine-tuning of the integer network, with chips' arrays in the loop or without; see nn.tuning."""

    steps: Count = 0  # 0 tunes nothing
    hardware: bool = True  # products are those of chips drawn anew as it goes on
    batch: Annotated[int, Field(ge=1)] = 64
    rate: Annotated[float, Field(gt=0)] = 1e-2
    distillation: Share = 0.0  # of the loss: the divergence from the float network's classes
    chip_steps: Annotated[int, Field(ge=1)] = 10  # that a chip is used for


class ChipTuning(Section):
    """Fine-tuning of the network to each chip, layer by layer as they are programmed; see nn.tuning.progressive."""

    steps: Count = 0  # after every layer; 0 tunes nothing
    images: Annotated[int, Field(ge=1)] = 1000  # of the training part, that each layer is measured with
    batch: Annotated[int, Field(ge=1)] = 64
    rate: Annotated[float, Field(gt=0)] = 5e-3  # the highest learning rate

    @model_validator(mode="after")
    def _whole(self) -> ChipTuning:
        if self.images < self.batch:
            raise ValueError(f"images = {self.images} is below batch = {self.batch}")
        return self


class Accuracy(Section):
    """The accuracy study: sampled chips and test images."""

    chips: Annotated[int, Field(ge=2)] = 20  # with a half width: at most
    chips_min: Annotated[int, Field(ge=FEWEST)] = 10  # with a half width: before the first look
    half_width: Annotated[float, Field(gt=0, lt=0.5)] | None = None  # wanted of the interval, due to chips
    images: Annotated[int, Field(ge=1)] | None = None  # all of them
    trace_images: Annotated[int, Field(ge=0, le=1000)] = 16

    @model_validator(mode="after")
    def _ordered(self) -> Accuracy:
        if self.half_width is not None and self.chips < self.chips_min:
            raise ValueError(f"chips = {self.chips} is below chips_min = {self.chips_min}, the first look")
        return self


class Trust(Section):
    """What is simulated again one rung down."""

    products: Annotated[int, Field(ge=0, le=1000)] = 6  # of the mapped tiles, with linear cells
    size: Annotated[int, Field(ge=2, le=64)] = 64  # word and bit lines of those netlists
    cells_size: Annotated[int, Field(ge=2, le=64)] = 32  # of the netlists with a transistor in every cell


def _dotted(table: Any, prefix: str = "") -> dict[str, Any]:
    """The keys of nested tables by their dotted names."""
    if not isinstance(table, dict):
        raise ValueError("a variant is a table of a study's keys, as array.adc_bits = 6")  # noqa: TRY004 - pydantic's
    found: dict[str, Any] = {}
    for key, value in table.items():
        nested = isinstance(value, dict) and value  # an empty table is a value: a section's defaults
        found |= _dotted(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return found


Variants = dict[Annotated[str, Field(pattern=_VARIANT_NAME)], Annotated[dict[str, Any], BeforeValidator(_dotted)]]


class Study(Section):
    """A whole study, from the transistor to the network."""

    name: Annotated[str, Field(pattern=_NAME)] = "study"
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    conditions: Conditions = Conditions()
    sram: Sram = Sram(samples=0)
    sense_amp: SenseAmp = SenseAmp()
    reram: Reram = Reram()
    network: Network = Network()
    calibration: Calibration = Calibration()
    tuning: Tuning = Tuning()
    chip_tuning: ChipTuning = ChipTuning()
    array: Array = Array()
    target: Literal["reram", "sram-cim"] = "reram"  # what the network runs on: [array] or [sram_cim]
    sram_cim: SramCim = SramCim()
    accuracy: Accuracy = Accuracy()
    trust: Trust = Trust()
    trace: Trace = Trace()
    variants: Variants = Field(default={})  # by name, keys with other values: studies that are run beside it

    def hash(self) -> str:
        """SHA-256 of everything in it, in hex: two studies with equal hashes compute equal numbers."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


def load_study(path: Path) -> Study:
    """Read a study file.

    Raises:
        ConfigError: it is missing or no TOML, or a key is unknown or its value out of range; names file and key.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; see examples/ for study files") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    anchor(document, path.parent)
    variants = document.get("variants")
    if isinstance(variants, dict):
        document["variants"] = {
            name: _dotted(changes) if isinstance(changes, dict) else changes for name, changes in variants.items()
        }
        for changes in document["variants"].values():
            anchor(changes, path.parent)
    return checked({"name": _NOT_IN_NAMES.sub("_", path.stem).lstrip("_.-") or "study", **document}, str(path))


def checked(document: dict[str, Any], where: str) -> Study:
    """The study that a document says.

    Args:
        document: sections and keys, relative paths taken from where they stand.
        where: it comes from, as messages name it.

    Raises:
        ConfigError: a key is unknown or its value out of range.
    """
    try:
        return Study(**document)
    except ValidationError as error:
        raise ConfigError("\n".join(f"{where}: {_told(fault)}" for fault in error.errors())) from error


def _told(fault: Any) -> str:
    """One line on one fault, with the key as the file spells it."""
    place = fault["loc"]
    key = ".".join(str(part) for part in (place[:-2] if place[-1:] == (_IN_KEY,) else place))
    if fault["type"] != "extra_forbidden":
        rule = _RULES.get(fault.get("ctx", {}).get("pattern"), "")
        said = {"model_type": f"it is a section, written [{key}]", "string_pattern_mismatch": rule, **_EXPECTED}
        message = said.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")
        value = fault["input"]
        spelt = str(value).lower() if isinstance(value, bool) else repr(value)
        return f"{key or 'the file'}: {message}" + (f" (it is {spelt})" if key else "")
    *sections, last = (str(part) for part in fault["loc"])
    model: Any = Study
    for section in sections:
        model = model.model_fields[section].annotation
    return f"unknown key {key!r}{suggestion(last, model.model_fields)}"
