"""Forming of the ReRAM cell: the ramp, the runaway, what they depend on, and what the select transistor bears."""

from __future__ import annotations

from bitline.cli.report.cycles import figures
from bitline.cli.report.histogram import histogram
from bitline.cli.report.section import Section
from bitline.cli.report.sweep import sweep, transistor, waves

_PART = "reram_forming"
_FORM = "forming voltage"

SECTION = Section(
    23,
    "ReRAM forming",
    (
        figures(_PART, "Forming", "A pristine device, a ramp on the cell's top, the gate as compliance."),
        waves(
            _PART,
            "Forming ramp",
            "ramp_time",
            "ramp_i",
            {"top": "ramp_top", "between device and transistor": "ramp_mid"},
            "Until it forms the device takes the voltage; from then on the transistor does.",
        ),
        waves(
            _PART,
            "Runaway",
            "runaway_time",
            "runaway_i",
            {"between device and transistor": "runaway_mid"},
            "Beyond the compliance the current charges the wire between device and transistor.",
        ),
        sweep(
            _PART,
            "Forming voltage and ramp rate",
            "swept_rate",
            "v_form_by_rate",
            ("ramp rate", _FORM),
            "A slower ramp gives the ions more time.",
            log="x",
        ),
        sweep(
            _PART,
            "Forming voltage and temperature",
            "swept_temperature",
            "v_form_by_temperature",
            ("temperature", _FORM),
            "Ions hop sooner when it is hot.",
        ),
        sweep(
            _PART,
            "Forming voltage and pristine gap",
            "swept_pristine_gap",
            "v_form_by_pristine_gap",
            ("pristine gap (nm)", _FORM),
            "The pristine gap is an input.",
        ),
        sweep(
            _PART,
            "Forming voltage and compliance",
            "swept_gate",
            "v_form_by_gate",
            ("gate voltage", _FORM),
            "A weak gate leaves the pristine device too little voltage; where none is drawn, it did not form.",
        ),
        sweep(
            _PART,
            "Overshoot and wire",
            "swept_wire",
            "overshoot_by_wire",
            ("capacitance at the device's node", "peak current over compliance"),
            "Without a wire what is left charges the transistor's own gate.",
        ),
        sweep(
            _PART,
            "Compliance",
            "swept_gate",
            "compliance_by_gate",
            ("gate voltage", "current after forming"),
            "The transistor's saturation current.",
        ),
        transistor(
            _PART,
            {"gate to source": "v_gs", "drain to source": "v_ds", "gate to drain": "v_gd"},
            "v_limit",
            "Greatest during forming. Beyond the limit the transistor must be a thicker or longer one.",
        ),
        histogram(_PART, "v_form", "Forming voltage"),
        histogram(_PART, "peak_current"),
    ),
    _PART,
    usual=False,
)
