"""A study written out as a file."""

from __future__ import annotations

import tomli_w

from bitline.cli.study import Study


def to_toml(study: Study) -> str:
    """The study with every default written out, as a file that computes the same numbers."""
    return tomli_w.dumps(study.model_dump(exclude_none=True))
