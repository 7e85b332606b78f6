"""An SRAM macro used as storage: drawn chips whose reads, writes and retention go wrong as their own devices do.

Everything comes from a model file of `bitline characterize sram-storage` (spice/fits_storage.py). A chip draws a shift
for every transistor of its cells, of its columns' amplifiers and of its replica's cells, and keeps them: a weak cell
stays weak at every supply, temperature and frequency, and an offset is its column's. Per access:

- A cycle of 1 / f is open for what its precharge leaves: open = 1 / f - precharge time.
- A *read* is sensed `sensing` after the word line: with "replica" timing when the chip's replica says so, its bit line
  as fast as the mean of its cells; with "clock" timing as late as the open phase allows. A cell of r times the nominal
  current is r times as fast. Stored 0 is misread where swing - r loss is not above the amplifier's offset, stored 1
  where it is not above minus the offset; thermal noise, sqrt(2 k T / C) of the amplifier's two internal nodes, is drawn
  anew each read. An output that is not there by the end of the open phase is 0, at which it rests.
- A *write* that turns a cell over fails, and leaves the old value, where the macro's write time and what the cell takes
  beyond the nominal one exceed the open phase.
- A stored value is lost for good where the supply is not above the cell's retention voltage for it.

Reads that flip a cell are not modelled (the 6T cell's `read_snm` says how far off they are), nor is retention noise.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.constants import Boltzmann, zero_Celsius
from scipy.special import ndtr

from bitline.core.errors import ConfigError
from bitline.core.figures import MODELLED, SIMULATED, Figure
from bitline.core.model_file import FittedModel, ModelFile
from bitline.core.seeds import stream

Floats = np.ndarray[Any, np.dtype[np.float64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]

TIMINGS = ("replica", "clock")
NOISE_CAPACITANCE = 5e-15  # F on each internal node of the amplifier, as circuits/sense_amp.py has it
_STAGE = "sram_storage"
_FIT = f"fitted to {SIMULATED}"
_SIDES = {"left": "right", "right": "left"}
_LEVELS = 48  # of the swing's table


@dataclass(frozen=True)
class Access:
    """How the macro is operated.

    Args:
        vdd: supply, V.
        temperature: C.
        frequency: of the clock, Hz; None is as slow as anything needs.
        timing: of reads, of `TIMINGS`.

    Raises:
        ConfigError: an impossible frequency, or an unknown timing, or "clock" timing without a frequency.
    """

    vdd: float
    temperature: float = 27.0
    frequency: float | None = None
    timing: str = "replica"

    def __post_init__(self) -> None:
        if self.timing not in TIMINGS:
            raise ConfigError(f"storage: timing = {self.timing!r} is none of {', '.join(TIMINGS)}")
        if self.frequency is None and self.timing == "clock":
            raise ConfigError("storage: reads that the clock times need a frequency")
        if self.frequency is not None and not 0 < self.frequency < math.inf:
            raise ConfigError(f"storage: frequency = {self.frequency:g} Hz; a clock's lies above 0")


@dataclass(frozen=True, eq=False)
class SramMacro:
    """A macro's design and fitted models.

    Args:
        models: a model file with those of spice/fits_storage.py.
        words: rows of the macro, one word each.
        bits: of a word, one column each; 1 to 64.
        replica_cells: that time a read.
        noise_capacitance: F, of the amplifier's noise; inf for none.

    Raises:
        ConfigError: an impossible count.
    """

    models: ModelFile
    words: int = 128
    bits: int = 16
    replica_cells: int = 8
    noise_capacitance: float = NOISE_CAPACITANCE

    def __post_init__(self) -> None:
        if self.words < 1 or not 1 <= self.bits <= 64 or self.replica_cells < 1:
            raise ConfigError(
                f"storage: {self.words} words of {self.bits} bits with {self.replica_cells} replica cells; there is at "
                "least one of each, and a word has up to 64 bits",
            )

    @staticmethod
    def of(models: ModelFile) -> SramMacro:
        """The macro that the models were made for.

        Raises:
            FitError: the file has no models of a storage macro.
        """
        made = models["storage.read_current"].provenance
        design = (int(made[key]) for key in ("address_bits", "word_bits", "replica_cells"))
        address_bits, bits, replica = design
        return SramMacro(models, 2**address_bits, bits, replica)

    def model(self, name: str) -> FittedModel:
        """The fitted model `storage.<name>`.

        Raises:
            FitError: the file has none.
        """
        return self.models[f"storage.{name}"]

    def value(self, name: str, access: Access) -> float:
        """A figure of the nominal macro (SI).

        Raises:
            ModelRangeError: a supply or temperature that no fit has seen.
        """
        return float(self.model(name)(access.temperature, access.vdd))

    def open(self, access: Access) -> float:
        """How much of a cycle (s) the precharge leaves; below 0 where it leaves none, inf without a frequency."""
        if access.frequency is None:
            return math.inf
        return 1 / access.frequency - self.value("precharge_time", access)

    def noise(self, access: Access) -> float:
        """Standard deviation (V) of what an amplifier adds to its offset, drawn anew each read."""
        return math.sqrt(2 * Boltzmann * (access.temperature + zero_Celsius) / self.noise_capacitance)

    def chip(self, seed: int, number: int) -> SramChip:
        """Chip `number` of a study's seed: the same alone or after others."""
        rng = stream(seed, _STAGE, number)
        cell, amplifier = (np.asarray(self.model(name).parameters["scale"]) for name in ("read_current", "offset"))
        return SramChip(
            self,
            cell * rng.standard_normal((self.words, self.bits, len(cell))),
            amplifier * rng.standard_normal((self.bits, len(amplifier))),
            cell * rng.standard_normal((self.replica_cells, len(cell))),
            (seed, number),
        )

    def costs(self, access: Access) -> dict[str, Figure]:
        """Times, energies of a word and leakage power of the nominal macro.

        Raises:
            ModelRangeError: a supply or temperature that no fit has seen.
        """
        units = {"access_time": "s", "cycle_time": "s", "read_energy": "J", "write_energy": "J"}
        found = {name: self._fitted(name, access, unit) for name, unit in units.items()}
        found["leakage_power"] = Figure(access.vdd * self.value("leakage", access), "W", MODELLED, _FIT)
        found["highest_frequency"] = Figure(1 / found["cycle_time"].value, "Hz", MODELLED, _FIT)
        return found

    def _fitted(self, name: str, access: Access, unit: str) -> Figure:
        return Figure(self.value(name, access), unit, MODELLED, _FIT)


