"""A characterisation: the tasks, units, figures, netlists and fits of one part, under stated conditions.

A part is a module in `spice/parts` with a function ``make(**settings) -> Part``; a new one is a new file there, the
file's name is the part's name on the command line, and `make`'s arguments are its settings, each with a default.
"""

from __future__ import annotations

import importlib
import inspect
import math
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bitline.core.errors import ConfigError
from bitline.core.executor import Record, Task
from bitline.core.figures import Figure
from bitline.core.model_file import FittedModel, Residual
from bitline.core.samples import Samples
from bitline.core.suggest import suggestion
from circuits.netlist import Netlist
from spice.compared import Compared, every_column

Provenance = Mapping[str, str | float | int]
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Conditions:
    """What every simulation of a characterisation shares.

    Args:
        technology: a shipped technology's name or the path of a technology's folder.
        corner: one of its corners.
        temperature: C.
        vdd: supply, V.
        seed: of the mismatch draws.

    Raises:
        ConfigError: an impossible temperature or supply.
    """

    technology: str = "sky130"
    corner: str = "tt"
    temperature: float = 27.0
    vdd: float = 1.8
    seed: int = 1

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > -273.15):
            raise ConfigError(f"temperature = {self.temperature} C: it is given in degrees Celsius, above -273.15")
        if not (math.isfinite(self.vdd) and self.vdd > 0):
            raise ConfigError(f"vdd = {self.vdd} V: a supply is above 0 V")

    def attrs(self) -> dict[str, str | float | int]:
        """As HDF5 attributes and provenance hold them."""
        return asdict(self)


@dataclass(frozen=True)
class Span:
    """Temperatures and supplies that a fit is to hold over, at one corner.

    Args:
        technology: a shipped technology's name or the path of a technology's folder.
        corner: one of its corners.
        temperatures: lowest and highest, C.
        supplies: lowest and highest, V.
        seed: of what is simulated.

    Raises:
        ConfigError: a range is empty or impossible.
    """

    technology: str = "sky130"
    corner: str = "tt"
    temperatures: tuple[float, float] = (-40.0, 125.0)
    supplies: tuple[float, float] = (1.2, 1.98)
    seed: int = 1

    def __post_init__(self) -> None:
        for name, (low, high) in (("temperatures", self.temperatures), ("supplies", self.supplies)):
            if not low < high:
                raise ConfigError(f"{name} = {low:g},{high:g}: a range goes from a lower to a higher value")
        for temperature, vdd in zip(self.temperatures, self.supplies, strict=True):
            Conditions(self.technology, self.corner, temperature, vdd, self.seed)


@dataclass(frozen=True)
class Survey:
    """A fit over a span: what it takes, and how it is made.

    Args:
        design: the task of the fitted samples.
        samples: how many there are.
        held_out: the task of the samples that check it, at conditions that it has not seen.
        held_out_samples: how many there are.
        units: unit by field of their records.
        fit: the models from both.
    """

    design: Task
    samples: int
    held_out: Task
    held_out_samples: int
    units: Mapping[str, str]
    fit: Callable[[Samples, Samples, Provenance], Sequence[FittedModel]]


def by_columns(
    models: Mapping[str, FittedModel], _nominal: Record, fitted: Samples | None, samples: Samples
) -> list[Compared]:
    """The models whose inputs and output are columns of the samples, beside those."""
    return every_column(models, ([(fitted, False)] if fitted is not None else []) + [(samples, True)])


@dataclass(frozen=True)
class Part:
    """How one part is characterised.

    Args:
        nominal: the task of the mismatch-free device; it has one sample, number 0, with curves and waveforms.
        monte_carlo: the task of the mismatch samples.
        units: unit by field of their records.
        figures: the part's figures, from its nominal record and, where drawn, its samples.
        fit: its fitted models, from the same and the provenance.
        check: the residuals of those models against samples that they have not seen, from the nominal record too.
        netlists: what it simulates, by file name without suffix.
        waveforms: field names of the nominal record by waveform: the first is the axis.
        fewest: samples that `fit` needs.
        inputs: what it takes from files, by their contents; part of the provenance and of what samples depend on.
        usual: samples that are drawn where nobody says how many.
        design: the task of samples for the fit alone, where mismatch samples serve it badly; those then check it.
        designed: how many there are.
        survey: its fit over temperatures and supplies, if it has one.
        compare: its models beside the samples behind them, from models, nominal record, samples of the fit alone (None
            where it has none) and mismatch samples; by the names of columns where a part does not say.
    """

    nominal: Callable[[Conditions], Task]
    monte_carlo: Callable[[Conditions], Task]
    units: Mapping[str, str]
    figures: Callable[[Record, Samples | None], dict[str, Figure]]
    fit: Callable[[Record, Samples, Provenance], Sequence[FittedModel]]
    check: Callable[[Mapping[str, FittedModel], Record, Samples], dict[str, Residual]]
    netlists: Callable[[Conditions], dict[str, Netlist]]
    waveforms: Mapping[str, tuple[str, ...]]
    fewest: int = 1
    inputs: str = ""
    usual: int = 100
    design: Callable[[Conditions], Task] | None = None
    designed: int = 0
    survey: Callable[[Span], Survey] | None = None
    compare: Callable[[Mapping[str, FittedModel], Record, Samples | None, Samples], list[Compared]] = by_columns


def part_names() -> list[str]:
    """The parts there are."""
    from spice import parts

    return sorted(module.name for module in pkgutil.iter_modules(parts.__path__))


def settings_of(name: str) -> Settings:
    """The settings of a part with their defaults; "sense-amp" and "sense_amp" are the same.

    Raises:
        ConfigError: there is no such part; the nearest name is suggested.
    """
    return {key: entry.default for key, entry in inspect.signature(_maker(name)).parameters.items()}


def part(name: str, settings: Settings | None = None) -> Part:
    """The part of this name with these settings; those left out have their defaults.

    Raises:
        ConfigError: there is no such part or setting; the nearest name is suggested.
    """
    settings, known = settings or {}, settings_of(name)
    for key, value in settings.items():
        if key not in known:
            raise ConfigError(f"{name} has no setting {key!r}{suggestion(key, known)}")
        if isinstance(value, str) != isinstance(known[key], str):
            raise ConfigError(f"{name}: setting {key} is {value!r}, expected the like of {known[key]!r}")
    return _maker(name)(**settings)


def _maker(name: str) -> Callable[..., Part]:
    wanted = name.replace("-", "_")
    if wanted not in part_names():
        raise ConfigError(f"nothing to characterise is called {name!r}{suggestion(wanted, part_names())}")
    maker: Callable[..., Part] = importlib.import_module(f"spice.parts.{wanted}").make
    return maker
