"""The SRAM macro as a Liberty library of one cell, for static timing and power tools.

What is not computed is left out, and the file says so: no number in it is invented. Every computed one has a comment
with its name in the characterisation and its kind.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

import numpy as np

from bitline.cli.characterise import run_stage
from bitline.cli.terminal import working
from bitline.core.errors import SimulationError
from bitline.core.executor import Task
from bitline.core.executors import executor
from bitline.core.figures import SIMULATED, Figure
from bitline.core.samples import Column, Samples
from circuits.liberty import Attribute, Group, indices, quoted, scalar, table
from circuits.macro import MacroDesign
from spice.characterise import Conditions, Settings, part
from spice.macro import MacroNominal
from spice.macro_constraints import CONSTRAINTS, MARGIN, RESOLUTION, MacroConstraints
from spice.macro_cycles import MacroSetting
from spice.macro_edges import EDGES, LOADS, POINTS, MacroEdges
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

_EDGES = "edges_by_clock_and_load"  # template of the output's tables

_LEFT_OUT = (
    "area: there is no layout",
    "dependence of setup and hold on slew: a scalar each, at the edges that are named above",
    "leakage through gates: the model cards have none",
    "mismatch: all transistors are nominal (bitline characterize sram-macro draws it)",
)


def macro_library(conditions: Conditions, settings: Settings, workers: int = 1) -> str:
    """The text of the Liberty file of the part ``sram_macro``.

    Args:
        conditions: technology, corner, temperature and supply.
        settings: of the part.
        workers: processes for what is simulated.

    Raises:
        ConfigError: an unknown setting, technology or corner.
        SimulationError: the macro does not work under these conditions.
    """
    found = part("sram_macro", settings)
    task = found.nominal(conditions)
    if not isinstance(task, MacroNominal):
        raise TypeError(f"the macro's nominal task is {type(task).__name__}")
    with working("sram macro: its cycles"):
        figures = found.figures(task.run(task.prepare(), 0), None) | pin_figures(task.setting)
        netlists = ", ".join(f"{name} {netlist.hash[:16]}" for name, netlist in found.netlists(conditions).items())
    figures |= _constraints(task.setting, workers)
    edges = _simulated("sram macro: edges of its output", MacroEdges(task.setting), len(POINTS), workers)
    missing = [name for name, figure in figures.items() if not math.isfinite(figure.value)]
    if missing:
        raise SimulationError(f"the macro has no {', '.join(missing)} under these conditions: no library is written")
    header = [
        "SRAM macro, computed by bitline with ngspice from transistor model cards",
        *(f"{key}: {value}" for key, value in conditions.attrs().items() if key != "seed"),
        *(f"{key}: {value}" for key, value in settings.items()),
        f"sha256 of the netlists, first 16 digits: {netlists}",
        f"where not said otherwise, inputs rise in {SLEW * 1e12:g} ps from 0 to the supply; outputs: no load outside",
        f"setup and hold: for at most {MARGIN:.0%} on access time, write time and swing; to {RESOLUTION * 1e12:g} ps",
        *(f"left out: {what}" for what in _LEFT_OUT),
    ]
    lines = [f" * {line.replace('*/', '* /')}" for line in header]
    written = library(task.setting.design, conditions, figures, edges)
    return "\n".join(["/*", *lines, " */", *written.lines()]) + "\n"


def _simulated(title: str, task: Task, count: int, workers: int) -> Samples:
    """All samples of a task.

    Raises:
        SimulationError: one failed: a library has no gaps.
    """
    found = run_stage(title, task, count, executor(workers))
    for reason in found.failures.values():
        raise SimulationError(f"{title}: {reason}; no library is written")
    return found


def _constraints(setting: MacroSetting, workers: int) -> dict[str, Figure]:
    title = "sram macro: setup and hold"
    found = _simulated(title, MacroConstraints(setting), len(CONSTRAINTS), workers)
    return {each.name: Figure(float(time), "s") for each, time in zip(CONSTRAINTS, found["time"], strict=True)}


def library(design: MacroDesign, conditions: Conditions, figures: Figures, edges: Samples) -> Group:
    """The library: units, thresholds, supplies, one operating condition, one cell.

    Args:
        design: of the macro.
        conditions: of every figure.
        figures: of the macro, of its pins and its constraints.
        edges: of its output at `POINTS`.
    """
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
        Attribute("voltage_map", ("VDD", conditions.vdd)),
        Attribute("voltage_map", ("GND", 0.0)),
        _template(),
        _bits("address", design.address_bits),
        _bits("word", design.word_bits),
        _cell(cell, design, conditions.vdd, figures, edges),
    )
    name = f"{cell}_{_word(conditions.technology.rstrip('/').rpartition('/')[2])}_{at}"
    return Group("library", f"{name}_{_number(conditions.vdd)}V_{_number(conditions.temperature)}C", entries)


def _template() -> Group:
    """Of the output's tables: the clock's transition between the slew thresholds, and the load."""
    entries = (
        Attribute("variable_1", "input_net_transition"),
        Attribute("variable_2", "total_output_net_capacitance"),
        indices("index_1", [_scaled((UPPER - LOWER) * edge, "s") for edge in EDGES]),
        indices("index_2", [_scaled(load, "F") for load in LOADS]),
    )
    return Group("lu_table_template", _EDGES, entries)


def _cell(name: str, design: MacroDesign, vdd: float, figures: Figures, edges: Samples) -> Group:
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
        _power_pin("vdd", "VDD", "primary_power"),
        _power_pin("gnd", "GND", "primary_ground"),
        Attribute("cell_leakage_power", rest.value, rest.comment),
        Group("leakage_power", "", (Attribute("related_pg_pin", "vdd"), Attribute("when", quoted("!clk")), rest)),
        _clock(figures),
        Group("pin", "we", (*_input(figures, "write_enable"), *_stands(figures, "write_enable"))),
        Group("bus", "addr", (*_address(), *_input(figures, "address"), *_stands(figures, "address"))),
        Group("bus", "din", (*_data(), *_input(figures, "data"), *_stands(figures, "data", "we"))),
        _output(figures, edges),
    )
    return Group("cell", name, entries)


def _clock(figures: Figures) -> Group:
    width = max((figures[name] for name in ("access_time", "write_time")), key=lambda figure: figure.value)
    energies = [
        Group(
            "internal_power",
            "",
            (
                Attribute("related_pg_pin", "vdd"),
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


def _power_pin(name: str, voltage: str, kind: str) -> Group:
    return Group("pg_pin", name, (Attribute("voltage_name", voltage), Attribute("pg_type", kind)))


def _powered() -> tuple[Attribute, Attribute]:
    return Attribute("related_power_pin", "vdd"), Attribute("related_ground_pin", "gnd")


def _input(figures: Figures, name: str) -> tuple[Attribute, ...]:
    load = f"capacitance_{name}"
    return Attribute("direction", "input"), *_powered(), _simple("capacitance", figures[load], load)


def _stands(figures: Figures, pin: str, when: str = "") -> Iterator[Group]:
    """How long an input stands before the clock's rise and after its fall."""
    for kind, timing_type in (("setup", "setup_rising"), ("hold", "hold_falling")):
        names = [f"{pin}_{kind}_{edge}" for edge in ("rise", "fall")]
        tables = [_table(f"{name.rpartition('_')[2]}_constraint", figures[name], name) for name in names]
        yield _timing(timing_type, *([Attribute("when", quoted(when))] if when else []), *tables)


