"""Knobs: any key of a study file, by its dotted name, and the values that it is given."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from bitline.cli.fields import Section
from bitline.cli.study import Study, checked
from bitline.cli.study_paths import anchor
from bitline.core.errors import ConfigError
from bitline.core.suggest import suggestion

_OF_THE_RUN = ("name", "seed", "trust", "trace", "variants")
_OPEN, _CLOSE = "[{", "]}"


@dataclass(frozen=True)
class Knob:
    """A key and its values in turn, as a study takes them (SI, checked)."""

    key: str
    values: tuple[Any, ...]


def parse(study: Study, text: str) -> Knob:
    """Read ``KEY=VALUE,VALUE,...``, where a value is as TOML writes it, or a quantity or a name without quotes.

    Args:
        study: whose key it is, and with whose other settings each value has to agree.
        text: of an option ``--over``.

    Raises:
        ConfigError: no such key, no value, one twice, or one that the study refuses.
    """
    key, equals, values = (part.strip() for part in text.partition("="))
    if not equals or not values:
        raise ConfigError(f"--over {text}: write KEY=VALUE,VALUE,..., as --over array.adc_bits=4,6,8")
    found = [value_of(patched(study, {key: read(each)}, f"--over {text}"), key) for each in _split(values)]
    for index, value in enumerate(found):
        if value in found[:index]:
            raise ConfigError(f"--over {text}: {said(value)} is there twice")
    return Knob(key, tuple(found))


def read(text: str) -> Any:
    """A value as TOML writes it; what is no TOML is text, as 10u and sar are."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def said(value: Any) -> str:
    """A value as messages and axes show it."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(said, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def keys() -> list[str]:
    """Every key of a study file, dotted."""
    return list(_keys(Study, ""))


def _keys(section: type[Section], prefix: str) -> Iterator[str]:
    for name, entry in section.model_fields.items():
        kind = entry.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from _keys(kind, f"{prefix}{name}.")
        else:
            yield prefix + name


def value_of(study: Study, key: str) -> Any:
    """The value of a key."""
    found: Any = study
    for part in key.split("."):
        found = found.get(part) if isinstance(found, dict) else getattr(found, part)
    return found


def patched(study: Study, changes: Mapping[str, Any], where: str) -> Study:
    """The study with other values at some keys, which may also be whole sections, as ``{}`` for the defaults.

    Args:
        study: to start from.
        changes: value by key; relative paths are taken from the working directory.
        where: they come from, as messages name it.

    Raises:
        ConfigError: no such key, or the study refuses a value.
    """
    document = study.model_dump()
    for key, value in changes.items():
        *sections, last = key.split(".")
        table: Any = document
        for part in sections:
            table = table.get(part) if isinstance(table, dict) else None
        free = isinstance(table, dict) and isinstance(value_of(study, ".".join(sections)) if sections else None, dict)
        if not isinstance(table, dict) or (last not in table and not free):
            raise ConfigError(f"{where}: unknown key {key!r}{suggestion(key, keys())}")
        table[last] = value
    anchor(document, Path.cwd())
    return checked(document, where)


def variant_studies(study: Study) -> dict[str, Study]:
    """The studies that a study's variants are, by name.

    Raises:
        ConfigError: a variant has a key that no study has, a value that it refuses, or one that is not for variants.
    """
    plain, found = study.model_copy(update={"variants": {}}), {}
    for name, changes in study.variants.items():
        where = f"variants.{name}"
        for key in changes:
            if key.partition(".")[0] in _OF_THE_RUN:
                raise ConfigError(f"{where}: {key} is the run's: variants are of the same name, seed, chips and ladder")
        found[name] = patched(plain, changes, where)
    return found


def grid(study: Study, knobs: Sequence[Knob]) -> Iterator[tuple[dict[str, Any], Study]]:
    """Every combination of the knobs' values, the last knob's changing fastest, and the study that it makes.

    Raises:
        ConfigError: the study refuses a combination.
    """
    for values in product(*(knob.values for knob in knobs)):
        at = {knob.key: value for knob, value in zip(knobs, values, strict=True)}
        yield at, patched(study, at, named(at))


def named(at: Mapping[str, Any]) -> str:
    """A combination as messages name it."""
    return ", ".join(f"{key} = {said(value)}" for key, value in at.items())


def _split(text: str) -> list[str]:
    """Cut at commas outside brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in _OPEN + _CLOSE:
            depth += 1 if letter in _OPEN else -1
        elif letter == "," and depth == 0:
            parts.append("")
            continue
        parts[-1] += letter
    if not all(part.strip() for part in parts):
        raise ConfigError(f"{text!r}: a value is missing between commas")
    return [part.strip() for part in parts]
