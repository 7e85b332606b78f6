"""The sections of [array] on time: telegraph noise, ageing, settling; and the parts of a tile that they are."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from bitline.cli.fields import Farads, Hertz, Seconds, Section, Share
from bitline.core.errors import ConfigError
from circuits.line_timing import LineTiming
from circuits.reram_ageing import SpreadGrowth, load_ageing
from circuits.telegraph import Telegraph


class ArrayTelegraph(Section):
    """Random telegraph noise; see circuits.telegraph."""

    source: str = "the study"  # where the numbers come from
    share: Share = 0.0  # of cells, that have a trap; 0 is off
    amplitude: Share = 0.0  # relative difference of the two conductances
    tau_capture: Seconds = 1e-3  # mean time that a trap stays empty
    tau_emission: Seconds = 1e-3  # mean time that it stays filled
    interval: Seconds | None = None  # between products of a tile; one right after the other
    error_limit: Annotated[float, Field(gt=0)] = 1e-3  # of the largest current: beyond it the matrix is solved anew

    @model_validator(mode="after")
    def _whole(self) -> ArrayTelegraph:
        if self.share > 0 and self.amplitude == 0:
            raise ValueError("share is above 0 and amplitude is 0; give the amplitude, or leave both out")
        return self

    def part(self) -> Telegraph | None:
        """As a tile takes it."""
        return Telegraph(**self.model_dump()) if self.share > 0 else None


class ArrayAgeing(Section):
    """What becomes of conductances after programming; see circuits.reram_ageing."""

    model: str = ""  # a published one; none by default
    t_elapsed: Seconds = 86400.0  # since programming
    drift_compensation: bool = False  # full scale follows the mean drift

    def parts(self, spread: str) -> dict[str, Any]:
        """As a tile takes them whose cells are programmed with the published `spread`.

        Raises:
            ConfigError: there is no ageing of that name, or it goes with another spread.
        """
        if not self.model:
            if self.drift_compensation:
                raise ConfigError("array.ageing: drift_compensation needs a model to compensate; give one")
            return {}
        ageing = load_ageing(self.model)
        if isinstance(ageing, SpreadGrowth) and spread != ageing.early.name:
            raise ConfigError(
                f"array.ageing: {self.model!r} is what comes on top of the spread {ageing.early.name!r}, and "
                f"reram.spread is {spread!r}; change one of them"
            )
        return {"ageing": ageing, "t_elapsed": self.t_elapsed, "drift_compensation": self.drift_compensation}


class ArrayTiming(Section):
    """Capacitances and bandwidths; see circuits.line_timing."""

    c_wl: Farads = 0.0  # of a word line at each cell
    c_bl: Farads = 0.0  # of a bit line at each cell
    f_driver: Hertz | None = None  # bandwidth of the drivers; a step
    f_front: Hertz | None = None  # of the front end; ideal
    c_sample: Annotated[Farads, Field(gt=0)] | None = None  # whose kT/C is noise; none

    def part(self, temperature: float) -> LineTiming | None:
        """As a tile at `temperature` (C) takes it; None where everything settles at once."""
        if self == ArrayTiming():
            return None
        given = {name: value for name, value in self.model_dump().items() if value is not None}
        return LineTiming(**given, temperature=temperature + 273.15)


def time_parts(
    telegraph: ArrayTelegraph, ageing: ArrayAgeing, timing: ArrayTiming, temperature: float, spread: str
) -> dict[str, Any]:
    """What these sections make of a tile at `temperature` (C), programmed with the published `spread`.

    Raises:
        ConfigError: there is no such ageing, or it goes with another spread.
    """
    return {"telegraph": telegraph.part(), "timing": timing.part(temperature), **ageing.parts(spread)}
