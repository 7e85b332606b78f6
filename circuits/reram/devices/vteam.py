"""VTEAM: a memristor with voltage thresholds, below which its state rests.

    i = v / r(x),  r = r_hrs + (r_lrs - r_hrs) x
    dx/dt = k_set (v / v_set - 1)^alpha      for v > v_set
    dx/dt = -k_reset (v / v_reset - 1)^alpha for v < v_reset < 0

Equations: Kvatinsky et al., "VTEAM: a general model for voltage-controlled memristors", IEEE TCAS-II 62, 786, 2015. Its
parameters are free; these give 5 to 50 uS and switch at the voltages of the Stanford-PKU parameters on 1 us ramps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bitline.core.errors import ConfigError
from circuits.reram.device import Floats


@dataclass(frozen=True)
class Vteam:
    """The model and its parameters; the state x is 0 in HRS and 1 in LRS.

    Args:
        g_lrs: conductance at x = 1, S.
        g_hrs: conductance at x = 0, S.
        v_set: threshold of SET, V.
        v_reset: threshold of RESET, V, negative.
        k_set: rate at 2 v_set, 1 / ns.
        k_reset: rate at 2 v_reset, 1 / ns.
        alpha: how it grows beyond the threshold.
        soft: width of the window in which x comes to rest before 0 and 1.
    """

    name: str = "vteam"
    g_lrs: float = 50e-6
    g_hrs: float = 5e-6
    v_set: float = 1.2
    v_reset: float = -1.2
    k_set: float = 1.5
    k_reset: float = 1.5
    alpha: float = 3.0
    soft: float = 0.02
    lrs: float = 1.0
    hrs: float = 0.0
    fresh: float = 0.0
    source: str = "Kvatinsky et al., IEEE TCAS-II 62, 786 (2015); thresholds and conductances chosen here"

    @property
    def state_unit(self) -> str:
        """A fraction."""
        return "1"

    def pristine(self, state: float) -> Vteam:
        """None: its state runs from HRS to LRS, and nothing lies before.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(
            f"{self.name} cannot be formed: its state is a fraction between HRS and LRS, so that {state:g} is no state "
            "of it; take a device with a gap, as stanford_pku"
        )

    def conduction(self, voltage: str, state: str) -> str:
        """Ohmic, with a resistance linear in the state."""
        return f"({voltage})/({1 / self.g_hrs!r}-{1 / self.g_hrs - 1 / self.g_lrs!r}*({state}))"

    def dynamics(self) -> list[str]:
        """The state's rate (1 / ns) beyond each threshold."""
        set_drive = f"max(v(te,be)/{self.v_set!r}-1,0)^{self.alpha!r}"
        reset_drive = f"max(v(te,be)/({self.v_reset!r})-1,0)^{self.alpha!r}"
        rising = f"{self.k_set!r}*{set_drive}*min(max((1-v(state))/{self.soft!r},0),1)"
        falling = f"{self.k_reset!r}*{reset_drive}*min(max(v(state)/{self.soft!r},0),1)"
        return [f"bstate 0 state i={{{rising}-{falling}}}"]

    def current(self, voltage: Floats | float, state: Floats | float) -> Floats:
        """Ohmic, with a resistance linear in the state."""
        resistance = 1 / self.g_hrs - (1 / self.g_hrs - 1 / self.g_lrs) * np.asarray(state)
        return np.asarray(np.asarray(voltage) / resistance)


DEVICE = Vteam()
