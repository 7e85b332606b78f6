"""The sense amplifier at given points of its mismatch, thresholds alone or in full."""

from __future__ import annotations

from bitline.core.errors import ConfigError
from circuits.sense_amp import TRANSISTORS, SenseBench
from circuits.technology import load_technology
from spice import mismatch
from spice.characterise import Conditions
from spice.latch import Latch
from spice.mismatch import Floats, Variable


def variables(technology: str, variation: str) -> tuple[Variable, ...]:
    """What varies in the amplifier.

    Raises:
        ConfigError: an unknown technology or variation, or one in which nothing varies.
    """
    loaded = load_technology(technology)
    found = mismatch.variables({name: loaded.device(role) for name, role in TRANSISTORS.items()}, variation)
    if not found:
        raise ConfigError(f"variation = {variation!r}: nothing varies, so nothing has a probability")
    return found


class VariedLatch:
    """The amplifier in this process's ngspice.

    Args:
        conditions: corner, temperature and supply.
        bench: common mode, slew and loads.
        variation: of `spice.mismatch.VARIATIONS`.

    Raises:
        ConfigError: an impossible supply or common mode, or an unknown technology, corner or variation.
        SimulationError: the nominal amplifier does not decide.
    """

    def __init__(self, conditions: Conditions, bench: SenseBench, variation: str) -> None:
        self.variables = variables(conditions.technology, variation)
        self._latch = Latch(conditions, bench, variation)
        self._nominal = self._latch.offset()

    def offset(self, scores: Floats) -> float:
        """Offset (V) at the scores of the variables.

        Raises:
            SimulationError: its decisions do not flip within the span that is searched.
        """
        self._latch.vary(self._latch.variation.at(scores))
        return self._latch.offset(self._nominal)
