"""The sense amplifier at given points of its mismatch, thresholds alone or in full."""

from __future__ import annotations

from bitline.core.errors import ConfigError
from circuits.own_cards import own_cards
from circuits.sense_amp import TRANSISTORS, SenseBench
from circuits.technology import load_technology
from spice import mismatch
from spice.characterise import Conditions
from spice.engine import engine
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
        self._latch = Latch(conditions, bench)
        self._cards = {}
        if any(variable.parameter != "vth" for variable in self.variables):
            technology = load_technology(conditions.technology)
            self._cards = {name: technology.card(role, conditions.corner) for name, role in TRANSISTORS.items()}
            self._latch.netlist = own_cards(self._latch.netlist)
        self._latch.set_vth(dict.fromkeys(TRANSISTORS, 0.0))
        self._nominal = self._latch.offset()

    def offset(self, scores: Floats) -> float:
        """Offset (V) at the scores of the variables.

        Raises:
            SimulationError: its decisions do not flip within the span that is searched.
        """
        shifts = mismatch.shifts(self.variables, scores)
        self._latch.set_vth({name: shift["vth"] for name, shift in shifts.items()})
        for name, card in self._cards.items():
            # A subcircuit's models are the circuit's; cards are named after the instance without its "m"
            mismatch.set_model(engine(), card, name.removeprefix("m"), mismatch.model_values(card, shifts[name]))
        return self._latch.offset(self._nominal)
