"""Hardware targets, one file each; the file's class named `Target` is the target of the file's name.

A package outside bitline adds one by an entry point in the group "bitline.targets".
"""

from __future__ import annotations

from importlib.metadata import entry_points
from types import ModuleType
from typing import TYPE_CHECKING

from bitline.core.errors import ConfigError
from nn import folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from nn.target import Target

_GROUP = "bitline.targets"


def _here() -> ModuleType:
    import nn.targets as package

    return package


def available() -> list[str]:
    """The names of all targets: those in this folder (with - for _), and those of other packages."""
    own = {name.replace("_", "-") for name in folder.names(_here())}
    return sorted(own | {entry.name for entry in entry_points(group=_GROUP)})


def find(name: str) -> Callable[..., Target]:
    """The class of a target, to be called with its settings.

    Raises:
        ConfigError: there is no target of that name, or its package can't be loaded.
    """
    module = name.replace("-", "_")
    if module in folder.names(_here()):
        own: Callable[..., Target] = folder.part(_here(), module).Target
        return own
    for entry in entry_points(group=_GROUP):
        if entry.name == name:
            try:
                other: Callable[..., Target] = entry.load()
            except (ImportError, AttributeError) as error:
                raise ConfigError(f"target {name!r} ({entry.value}) can't be loaded: {error}") from error
            return other
    raise folder.unknown("target", name, available())
