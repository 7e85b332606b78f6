"""How far a training has come, kept in a file now and then: one that is stopped goes on, with the same bits."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

_HOW = "how"


@dataclass(frozen=True)
class Kept:
    """Where a training is kept.

    Args:
        path: of the file; its folder exists.
        how: what the training depends on; a file of another one is left aside.
        parts: the network, the optimiser, the schedule: what has a state dict, by name.
    """

    path: Path
    how: str
    parts: dict[str, Any]

    def save(self, steps: int) -> None:
        """Write the state after so many steps; the file appears whole or not at all."""
        state = {name: part.state_dict() for name, part in self.parts.items()}
        partial = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            torch.save({_HOW: self.how, "steps": steps, "random": torch.get_rng_state(), **state}, partial)
            partial.replace(self.path)
        finally:
            partial.unlink(missing_ok=True)

    def load(self) -> int:
        """Take up the state that the file holds, and give its steps; 0 where there is none of this training."""
        try:
            state = torch.load(self.path, weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):
            return 0
        if not isinstance(state, dict) or state.get(_HOW) != self.how:
            return 0
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        torch.set_rng_state(state["random"])
        return int(state["steps"])
