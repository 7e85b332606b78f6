"""The Stanford-PKU filament model: the state is the gap between the filament's tip and the electrode.

    i = i0 exp(-gap / g0) sinh(v / v0)
    d gap / dt = -vel0 exp(-ea / kT) sinh(gamma (a0 / tox) v / kT),  gamma = gamma0 - beta (gap / 1 nm)^3
    T = ambient + heat,  heat + tau d heat / dt = rth |v i|

Equations: Jiang et al., "Verilog-A compact model for oxide-based resistive random access memory", SISPAD 2014, and
"A compact model for metal-oxide resistive random access memory with experiment verification", IEEE TED 63, 1884, 2016.
i0, g0, v0, vel0, gamma0, beta, a0, tox, ea and tau are the defaults of the authors' Verilog-A model, and rth is its tau
over its thermal capacitance of 3.18e-16 J/K: with a hundredth of it the device does not heat and switches partly. Their
model has an exponential for each direction; here a sinh holds both. The bounds of the gap, its soft window and the gap
after RESET are chosen here, for 50 to 1 uS with the transistor.

Forming starts from a wider gap at twice the voltage, where the rate above would close it within attoseconds. No ion is
faster than one hop a vibration, so there `fastest` bounds it: rate / (1 + |rate| / fastest), with a0 times 10 THz.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from bitline.core.errors import ConfigError
from circuits.reram.device import Floats

_BOLTZMANN = 8.617333262e-5  # eV / K
_EXPONENT = 80.0  # bound of what Newton's trial voltages may put into sinh
_VOLTAGE = 12.0  # the same for v / v0, far beyond what the device survives
_COLDEST = 0.01  # eV, the same for kT
_ATTEMPTS = 1e4  # 1 / ns: an ion's vibrations
_BEYOND = 1.15  # of a pristine gap: bound of a wider one, so that gaps may be drawn about it


@dataclass(frozen=True)
class StanfordPku:
    """The model and its parameters; the state is the gap in nm.

    Args:
        i0: A.
        g0: nm.
        v0: V.
        vel0: nm / ns.
        gamma0: field enhancement at zero gap.
        beta: its fall with the cube of the gap, 1 / nm^3.
        a0: hopping distance, nm.
        tox: oxide thickness, nm.
        ea: activation energy, eV.
        rth: thermal resistance, K / W.
        tau: thermal time constant, s.
        capacitance: of the two electrodes, F.
        lrs: least gap, nm.
        hrs: greatest gap, nm.
        fresh: gap after RESET, nm.
        soft: width of the window in which the gap comes to rest before its bounds, nm.
        fastest: bound of the gap's rate, nm / ns; only a pristine device needs one.
    """

    name: str = "stanford_pku"
    i0: float = 61.4e-6
    g0: float = 0.275
    v0: float = 0.43
    vel0: float = 150.0
    gamma0: float = 16.5
    beta: float = 1.25
    a0: float = 0.25
    tox: float = 5.0
    ea: float = 1.501
    rth: float = 7.2e5
    tau: float = 0.23e-9
    capacitance: float = 1e-15
    lrs: float = 0.29
    hrs: float = 1.45
    fresh: float = 0.92
    soft: float = 0.05
    fastest: float = math.inf
    source: str = "Jiang et al., SISPAD 2014 and IEEE TED 63, 1884 (2016); bounds of the gap chosen here"

    @property
    def state_unit(self) -> str:
        """Nanometres of gap."""
        return "nm"

    def pristine(self, state: float) -> StanfordPku:
        """A device with a gap of `state` nm, and none of its parameters changed but `fastest`.

        Raises:
            ConfigError: the gap is no wider than in HRS, or so wide that the field no longer drives it.
        """
        widest = (self.gamma0 / self.beta) ** (1 / 3) / _BEYOND
        if not self.hrs < state < widest:
            raise ConfigError(
                f"pristine = {state:g} nm: before forming, {self.name}'s gap lies between {self.hrs:g} nm, its HRS, "
                f"and {widest:.3g} nm"
            )
        return replace(self, fresh=state, hrs=_BEYOND * state, fastest=self.a0 * _ATTEMPTS)

    def conduction(self, voltage: str, state: str) -> str:
        """Tunnelling across the gap."""
        drive = f"min(max(({voltage})/{self.v0!r},-{_VOLTAGE!r}),{_VOLTAGE!r})"
        return f"{self.i0!r}*exp(-({state})/{self.g0!r})*sinh({drive})"

    def dynamics(self) -> list[str]:
        """Heat on node `heat` (1 V a kelvin), kT in eV on `kt`, the exponent on `drive`; the gap's rate in nm / ns."""
        gap = f"min(max(v(state),{self.lrs!r}),{self.hrs!r})"
        warm = f"max(v(kt),{_COLDEST!r})"
        speed = f"{self.vel0!r}*exp(-{self.ea!r}/{warm})*sinh(min(max(v(drive),-{_EXPONENT!r}),{_EXPONENT!r}))"
        closing = f"min(max((v(state)-{self.lrs!r})/{self.soft!r},0),1)"
        opening = f"min(max(({self.hrs!r}-v(state))/{self.soft!r},0),1)"
        field = f"({self.gamma0!r}-{self.beta!r}*{gap}^3)*{self.a0 / self.tox!r}"
        return [
            f"celectrodes te be {self.capacitance!r}",
            f"bheat 0 heat i={{{self.rth!r}*abs(i(bcurrent)*v(te,be))}}",
            "rheat heat 0 1",
            f"cheat heat 0 {self.tau!r}",
            f"bkt kt 0 v={{{_BOLTZMANN!r}*(temper+273.15+min(max(v(heat),0),2000))}}",
            f"bdrive drive 0 v={{{field}*v(te,be)/{warm}}}",
            *self._motion(speed, f"(v(drive)>0 ? {closing} : {opening})"),
        ]

    def _motion(self, speed: str, window: str) -> list[str]:
        if math.isinf(self.fastest):
            return [f"bstate 0 state i={{-{speed}*{window}}}"]
        bounded = f"v(speed)/(1+abs(v(speed))/{self.fastest!r})"
        return [f"bspeed speed 0 v={{{speed}}}", f"bstate 0 state i={{-{bounded}*{window}}}"]

    def current(self, voltage: Floats | float, state: Floats | float) -> Floats:
        """Tunnelling across the gap."""
        return np.asarray(self.i0 * np.exp(-np.asarray(state) / self.g0) * np.sinh(np.asarray(voltage) / self.v0))


DEVICE = StanfordPku()
