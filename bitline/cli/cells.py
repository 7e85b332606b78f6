"""What a study's crossbars have in common, however they are read: cells, lines and comparators as characterised."""

from __future__ import annotations

from typing import Any

from bitline.cli.study import Study
from bitline.core.errors import ModelRangeError
from bitline.core.model_file import ModelFile
from circuits.technology import load_technology


def cells_and_lines(study: Study, models: ModelFile) -> dict[str, Any]:
    """Fields of an array's configuration, by name.

    The programming spread is the model file's, and the comparator of the converter is the sense amplifier: its offset
    is that amplifier's, mean and spread.

    Raises:
        ModelRangeError: conductances or a read voltage that the 1T1R cell was not characterised at.
        FitError: the model file lacks the ReRAM cell or the sense amplifier.
    """
    own = study.array
    try:
        models["reram.read_iv"](own.v_read, [own.g_min, own.g_max])
    except ModelRangeError as error:
        raise ModelRangeError(f"[array] v_read, g_min and g_max: {error}") from None
    offset = models["sense_amp.offset"].parameters if own.adc.offset else {"mean": 0.0, "sigma": 0.0}
    reach = models["reram.read_iv"].inputs[1]
    same = ("rows", "cols", "r_driver", "v_read", "t_read", "g_min", "g_max", "adc_bits", "v_full_scale", "auto_zero")
    return {
        **{name: getattr(own, name) for name in (*same, "read_noise")},
        "r_wire_wl": own.r_wire if own.r_wire_wl is None else own.r_wire_wl,
        "r_wire_bl": own.r_wire if own.r_wire_bl is None else own.r_wire_bl,
        "weight_bits": max(study.network.weight_bits, 2),  # the sign alone takes the cells of ternary weights
        "offset_mean": offset["mean"],
        "offset_sigma": offset["sigma"],
        "programming_sigma": models["reram.programming_sigma"] if own.variation else None,
        "g_reach": (reach.low, reach.high),
        "node": load_technology(study.conditions.technology).node,
        "vdd": study.conditions.vdd,
    }
