"""``summary.json`` of a sweep or an ablation, which its picture and its page are drawn from."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bitline.cli.run_folder import SUMMARY, kind_of
from bitline.cli.study import Study
from bitline.cli.terminal import finite
from nn.statistics import Interval


def heading(study: Study, kind: str, key: str) -> dict[str, Any]:
    """What every summary of points begins with."""
    version = importlib.metadata.version("bitline")
    return {"kind": kind, "study": study.name, "hash": key, "seed": study.seed, "version": version}


def interval_json(found: Interval | None) -> dict[str, float] | None:
    """An interval as summaries hold it."""
    if found is None:
        return None
    return {"value": found.value, "low": found.low, "high": found.high}


def write_summary(folder: Path, document: Mapping[str, Any]) -> None:
    """Write ``summary.json``; what is not finite becomes null."""
    (folder / SUMMARY).write_text(json.dumps(finite(document), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_points(folder: Path) -> dict[str, Any] | None:
    """The summary of a sweep or an ablation; None where a folder holds neither."""
    if not kind_of(folder):
        return None
    document: dict[str, Any] = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    return document
