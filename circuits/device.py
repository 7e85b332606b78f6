"""A transistor of a technology: a model card and a size together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bitline.core.errors import ConfigError
from bitline.core.suggest import suggestion
from circuits.model_card import MISMATCH

_EXTRINSIC = ("ad", "as", "pd", "ps", "nrd", "nrs")


@dataclass(frozen=True)
class Device:
    """A transistor at the one size that its model card holds for.

    Attributes:
        name: name of the `.model`.
        polarity: "nmos" or "pmos".
        w: drawn width, m.
        l: drawn length, m.
        mismatch: slope of the local variation by parameter (see `model_card.MISMATCH`), SI.
        m: devices in parallel.
        parameters: further instance parameters of its own, SI, as junction areas.
    """

    name: str
    polarity: Literal["nmos", "pmos"]
    w: float
    l: float  # noqa: E741 (the field's name for a length)
    mismatch: Mapping[str, float] = field(default_factory=dict)
    m: float = 1.0
    parameters: Mapping[str, float] = field(default_factory=dict)

    def sigma(self, parameter: str) -> float:
        """Standard deviation of one device's `parameter`: slope / sqrt(m w l), zero when it has no slope.

        A pair of devices differs by sqrt(2) more (Pelgrom et al., IEEE JSSC 24, 1433, 1989).

        Raises:
            ConfigError: `parameter` is not in `model_card.MISMATCH`.
        """
        if parameter not in MISMATCH:
            raise ConfigError(f"no mismatch parameter '{parameter}'{suggestion(parameter, MISMATCH)}")
        return self.mismatch.get(parameter, 0.0) / math.sqrt(self.m * self.w * self.l)

    def line(self, instance: str, drain: str, gate: str, source: str, bulk: str, **parameters: float) -> str:
        """The device as a netlist line, named `m<instance>`.

        Junction areas, perimeters and series squares are written as zero: left out, BSIM4 would derive junctions from
        the gate width and BSIM3 would add a square of diffusion at each end; neither is in the foundry's devices.

        Args:
            instance: name after the "m".
            drain: node; likewise the others.
            gate: node.
            source: node.
            bulk: node.
            parameters: further or other instance parameters in SI, for example `m=4`, `ad=1e-13` or `delvto=0.01`.
        """
        own = dict(self.parameters) if self.m == 1 else {**self.parameters, "m": self.m}
        values = {"w": self.w, "l": self.l, **dict.fromkeys(_EXTRINSIC, 0.0), **own, **parameters}
        settings = " ".join(f"{name}={value:.12g}" for name, value in values.items())
        return f"m{instance} {drain} {gate} {source} {bulk} {self.name} {settings}"
