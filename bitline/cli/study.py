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

from pydantic import Field, ValidationError

from bitline.cli.array_section import Array
from bitline.cli.cim import SramCim
from bitline.cli.fields import AsList, Count, Section, Volts
from bitline.core.errors import ConfigError
from bitline.core.suggest import suggestion

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


class Conditions(Section):
    """Technology, corner, temperature and supply of every simulation."""

    technology: str = "sky130"
    corner: str = "tt"
    temperature: Annotated[float, Field(gt=-273.15, le=300)] = 27.0  # C
    vdd: Annotated[Volts, Field(gt=0)] = 1.8


class Samples(Section):
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
    compare: Annotated[tuple[str, ...], AsList] = ()  # other device models, nominal switching simulated beside it


class Network(Section):
    """The network and its data."""

    data: str = "digits"  # digits, mnist, or the path of an .npz or of a folder of idx files
    hidden: Annotated[tuple[Annotated[int, Field(ge=1)], ...], AsList] = (128,)
    epochs: Annotated[int, Field(ge=1)] = 15
    weight_bits: Annotated[int, Field(ge=2, le=8)] = 8
    activation_bits: Annotated[int, Field(ge=2, le=8)] = 8


class Accuracy(Section):
    """The accuracy study: sampled chips and test images."""

    chips: Annotated[int, Field(ge=2)] = 20
    images: Annotated[int, Field(ge=1)] | None = None  # all of them
    trace_images: Annotated[int, Field(ge=0, le=1000)] = 16


class Trust(Section):
    """What is simulated again one rung down."""

    products: Annotated[int, Field(ge=0, le=1000)] = 6  # of the mapped tiles, with linear cells
    size: Annotated[int, Field(ge=2, le=64)] = 64  # word and bit lines of those netlists
    cells_size: Annotated[int, Field(ge=2, le=64)] = 32  # of the netlists with a transistor in every cell


class Study(Section):
    """A whole study, from the transistor to the network."""

    name: Annotated[str, Field(pattern=_NAME)] = "study"
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    conditions: Conditions = Conditions()
    sram: Samples = Samples(samples=200)
    sense_amp: SenseAmp = SenseAmp()
    reram: Reram = Reram()
    network: Network = Network()
    array: Array = Array()
    target: Literal["reram", "sram-cim"] = "reram"  # what the network runs on: [array] or [sram_cim]
    sram_cim: SramCim = SramCim()
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
        ("array.faults", "map", ()),
    )
    for section, key, names in paths:
        table: Any = document
        for part in section.split("."):
            table = table.get(part) if isinstance(table, dict) else None
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