@dataclass(frozen=True)
class _Condition:
    """A chip at a supply and temperature.

    Args:
        speeds: read current by stored value, in nominal ones, shape (2, words, bits).
        offsets: V, shape (bits,).
        write_excess: s beyond the nominal write time by written value, shape (2, words, bits).
        replica: mean speed of the replica's cells.
    """

    speeds: Floats
    offsets: Floats
    write_excess: Floats
    replica: float


@dataclass(frozen=True, eq=False)
class SramChip:
    """One drawn chip, hashed as itself.

    Args:
        macro: that it is one of.
        cells: shifts, shape (words, bits, shifts).
        amplifiers: shifts, shape (bits, shifts).
        replica: shifts of the replica's cells, shape (replica cells, shifts).
        drawn: the seed and number that it was drawn from.
    """

    macro: SramMacro
    cells: Floats
    amplifiers: Floats
    replica: Floats
    drawn: tuple[int, int] = (0, 0)

    def sensing(self, access: Access) -> float:
        """Time (s) from the word line to the enable; with "clock" timing below 0 where the clock leaves none."""
        value = functools.partial(self.macro.value, access=access)
        if access.timing == "clock":
            return self.macro.open(access) - self._around(access)
        discharge = value("replica_time")
        return value("sensing_time") - discharge + discharge / self._at(access).replica

    def misreads(self, access: Access) -> Floats:
        """Probability that a read of a cell storing 0 or 1 goes wrong, shape (2, words, bits).

        Raises:
            ModelRangeError: a supply, temperature or shift that no fit has seen.
        """
        sensing = self.sensing(access)
        late = sensing + self._around(access) > self.macro.open(access) * (1 + 1e-12)
        if late or sensing <= 0:
            return np.stack([np.full(self.cells.shape[:2], float(bit)) for bit in (0, 1)])
        at = self._at(access)
        levels, times, losses = self._swing(access)
        noise = self.macro.noise(access)
        found = np.empty((2, *self.cells.shape[:2]))
        for stored, sign in ((0, 1.0), (1, -1.0)):
            reached = sensing * at.speeds[stored]
            given = np.interp(reached, times, levels) - at.speeds[stored] * np.interp(reached, times, losses[stored])
            beyond = np.maximum(given, 0) - sign * at.offsets  # a swing within the loss says nothing, it does not lie
            found[stored] = ndtr(-beyond / noise) if noise > 0 else beyond <= 0
        return found

    def unwritten(self, access: Access) -> Bools:
        """Whether a cell keeps its opposite when 0 or 1 is written, shape (2, words, bits)."""
        return self.macro.value("write_time", access) + self._at(access).write_excess > self.macro.open(access)

    def retention(self, temperature: float) -> Floats:
        """Supply (V) at and below which a cell loses a stored 0 or 1, shape (2, words, bits).

        0 for the value that it leans to: that is the one state which is left, and is not lost.
        """
        model = self.macro.model("drv")
        both = np.stack([model(temperature, *_inputs(own)) for own in (self.cells, self._mirrored(self.cells))])
        zero = self.macro.model("lean")(temperature, *_inputs(self.cells)) > 0
        return np.where(np.stack([zero, ~zero]), both, 0.0)

    def lost(self, vdd: float, temperature: float) -> Bools:
        """Whether a cell at rest loses a stored 0 or 1, shape (2, words, bits)."""
        return self.retention(temperature) >= vdd

    def _around(self, access: Access) -> float:
        """What an access takes before and after the sensing time, s: word line and amplifier."""
        return self.macro.value("access_time", access) - self.macro.value("sensing_time", access)

    def _at(self, access: Access) -> _Condition:
        return _condition(self, access.vdd, access.temperature)

    def _swing(self, access: Access) -> tuple[Floats, Floats, Floats]:
        return _swing(self.macro, access.vdd, access.temperature)

    def _mirrored(self, shifts: Floats) -> Floats:
        return shifts[..., mirror(self.macro.model("read_current"))]


