"""Counts among the settings of a part, which the command line gives as numbers with a point."""

from __future__ import annotations

from bitline.core.errors import ConfigError


def whole(name: str, value: float) -> int:
    """A count.

    Args:
        name: of the setting.
        value: as it was given.

    Raises:
        ConfigError: it has a fraction, or is no number.
    """
    if not float(value).is_integer():
        raise ConfigError(f"{name} = {value:g}: it is a count; give a whole number")
    return int(value)
