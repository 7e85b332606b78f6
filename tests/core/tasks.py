"""Tasks that spawned workers can import."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bitline.core.errors import ConfigError, ConvergenceError
from bitline.core.seeds import stream


@dataclass(frozen=True)
class Draw:
    """A small sample with every kind of field."""

    seed: int = 1
    wait: float = 0.0

    def prepare(self):
        return 10.0

    def run(self, context, index):
        time.sleep(self.wait)
        rng = stream(self.seed, "draw", index)
        matrix = rng.standard_normal((40, 40))
        return {
            "x": rng.standard_normal(3),
            "product": matrix @ matrix,
            "n": index,
            "offset": context,
            "text": f"s{index}",
        }


@dataclass(frozen=True)
class Fails:
    """Every third sample fails."""

    def prepare(self):
        return None

    def run(self, context, index):
        if index % 3 == 2:
            raise ConvergenceError("no convergence", ("singular matrix",))
        return {"x": np.float64(index)}


@dataclass(frozen=True)
class Dies:
    """Sample 2 kills its worker, always or the first time only."""

    marker: Path | None = None

    def prepare(self):
        return None

    def run(self, context, index):
        if index == 2 and not (self.marker and self.marker.exists()):
            if self.marker:
                self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return {"x": float(index)}


@dataclass(frozen=True)
class DiesEarly:
    """Every worker dies before it is ready, as one that can't import or has no memory does."""

    def prepare(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def run(self, context, index):
        return {}


@dataclass(frozen=True)
class Unprepared:
    """Cannot be set up."""

    def prepare(self):
        raise ConfigError("no ngspice")

    def run(self, context, index):
        return {}
