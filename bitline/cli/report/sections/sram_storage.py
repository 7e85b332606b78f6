"""SRAM as storage: error rates of drawn chips over supply, temperature and frequency, at rest, and a chip's shmoo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bitline.cli.report.chart import BLUE, GREEN, ORANGE, Array, chart, colorbar, line, plot, scale, single, titled
from bitline.cli.report.cycles import figures
from bitline.cli.report.markup import card
from bitline.cli.report.section import Section
from bitline.cli.report.source import AbsentError, RunSource
from bitline.cli.storage_sweep import PUSHED, at_rest, clocks, supplies, swept
from bitline.core.errors import FitError
from bitline.core.figures import MODELLED
from bitline.core.model_file import ModelFile
from crossbar.sram_storage import Access, SramMacro
from crossbar.sram_storage_rates import Rates, shmoo
from spice.fits_storage import fit_storage

_PART = "sram_storage"
_CHIPS, _SEED = 8, 1
_LOWEST = 1e-9  # a rate below this is not drawn
_COLOURS = {"read": BLUE, "write": ORANGE, "hold": GREEN}
_CAPTION = "Of the nominal macro at these conditions; a cell and an amplifier without mismatch."
_RATES = (
    f"Bit-error rate, mean over {_CHIPS} drawn chips (thin lines: the best and the worst of them), at {{}}. The clock "
    "times reads: they are sensed as late as a cycle allows. Rates below 1e-9 are not drawn."
)


def _pictures(run: RunSource) -> str:
    macro, access = _macro(run)
    temperature, vdd, clock = (
        f"{access.temperature:g} °C",
        f"{access.vdd:g} V",
        f"{(access.frequency or 0) / 1e6:.4g} MHz",
    )
    sweeps: Sequence[tuple[str, str, str, str, Callable[[Access], float]]] = (
        ("supply", "supply", "V", f"{temperature}, {clock}", lambda at: at.vdd),
        ("temperature", "temperature", "°C", f"{vdd}, {clock}", lambda at: at.temperature),
        ("frequency", "frequency", "Hz", f"{temperature}, {vdd}", lambda at: at.frequency or 0.0),
    )
    cards = []
    for over, label, unit, said, of in sweeps:
        accesses, found = swept(macro, access, over, _CHIPS, _SEED)
        at = np.array([of(one) for one in accesses])
        cards.append(_curves(f"Error rate against {over}", at, found, label, unit, _RATES.format(said)))
    rest, held = at_rest(macro, access.temperature, _CHIPS, _SEED)
    caption = f"Bits that a cell at rest loses at {temperature}, the word line closed; mean and span as beside."
    cards.append(_curves("Error rate at rest", np.array(rest), {"hold": held}, "supply", "V", caption))
    return "\n".join([*cards, _shmoo(macro, access)])


def _macro(run: RunSource) -> tuple[SramMacro, Access]:
    """The macro from the models of its samples, and the conditions, at a clock at which its reads begin to fail."""
    try:
        nominal, design = (run.group(f"{_PART}/{stage}").group for stage in ("nominal", "design"))
        models = fit_storage(nominal.samples.record(0), design.samples, nominal.attrs)
    except FitError as error:
        raise AbsentError(str(error)) from error
    macro = SramMacro.of(ModelFile({}, {model.name: model for model in models}))
    access = Access(float(nominal.attrs["vdd"]), float(nominal.attrs["temperature"]))
    return macro, replace(access, frequency=PUSHED / macro.value("cycle_time", access), timing="clock")


def _curves(title: str, at: Array, found: dict[str, Rates], label: str, unit: str, caption: str) -> str:
    factor, shown = scale(at, unit) if unit == "Hz" else (1.0, unit)
    figure = chart(titled(label, shown), "error rate")
    for name, rate in found.items():
        for bound in (rate.chips.min(axis=1), rate.chips.max(axis=1)):
            thin = {"width": 1, "color": _COLOURS[name]}
            figure.add_trace(line(at * factor, _drawn(bound), "", _COLOURS[name], line=thin, showlegend=False))
        figure.add_trace(line(at * factor, _drawn(rate.mean), name, _COLOURS[name], showlegend=True))
    figure.update_yaxes(type="log", exponentformat="power", dtick=3, range=[np.log10(_LOWEST), 0.1])
    return card(title, plot(figure, caption, 340), caption, [MODELLED], "half")


def _drawn(rate: Array) -> Array:
    return np.where(rate > _LOWEST, rate, np.nan)


def _shmoo(macro: SramMacro, access: Access) -> str:
    at, frequencies = supplies(macro, 9), clocks(macro, access, 24)
    wrong = shmoo(macro, access, at, frequencies, _SEED, 0)
    factor, unit = scale(frequencies, "Hz")
    figure = chart(titled("frequency", unit), "supply (V)")
    ticks = np.arange(-3, 4)
    figure.add_heatmap(
        z=single(np.log10(np.maximum(wrong, 1e-3))),
        x=single(frequencies * factor),
        y=single(at),
        zmin=-3,
        zmax=3.3,
        colorscale="Viridis",
        reversescale=True,
        colorbar={**colorbar("wrong bits"), "tickvals": ticks, "ticktext": [f"{10.0**tick:g}" for tick in ticks]},
        customdata=single(wrong),
        hovertemplate="%{y:.3g} V, %{x:.4g} " + unit + ": %{customdata:.2g}<extra></extra>",
    )
    figure.update_xaxes(type="log", showgrid=False)
    figure.update_yaxes(showgrid=False)
    caption = (
        f"Wrong bits that are to be expected of chip 0's {macro.words * macro.bits}, written in full and read back, at "
        f"{access.temperature:g} °C; the lightest is 0.001 and fewer."
    )
    return card("Shmoo of a chip: supply against frequency", plot(figure, caption, 360), caption, [MODELLED], "half")


SECTION = Section(47, "SRAM as storage", (figures(_PART, "Storage", _CAPTION), _pictures), _PART, usual=False)