def _address() -> tuple[Attribute, ...]:
    return (Attribute("bus_type", "address"),)


def _data() -> tuple[Attribute | Group, ...]:
    write = Group("memory_write", "", (Attribute("address", "addr"), Attribute("clocked_on", "clk")))
    return Attribute("bus_type", "word"), write


def _output(figures: Figures, edges: Samples) -> Group:
    rising, falling = (
        _timing(kind, *(_grid(name, edges[field], field) for name, field in tables))
        for kind, tables in (
            ("rising_edge", (("cell_rise", "access_time"), ("rise_transition", "output_rise"))),
            ("falling_edge", (("cell_fall", "output_fall_delay"), ("fall_transition", "output_fall"))),
        )
    )
    entries: tuple[Attribute | Group, ...] = (
        Attribute("bus_type", "word"),
        Attribute("direction", "output"),
        *_powered(),
        Group("memory_read", "", (Attribute("address", "addr"),)),
        rising,
        falling,
    )
    low = figures["held_low"]
    said = f"a 1 comes after clk's rise and goes with its fall; a 0 is no edge, it stays below {low.value:.3g} V"
    return Group("bus", "dout", entries, f"{said}; {low.kind}")


def _timing(kind: str, *entries: Attribute | Group) -> Group:
    return Group("timing", "", (Attribute("related_pin", quoted("clk")), Attribute("timing_type", kind), *entries))


def _grid(name: str, values: Column, what: str) -> Group:
    rows = np.reshape(values, (len(EDGES), len(LOADS)))
    return table(name, _EDGES, [[_scaled(float(v), "s") for v in row] for row in rows], f"{what}; {SIMULATED}")


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
    return _scaled(figure.value, figure.unit)


def _scaled(value: float, unit: str) -> float:
    return float(f"{value * _IN_FILE[unit]:.{_DIGITS}g}")


def _word(text: str) -> str:
    return re.sub(r"\W", "_", text)


def _number(value: float) -> str:
    return f"{value:g}".replace(".", "p").replace("-", "m")
