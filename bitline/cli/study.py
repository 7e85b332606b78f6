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
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bitline.core.errors import ConfigError
from bitline.core.suggest import suggestion
from bitline.core.units import parse_quantity


def _quantity(unit: str) -> BeforeValidator:
    def parse(value: Any) -> float:
        try:
            return parse_quantity(value, unit)
        except ConfigError as error:
            raise ValueError(str(error)) from None

    return BeforeValidator(parse)


Volts = Annotated[float, _quantity("V")]
Ohms = Annotated[float, _quantity("Ohm"), Field(ge=0)]
Siemens = Annotated[float, _quantity("S"), Field(ge=0)]
Seconds = Annotated[float, _quantity("s"), Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
_List = Field(strict=False)  # TOML's arrays are lists; what is in them stays strict

_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
_NAME_RULE = "a name has letters, digits and . _ - in it, and begins with a letter or digit"
_EXPECTED = {  # by pydantic's name of the fault
    "int_type": "a whole number is expected, without quotes",
    "float_type": "a number is expected, without quotes",
    "bool_type": "true or false is expected, without quotes",
    "string_type": 'text is expected, in quotes as "this"',
    "tuple_type": "a list is expected, written [ ... ]",
}
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")


class _Section(BaseModel):
    """Strict: true is no number, "12" none either; where a unit is known, text with a suffix is."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class Conditions(_Section):
    """Technology, corner, temperature and supply of every simulation."""

    technology: str = "sky130"
    corner: str = "tt"
    temperature: Annotated[float, Field(gt=-273.15, le=300)] = 27.0  # C
    vdd: Annotated[Volts, Field(gt=0)] = 1.8


class Samples(_Section):
    """How many mismatch samples a characterisation draws."""

    samples: Count = 200


class SenseAmp(Samples):
    """The latch: it is the comparator of the converters, so its common mode is theirs."""

    samples: Count = 100
    below_vdd: Annotated[Volts, Field(ge=0)] = 0.5  # common mode of its inputs, below the supply


class Reram(Samples):
    """The 1T1R cell: the device model, and the published spread of what is programmed."""

    samples: Count = 210
    device: str = "stanford_pku"
    spread: str = "wan2022"
    compare: Annotated[tuple[str, ...], _List] = ()  # other device models, nominal switching simulated beside it


class Network(_Section):
    """The network and its data."""

    data: str = "digits"  # digits, mnist, or the path of an .npz or of a folder of idx files
    hidden: Annotated[tuple[Annotated[int, Field(ge=1)], ...], _List] = (128,)
    epochs: Annotated[int, Field(ge=1)] = 15
    weight_bits: Annotated[int, Field(ge=2, le=8)] = 8
    activation_bits: Annotated[int, Field(ge=2, le=8)] = 8


class Array(_Section):
    """The crossbar tile: cells, wires and converters."""

    rows: Annotated[int, Field(ge=1, le=1024)] = 128
    cols: Annotated[int, Field(ge=2, le=1024)] = 128  # bit lines; a differential weight takes two neighbours
    r_wire: Ohms = 1.0  # a segment, word and bit lines
    v_read: Annotated[Volts, Field(gt=0, le=0.4)] = 0.2
    g_min: Siemens = 1e-6
    g_max: Annotated[Siemens, Field(gt=0)] = 39e-6
    variation: bool = True  # programming draws the spread of [reram]; false programs exactly
    read_noise: Annotated[float, Field(ge=0, lt=1)] = 0.01  # of each cell's g, sigma, new at every read
    t_read: Seconds = 100e-9  # a bit plane is driven so long
    adc_bits: Annotated[int, Field(ge=2, le=12)] = 8
    adcs: Annotated[int, Field(ge=1)] = 1  # converters a tile, shared by its outputs
    v_full_scale: Annotated[Volts, Field(gt=0)] = 0.9  # at the converter
    auto_zero: bool = True  # the code of a read without input is subtracted from every code

    @model_validator(mode="after")
    def _ordered(self) -> Array:
        if self.g_min >= self.g_max:
            raise ValueError(f"g_min = {self.g_min:g} S is not below g_max = {self.g_max:g} S")
        if self.cols % 2:
            raise ValueError(f"cols = {self.cols} is odd, and a differential weight takes two bit lines")
        return self


class Accuracy(_Section):
    """The accuracy study: sampled chips and test images."""

    chips: Annotated[int, Field(ge=2)] = 20
    images: Annotated[int, Field(ge=1)] | None = None  # all of them
    trace_images: Annotated[int, Field(ge=0, le=1000)] = 16


class Trust(_Section):
    """What is simulated again one rung down."""

    products: Annotated[int, Field(ge=0, le=1000)] = 6  # of the mapped tiles, with linear cells
    size: Annotated[int, Field(ge=2, le=64)] = 64  # word and bit lines of those netlists
    cells_size: Annotated[int, Field(ge=2, le=64)] = 32  # of the netlists with a transistor in every cell


class Study(_Section):
    """A whole study, from the transistor to the network."""

    name: Annotated[str, Field(pattern=_NAME)] = "study"
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    conditions: Conditions = Conditions()
    sram: Samples = Samples(samples=200)
    sense_amp: SenseAmp = SenseAmp()
    reram: Reram = Reram()
    network: Network = Network()
    array: Array = Array()
    accuracy: Accuracy = Accuracy()
    trust: Trust = Trust()

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
    _anchor(document, path.parent)
    try:
        return Study(**{"name": _NOT_IN_NAMES.sub("_", path.stem).lstrip("_.-") or "study", **document})
    except ValidationError as error:
        raise ConfigError("\n".join(f"{path}: {_told(fault)}" for fault in error.errors())) from error


def _anchor(document: dict[str, Any], folder: Path) -> None:
    """Take relative paths from the study file's folder where they lead to something; absolute, they outlive a move."""
    from circuits.technology import available as technologies
    from circuits.variation import SPREADS
    from nn.datasets import available as data_sets

    paths = (
        ("conditions", "technology", technologies()),
        ("network", "data", data_sets()),
        ("reram", "spread", SPREADS),
    )
    for section, key, names in paths:
        table = document.get(section)
        if not isinstance(table, dict):
            continue
        value = table.get(key)
        if not isinstance(value, str) or value in names:
            continue
        file = value if (folder / value).exists() else value.partition("@")[0]  # "cells.csv@1": reads about 1 s
        if file and (folder / file).exists():
            table[key] = str((folder / file).resolve()) + value.removeprefix(file)


def _told(fault: Any) -> str:
    """One line on one fault, with the key as the file spells it."""
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] != "extra_forbidden":
        said = {"model_type": f"it is a section, written [{key}]", "string_pattern_mismatch": _NAME_RULE, **_EXPECTED}
        message = said.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")
        value = fault["input"]
        spelt = str(value).lower() if isinstance(value, bool) else repr(value)
        return f"{key or 'the file'}: {message}" + (f" (it is {spelt})" if key else "")
    *sections, last = (str(part) for part in fault["loc"])
    model: Any = Study
    for section in sections:
        model = model.model_fields[section].annotation
    return f"unknown key {key!r}{suggestion(last, model.model_fields)}"
