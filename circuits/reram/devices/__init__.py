"""Device models: every module of this folder that defines `DEVICE` is one, under the module's name."""

from __future__ import annotations

import importlib
import pkgutil

from bitline.core.errors import ConfigError
from bitline.core.suggest import suggestion
from circuits.reram.device import ReramDevice


def available() -> list[str]:
    """Names of the device models."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def load_device(name: str = "stanford_pku") -> ReramDevice:
    """The device model `name`, with its default parameters.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in available():
        raise ConfigError(f"no ReRAM device '{name}'{suggestion(name, available())}")
    device: ReramDevice = importlib.import_module(f"{__name__}.{name}").DEVICE
    return device
