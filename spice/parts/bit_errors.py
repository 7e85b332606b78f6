"""Read errors of a column: read currents, offsets and bit-line swings over supplies and temperatures."""

from __future__ import annotations

from bitline.core.errors import ConfigError
from circuits.column import ColumnDesign
from spice.bit_errors import figures
from spice.characterise import Conditions, Part
from spice.column_samples import UNITS, ColumnSamples, ColumnSamplesNominal, SampleSetting, netlists
from spice.counts import whole
from spice.mismatch import variation_source
from spice.unfitted import no_models, no_residuals


def make(
    cells: float = 128,
    swing: float = 0.2,
    lowest: float = 0.7,
    supplies: float = 4,
    temperatures: str = "",
    variation: str = "vth",
) -> Part:
    """The part.

    Args:
        cells: of a column.
        swing: that the nominal sensing time is stated for, V.
        lowest: supply, in highest ones.
        supplies: how many, up to vdd.
        temperatures: C, with commas between them, as "-40,27,125"; that of the conditions if empty.
        variation: of `spice.mismatch.VARIATIONS`.

    Raises:
        ConfigError: temperatures that are no numbers, or an unknown variation.
    """
    degrees, source = _degrees(temperatures), variation_source(variation)
    design, steps = ColumnDesign(whole("cells", cells), 1), whole("supplies", supplies)

    def setting(conditions: Conditions) -> SampleSetting:
        return SampleSetting(conditions, design, swing, lowest, steps, degrees, variation)

    return Part(
        nominal=lambda conditions: ColumnSamplesNominal(setting(conditions)),
        monte_carlo=lambda conditions: ColumnSamples(setting(conditions)),
        units=UNITS,
        figures=lambda nominal, samples: figures(nominal, samples, source),
        fit=no_models,
        check=no_residuals,
        netlists=lambda conditions: netlists(setting(conditions)),
        waveforms={},
        usual=60,  # half a second and more each
    )


def _degrees(temperatures: str) -> tuple[float, ...]:
    try:
        return tuple(dict.fromkeys(float(one) for one in temperatures.split(",") if one.strip()))
    except ValueError as error:
        raise ConfigError(
            f"bit errors: temperatures = {temperatures!r}; write them in C with commas, as -40,27,125"
        ) from error