@functools.lru_cache(maxsize=64)
def _condition(chip: SramChip, vdd: float, temperature: float) -> _Condition:
    macro = chip.macro
    current, written = macro.model("read_current"), macro.model("cell_write_time")
    side = mirror(current)
    both = (chip.cells, chip.cells[..., side])
    none = np.zeros(chip.cells.shape[-1])
    nominal, typical = (model(temperature, vdd, *none).item() for model in (current, written))
    return _Condition(
        speeds=np.stack([current(temperature, vdd, *_inputs(own)) / nominal for own in both]),
        offsets=macro.model("offset")(temperature, vdd, *_inputs(chip.amplifiers)),
        write_excess=np.stack([written(temperature, vdd, *_inputs(own)) - typical for own in both]),
        replica=float(np.mean(current(temperature, vdd, *_inputs(chip.replica)) / nominal)),
    )


@functools.lru_cache(maxsize=64)
def _swing(macro: SramMacro, vdd: float, temperature: float) -> tuple[Floats, Floats, Floats]:
    """Swings (V), rising from 0, when the nominal column has them (s), and losses (V) of reads of 0 and 1 there."""
    model = macro.model("swing_time")
    known = model.inputs[-1]
    levels = np.linspace(known.low, known.high, _LEVELS)
    times = model(temperature, vdd, levels)
    losses = []
    for bit in (0, 1):
        loss = macro.model(f"loss_{bit}")
        # beyond the swings that a loss was simulated for it stays as it is there
        losses.append(loss(temperature, vdd, np.clip(levels, loss.inputs[-1].low, loss.inputs[-1].high)))
    return np.append(0.0, levels), np.append(0.0, times), np.stack([np.append(one[0], one) for one in losses])


def mirror(model: FittedModel) -> list[int]:
    """Index of each of a cell's shifts as the cell's other side has it, from the names of a model's inputs."""
    names = [known.name for known in model.inputs if known.name not in ("temperature", "vdd")]
    swapped = (name.rpartition("_") for name in names)
    return [names.index(f"{role}_{_SIDES[side]}") for role, _, side in swapped]


def _inputs(shifts: Floats) -> Floats:
    return np.moveaxis(shifts, -1, 0)
