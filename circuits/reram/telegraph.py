"""Random telegraph noise as a circuit: a 1T1R cell whose current steps between two levels as a trap fills and empties.

ngspice's `trnoise` with its last three numbers is a two-state Markov source: empty for an exponential time of mean
`capture`, then full for one of mean `emission`. A full trap takes the share `amplitude` off the device's current.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bitline.core.errors import ConfigError
from circuits.netlist import OPTIONS, Netlist
from circuits.reram.cell import ACCESS, access_device
from circuits.reram.device import ReramDevice, in_range
from circuits.technology import Technology


@dataclass(frozen=True)
class Trap:
    """A trap next to the filament.

    Args:
        amplitude: share of the device's current that a full trap takes off.
        capture: mean time that it stays empty, s.
        emission: mean time that it stays full, s.

    Raises:
        ConfigError: an impossible value.
    """

    amplitude: float = 0.05
    capture: float = 22e-6
    emission: float = 50e-6

    def __post_init__(self) -> None:
        if not 0 < self.amplitude < 1:
            raise ConfigError(f"amplitude = {self.amplitude}: a full trap takes off a share between 0 and 1")
        for name, value in (("capture", self.capture), ("emission", self.emission)):
            if not (math.isfinite(value) and value > 0):
                raise ConfigError(f"{name} = {value} s: a trap's mean time is above 0")

    @property
    def occupied(self) -> float:
        """Share of the time that it is full."""
        return self.emission / (self.capture + self.emission)

    @property
    def relaxation(self) -> float:
        """Time constant of its autocorrelation, s: exp(-|t| / relaxation)."""
        return self.capture * self.emission / (self.capture + self.emission)

    @property
    def corner(self) -> float:
        """Corner frequency of its Lorentzian spectrum, Hz (Machlup, J. Appl. Phys. 25, 341, 1954)."""
        return 1 / (2 * math.pi * self.relaxation)

    def mean_sigma(self, time: float) -> float:
        """Standard deviation of the share of `time` (s) that it is full: what a read that integrates for so long sees.

        Integral of the autocorrelation: sigma^2 = 2 p (1 - p) (tau / T) (1 - (tau / T) (1 - exp(-T / tau))).
        """
        share = self.relaxation / time
        variance = self.occupied * (1 - self.occupied)
        return math.sqrt(2 * variance * share * (1 + share * math.expm1(-1 / share)))


def telegraph(
    device: ReramDevice,
    technology: Technology,
    corner: str,
    temperature: float,
    trap: Trap,
    v_gate: float,
    v_read: float,
    state: float,
    seed: int,
    step: float,
    length: float,
) -> Netlist:
    """A 1T1R cell at a held state, read for `length` (s) while its trap fills and empties.

    Args:
        device: the ReRAM device.
        technology: gives the access transistor.
        corner: of its cards.
        temperature: C.
        trap: next to its filament.
        v_gate: V.
        v_read: on the top, V.
        state: of the device.
        seed: of ngspice's random numbers: the same one gives the same trace, in one process or with `ngspice -b`.
        step: longest between points, s.
        length: of the read, s.

    Vectors: v(trap), 1 while full; i(vread) (out of the source); v(mid). Measures: `i_mean`, `occupied`. A
    netlist gives its trace when it is freshly loaded; what ran before would have used up numbers.
    """
    current = device.conduction("v(top,mid)", in_range(device, repr(state)))
    times = f"{trap.capture!r} {trap.emission!r}"
    lines = [
        f"{OPTIONS} seed={seed} temp={temperature!r}",
        technology.cards(corner),
        f"vread top 0 dc {v_read!r}",
        f"vgate gate 0 dc {v_gate!r}",
        f"bcurrent top mid i={{({current})*(1-{trap.amplitude!r}*v(trap))}}",
        access_device(technology).line(ACCESS.removeprefix("m"), "mid", "gate", "0", "0"),
        f"vtrap trap 0 dc 0 trnoise(0 0 0 0 1 {times})",
    ]
    analysis = f".tran {step!r} {length!r} 0 {step!r}"
    measures = (".meas tran i_mean avg i(vread)", ".meas tran occupied avg v(trap)")
    return Netlist(f"telegraph noise of a 1T1R cell of {device.name}", "\n".join(lines), (analysis,), measures)
