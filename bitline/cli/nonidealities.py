"""What makes hardware differ from integers, by name, and how a study is without it.

One entry each: a new non-ideality is a new entry. It is present in a study where its changes make another study of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bitline.cli.knobs import patched, value_of
from bitline.cli.study import Study

_FINEST_ADC, _FINEST_BITS = 12, 8  # what a study takes at most


@dataclass(frozen=True)
class NonIdeality:
    """One of them.

    Args:
        name: its own.
        off: the changes to a study, value by key, that turn it off. No two of one target share a key.
        without: what is left when it is off, in words.
        target: what the network runs on; "" for any.
    """

    name: str
    off: Mapping[str, Any]
    without: str
    target: str = ""

    def present(self, study: Study) -> bool:
        """Whether a study has it."""
        if self.target not in ("", study.target):
            return False
        return any(value_of(study, key) != value for key, value in self._values(study).items())

    def _values(self, study: Study) -> dict[str, Any]:
        without = patched(study, self.off, self.name)
        return {key: value_of(without, key) for key in self.off}


NON_IDEALITIES = (
    NonIdeality(
        "wires",
        {
            "array.r_wire": 0.0,
            "array.r_wire_wl": None,
            "array.r_wire_bl": None,
            "array.r_driver": 0.0,
            "array.r_sink": 0.0,
        },
        "no resistance in word lines, bit lines, drivers and sinks",
        "reram",
    ),
    NonIdeality("programming spread", {"array.variation": False}, "cells are programmed exactly", "reram"),
    NonIdeality("read noise", {"array.read_noise": 0.0}, "no read noise", "reram"),
    NonIdeality("telegraph noise", {"array.telegraph.share": 0.0}, "no traps", "reram"),
    NonIdeality(
        "ageing", {"array.ageing.model": "", "array.ageing.drift_compensation": False}, "read at once", "reram"
    ),
    NonIdeality(
        "faults",
        {"array.faults.off_rate": 0.0, "array.faults.on_rate": 0.0, "array.faults.map": ""},
        "no stuck cells",
        "reram",
    ),
    NonIdeality("settling", {"array.timing": {}}, "outputs have settled when they are read, without kT/C", "reram"),
    NonIdeality(
        "drivers' steps", {"array.dac.dnl_sigma": 0.0, "array.dac.inl": ()}, "equal steps of every driver", "reram"
    ),
    NonIdeality(
        "converter resolution", {"array.adc_bits": _FINEST_ADC}, f"{_FINEST_ADC} bits, the most there are", "reram"
    ),
    NonIdeality(
        "converter range",
        {"array.adc.range": "max", "array.adc.range_share": 1.0},
        "full scale is the largest level of the calibration images",
        "reram",
    ),
    NonIdeality("converter offset", {"array.adc.offset": False}, "no offset of the comparators", "reram"),
    NonIdeality(
        "converter steps",
        {"array.adc.mismatch": 0.0, "array.adc.inl": (), "array.adc.gain_sigma": 0.0},
        "equal steps and gains of every converter",
        "reram",
    ),
    NonIdeality("converter noise", {"array.adc.noise": 0.0}, "no noise at the converters' inputs", "reram"),
    NonIdeality("cell spread", {"sram_cim.variation": "none"}, "every cell is the nominal one", "sram-cim"),
    NonIdeality(
        "column converter resolution",
        {"sram_cim.adc_bits": _FINEST_ADC},
        f"{_FINEST_ADC} bits, the most there are",
        "sram-cim",
    ),
    NonIdeality(
        "column converter range",
        {"sram_cim.range_share": 1.0},
        "full scale is the largest count of the calibration images",
        "sram-cim",
    ),
    NonIdeality("column converter offset", {"sram_cim.offset": False}, "no offset of the converters", "sram-cim"),
    NonIdeality("bit-line noise", {"sram_cim.noise": False}, "no kT/C of the precharged bit line", "sram-cim"),
    NonIdeality(
        "discharge curve",
        {"sram_cim.curved": False},
        "bit lines fall in proportion to their count, to the same full scale",
        "sram-cim",
    ),
    NonIdeality("rows of 0", {"sram_cim.zero_rows": False}, "rows that hold a 0 take no charge", "sram-cim"),
    NonIdeality(
        "weight quantisation", {"network.weight_bits": _FINEST_BITS}, f"{_FINEST_BITS} bits, the most there are"
    ),
    NonIdeality(
        "activation quantisation", {"network.activation_bits": _FINEST_BITS}, f"{_FINEST_BITS} bits, the most there are"
    ),
)


def present(study: Study) -> list[NonIdeality]:
    """Those that a study has."""
    return [each for each in NON_IDEALITIES if each.present(study)]


def without(study: Study, off: Collection[NonIdeality]) -> Study:
    """The study with these turned off."""
    changes = {key: value for each in off for key, value in each.off.items()}
    return patched(study, changes, f"without {', '.join(each.name for each in off)}") if changes else study
