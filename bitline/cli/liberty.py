"""The SRAM macro as a Liberty library of one cell, for static timing and power tools.

What is not computed is left out, and the file says so: no number in it is invented. Every computed one has a comment
with its name in the characterisation and its kind.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from bitline.core.errors import SimulationError
from bitline.core.figures import Figure
from circuits.liberty import Attribute, Group, quoted, scalar
from circuits.macro import MacroDesign
from spice.characterise import Conditions, Settings, part
from spice.macro import MacroNominal
from spice.macro_pins import LOWER, SLEW, UPPER, pin_figures

Figures = Mapping[str, Figure]

_DIGITS = 6
_UNITS = (  # and the powers of ten below: every number of the file is in these
    Attribute("time_unit", quoted("1ns")),
    Attribute("voltage_unit", quoted("1V")),
    Attribute("current_unit", quoted("1mA")),
    Attribute("pulling_resistance_unit", quoted("1kohm")),
    Attribute("leakage_power_unit", quoted("1nW")),
    Attribute("capacitive_load_unit", (1, "pf")),
)
_IN_FILE = {"s": 1e9, "F": 1e12, "W": 1e9, "J": 1e12}  # an internal energy is in load unit x V^2: pJ

_LEFT_OUT = (
    "area: there is no layout",
    "hold of addr, din and we: not measured; there are no input registers, so hold them while clk is high",
    "setup of din and we, and of falling bits of addr: not measured",
    "dependence on input slew and output load: every table is one scalar",
    "leakage through gates: the model cards have none",
    "mismatch: all transistors are nominal (bitline characterize sram-macro draws it)",
)


def macro_library(conditions: Conditions, settings: Settings) -> str:
    """The text of the Liberty file of the part ``sram_macro``.

    Args:
        conditions: technology, corner, temperature and supply.
        settings: of the part.

    Raises:
        ConfigError: an unknown setting, technology or corner.
        SimulationError: the macro does not work under these conditions.
    """
    found = part("sram_macro", settings)
    task = found.nominal(conditions)
    if not isinstance(task, MacroNominal):
        raise TypeError(f"the macro's nominal task is {type(task).__name__}")
    figures = found.figures(task.run(task.prepare(), 0), None) | pin_figures(task.setting)
    missing = [name for name, figure in figures.items() if not math.isfinite(figure.value)]
    if missing:
        raise SimulationError(f"the macro has no {', '.join(missing)} under these conditions: no library is written")
    netlists = ", ".join(f"{name} {netlist.hash[:16]}" for name, netlist in found.netlists(conditions).items())
    header = [
        "SRAM macro, computed by bitline with ngspice from transistor model cards",
        *(f"{key}: {value}" for key, value in conditions.attrs().items() if key != "seed"),
        *(f"{key}: {value}" for key, value in settings.items()),
        f"sha256 of the netlists, first 16 digits: {netlists}",
        f"edges of inputs: {SLEW * 1e12:g} ps from 0 to the supply; outputs: no load outside the macro",
        *(f"left out: {what}" for what in _LEFT_OUT),
    ]
    lines = [f" * {line.replace('*/', '* /')}" for line in header]
    return "\n".join(["/*", *lines, " */", *library(task.setting.design, conditions, figures).lines()]) + "\n"


def library(design: MacroDesign, conditions: Conditions, figures: Figures) -> Group:
    """The library: units, thresholds, one operating condition, one cell."""
    at, cell = _word(conditions.corner), f"sram_{design.rows}x{design.word_bits}"
    thresholds = [
        Attribute(f"{kind}_threshold_pct_{edge}", percent)
        for kind, percent in (("input", 50), ("output", 50), ("slew_lower", 100 * LOWER), ("slew_upper", 100 * UPPER))
        for edge in ("rise", "fall")
    ]
    condition = (
        Attribute("process", 1),
        Attribute("temperature", conditions.temperature),
        Attribute("voltage", conditions.vdd),
    )
    entries: tuple[Attribute | Group, ...] = (
        Attribute("technology", ("cmos",)),
        Attribute("delay_model", "table_lookup"),
        *_UNITS,
        *(Attribute(f"nom_{entry.name}", entry.value) for entry in condition),
        *thresholds,
        Attribute("slew_derate_from_library", 1),
        Group("operating_conditions", at, condition),
        Attribute("default_operating_conditions", at),
        _bits("address", design.address_bits),
        _bits("word", design.word_bits),
        _cell(cell, design, conditions.vdd, figures),
    )
    name = f"{cell}_{_word(conditions.technology.rstrip('/').rpartition('/')[2])}_{at}"
    return Group("library", f"{name}_{_number(conditions.vdd)}V_{_number(conditions.temperature)}C", entries)


def _cell(name: str, design: MacroDesign, vdd: float, figures: Figures) -> Group:
    leakage = figures["leakage"]
    rest = _simple("value", Figure(leakage.value * vdd, "W", leakage.kind), "leakage x vdd, clk low")
    memory = (
        Attribute("type", "ram"),
        Attribute("address_width", design.address_bits),
        Attribute("word_width", design.word_bits),
    )
    entries: tuple[Attribute | Group, ...] = (
        Attribute("is_macro_cell", "true"),
        Attribute("interface_timing", "true"),
        Group("memory", "", memory),
        Attribute("cell_leakage_power", rest.value, rest.comment),
        Group("leakage_power", "", (Attribute("when", quoted("!clk")), rest)),
        _clock(figures),
        Group("pin", "we", _input(figures, "write_enable")),
        Group("bus", "addr", (Attribute("bus_type", "address"), *_input(figures, "address"), _setup(figures))),
        Group("bus", "din", (Attribute("bus_type", "word"), *_input(figures, "data"), _write())),
        _output(figures),
    )
    return Group("cell", name, entries)


def _clock(figures: Figures) -> Group:
    width = max((figures[name] for name in ("access_time", "write_time")), key=lambda figure: figure.value)
    energies = [
        Group(
            "internal_power",
            "",
            (
                Attribute("when", quoted(when)),
                _table("rise_power", figures[name], f"{name}, pJ of the whole cycle, a word whose bits are half ones"),
                scalar("fall_power", 0.0, "its energy is in the rise"),
            ),
        )
        for when, name in (("!we", "read_energy"), ("we", "write_energy"))
    ]
    entries: tuple[Attribute | Group, ...] = (
        Attribute("clock", "true"),
        *_input(figures, "clock"),
        _simple("min_pulse_width_high", width, "the longer of access_time and write_time"),
        _simple("min_pulse_width_low", figures["precharge_time"], "precharge_time"),
        _simple("min_period", figures["cycle_time"], "cycle_time"),
        *energies,
    )
    return Group("pin", "clk", entries)


def _input(figures: Figures, name: str) -> tuple[Attribute, Attribute]:
    load = f"capacitance_{name}"
    return Attribute("direction", "input"), _simple("capacitance", figures[load], load)


def _setup(figures: Figures) -> Group:
    said = "address_setup: the decoder's path less the clock's up to the row's gate, not a bisection"
    return _timing("setup_rising", _table("rise_constraint", figures["address_setup"], said))


def _write() -> Group:
    return Group("memory_write", "", (Attribute("address", "addr"), Attribute("clocked_on", "clk")))


def _output(figures: Figures) -> Group:
    rising = _timing(
        "rising_edge",
        _table("cell_rise", figures["access_time"], "access_time"),
        _table("rise_transition", figures["output_rise"], "output_rise"),
    )
    falling = _timing(
        "falling_edge",
        _table("cell_fall", figures["output_fall_delay"], "output_fall_delay"),
        _table("fall_transition", figures["output_fall"], "output_fall"),
    )
    entries: tuple[Attribute | Group, ...] = (
        Attribute("bus_type", "word"),
        Attribute("direction", "output"),
        Group("memory_read", "", (Attribute("address", "addr"),)),
        rising,
        falling,
    )
    low = figures["held_low"]
    said = f"a 1 comes after clk's rise and goes with its fall; a 0 is no edge, it stays below {low.value:.3g} V"
    return Group("bus", "dout", entries, f"{said}; {low.kind}")


def _timing(kind: str, *tables: Group) -> Group:
    return Group("timing", "", (Attribute("related_pin", quoted("clk")), Attribute("timing_type", kind), *tables))


def _bits(name: str, width: int) -> Group:
    entries = (
        Attribute("base_type", "array"),
        Attribute("data_type", "bit"),
        Attribute("bit_width", width),
        Attribute("bit_from", width - 1),
        Attribute("bit_to", 0),
        Attribute("downto", "true"),
    )
    return Group("type", name, entries)


def _simple(name: str, figure: Figure, what: str) -> Attribute:
    return Attribute(name, _value(figure), f"{what}; {figure.kind}")


def _table(name: str, figure: Figure, what: str) -> Group:
    return scalar(name, _value(figure), f"{what}; {figure.kind}")


def _value(figure: Figure) -> float:
    return float(f"{figure.value * _IN_FILE[figure.unit]:.{_DIGITS}g}")


def _word(text: str) -> str:
    return re.sub(r"\W", "_", text)


def _number(value: float) -> str:
    return f"{value:g}".replace(".", "p").replace("-", "m")
