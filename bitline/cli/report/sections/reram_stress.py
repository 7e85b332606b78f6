"""Stress of the ReRAM cell: disturb, its activation, overshoot, the select transistor's voltages, temperature."""

from __future__ import annotations

import numpy as np

from bitline.cli.report.chart import chart, line, plot
from bitline.cli.report.cycles import figures
from bitline.cli.report.markup import card, quantity
from bitline.cli.report.section import Section
from bitline.cli.report.source import AbsentError, RunSource
from bitline.cli.report.sweep import shade, sweep, transistor, waves
from bitline.core.figures import SIMULATED

_PART = "reram_stress"
_KELVIN = 273.15
_DRAWN = ("disturb_time_", "v_set_", "v_reset_", "g_")  # figures that pictures show


def _disturb(run: RunSource) -> str:
    nominal = run.group(f"{_PART}/nominal")
    v, levels, times = (np.asarray(nominal.first(name)) for name in ("disturb_v", "level", "disturb_time"))
    if not np.any(np.isfinite(times)):
        raise AbsentError("the device rests at every voltage of the disturb")
    figure = chart("voltage on the top (V)", "time until the conductance moved by 1 % (s)")
    for number, (level, row) in enumerate(zip(levels, times, strict=True)):
        colour, name = shade(number, len(levels)), quantity(float(level), "S")
        shown = np.where(np.isfinite(row), row, np.nan)
        for side in (v < 0, v > 0):
            more = {"mode": "lines+markers", "legendgroup": name, "showlegend": bool(side[-1])}
            figure.add_trace(line(v[side], shown[side], name, colour, **more))
    figure.update_yaxes(type="log", exponentformat="power")
    figure.add_hline(y=10 * 365.25 * 86400, line={"dash": "dash", "width": 1}, annotation_text="10 years")
    caption = "Of the model's rate equation: no measured life, and far to the left of what a transient covers."
    return card("Read disturb", plot(figure, caption, 380), caption, [SIMULATED], "half")


def _arrhenius(run: RunSource) -> str:
    nominal = run.group(f"{_PART}/nominal")
    celsius, levels, times, slopes = (
        np.asarray(nominal.first(name)) for name in ("temperature", "level", "hot_disturb_time", "activation")
    )
    if not np.any(np.isfinite(times)):
        raise AbsentError("the device rests at the read voltage at every temperature")
    figure = chart("temperature (°C), linear in 1 / T", "time until the conductance moved by 1 % (s)")
    inverse = 1000 / (celsius + _KELVIN)
    for number, (level, row, slope) in enumerate(zip(levels, times, slopes[:, -1], strict=True)):
        name = f"{quantity(float(level), 'S')}: {slope:.3g} eV"
        figure.add_trace(line(inverse, row, name, shade(number, len(levels)), mode="lines+markers"))
    figure.update_xaxes(autorange="reversed", tickvals=inverse, ticktext=[f"{each:g}" for each in celsius])
    figure.update_yaxes(type="log", exponentformat="power")
    caption = "At the read voltage; the slope is the apparent activation energy, lowered by the field."
    return card("Disturb and temperature", plot(figure, caption, 380), caption, [SIMULATED], "half")


def _activation(run: RunSource) -> str:
    nominal = run.group(f"{_PART}/nominal")
    v, levels, slopes = (np.asarray(nominal.first(name)) for name in ("activated_v", "level", "activation"))
    if not np.any(np.isfinite(slopes)):
        raise AbsentError("the device rests at every voltage of the activation")
    figure = chart("voltage on the top (V)", "activation energy (eV)")
    order = np.argsort(v)
    for number, (level, row) in enumerate(zip(levels, slopes, strict=True)):
        name = quantity(float(level), "S")
        figure.add_trace(line(v[order], row[order], name, shade(number, len(levels)), mode="lines+markers"))
    own = float(nominal.first("device_ea"))
    if np.isfinite(own):
        figure.add_hline(y=own, line={"dash": "dash", "width": 1}, annotation_text="of the device model")
    caption = "The barrier that ions hop over is lowered by the field, so that a voltage lowers the slope."
    return card("Activation energy of the disturb", plot(figure, caption, 380), caption, [SIMULATED], "half")


SECTION = Section(
    25,
    "ReRAM stress",
    (
        figures(_PART, "Stress", "Those over temperature and voltage are in the pictures.", _DRAWN),
        _disturb,
        _arrhenius,
        _activation,
        waves(
            _PART,
            "Overshoot of SET",
            "overshoot_time",
            "overshoot_i",
            {"between device and transistor": "overshoot_mid"},
            "The largest wire: as the device switches, the wire's charge passes through it beyond the compliance.",
        ),
        sweep(
            _PART,
            "Overshoot and wire",
            "wire",
            "overshoot",
            ("capacitance between device and transistor", "peak current over compliance"),
            "Without a wire the current does not exceed its compliance.",
        ),
        transistor(
            _PART,
            {
                "gate, SET": "gate_stress_set",
                "gate, RESET": "gate_stress_reset",
                "drain, SET": "drain_stress_set",
                "drain, RESET": "drain_stress_reset",
            },
            "v_rated",
            "Greatest during the ramps of SET and RESET; the line is the technology's nominal supply.",
        ),
        sweep(
            _PART,
            "Switching voltages and temperature",
            "temperature",
            {"SET": "v_set_by_temperature", "RESET": "v_reset_by_temperature"},
            ("temperature", "voltage of the ramp"),
            "Of the device alone.",
        ),
        sweep(
            _PART,
            "Levels and temperature",
            "temperature",
            "g_by_temperature",
            ("temperature", "conductance"),
            "At a state held: only the transistor's share changes, as the device model's current has no temperature.",
            rows="level",
        ),
    ),
    _PART,
    usual=False,
)
