"""Matrix products on SRAM columns that discharge their bit lines, everything else in integers.

Laid out, calibrated and priced as on ReRAM crossbars (nn.targets.reram); a converter's range is a count of pulses here,
and calibration sets the pulse's length by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nn.targets import reram


@dataclass(frozen=True)
class Target(reram.Target):
    """SRAM arrays as compute; `arrays` makes them, as `crossbar.sram_cim.cim_factory`."""

    name: ClassVar[str] = "sram-cim"
