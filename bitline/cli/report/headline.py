"""The head of the page: accuracy, costs and trust, and the chain from the transistor, or what the parts give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bitline.cli.report.markup import badge, percent, quantity, relative, sentence, text, words
from bitline.cli.report.section import anchor, sections
from bitline.cli.report.source import AbsentError, RunSource, read_verification
from bitline.cli.run_folder import SHORT
from bitline.core.figures import SIMULATED, Figure

# The figures that a part characterised alone is known by
_TELLING: Mapping[str, tuple[str, ...]] = {
    "sram": ("read_snm", "hold_snm", "write_margin_bl", "read_current"),
    "sram_stability": ("svnm", "wti", "drv", "write_time"),
    "eight_t": ("read_snm", "read_current"),
    "sense_amp": ("offset_sigma", "delay"),
    "sram_column": ("access_time", "cycle_time", "read_energy", "write_energy"),
    "bit_errors": ("offset_sigma", "sensing_time_1e-06"),
    "sram_macro": ("access_time", "cycle_time", "read_energy", "leakage"),
    "sram_storage": ("access_time", "read_energy", "drv"),
    "reram": ("on_off_ratio", "v_set", "v_reset"),
}
_COSTS = {
    "energy_per_image": "energy an image",
    "latency_per_image": "latency an image",
    "area_per_chip": "area a chip",
}
_COST, _TRUST = "Energy, latency and area", "Trust"  # titles of sections
_FEW = 3  # figures of a part without any above
_MANY = 12  # boxes; beyond them a part has one


@dataclass(frozen=True)
class _Step:
    """One box of the chain: what it is, its telling number, what that is of, its kind, the section with more."""

    name: str
    value: str
    of: str
    kind: str
    section: str = ""


def headline(run: RunSource) -> str:
    """Study, accuracy and chain as HTML, or the telling figures of characterised parts; what is absent is left out."""
    alone = run.config is None
    study = "" if alone else f" · study {run.summary.hash[:SHORT]}"
    under = f"{_conditions(run)} · seed {run.summary.seed}{study}"
    steps = "".join(
        f'<li><span class="step">{_linked(step.name, step.section)}</span>'
        f'<span class="value">{text(step.value)}</span><span class="of">{text(step.of)}</span>{badge(step.kind)}</li>'
        for step in (_parts(run) if alone else _chain(run))
    )
    name = sentence(", ".join(map(words, _ordered(run)))) if alone else run.summary.study
    title = f"<h1>{text(name)}</h1><p class='under'>{text(under)}</p>"
    return f'{title}{_accuracy(run)}{_asked(run)}<ol class="chain{" apart" if alone else ""}">{steps}</ol>'


def _linked(said: str, section: str) -> str:
    """A text that leads to the section of this title, where it has one."""
    return f'<a href="#{anchor(section)}">{text(said)}</a>' if section else text(said)


def _asked(run: RunSource) -> str:
    """What an image and a chip cost, and how many limits of the ladder hold."""
    shown = []
    for name, said in _COSTS.items():
        figure = run.figures("network").get(name)
        if figure is not None:
            shown.append((quantity(figure.value, figure.unit), _linked(said, _COST), badge(figure.kind)))
    rungs = read_verification(run.folder) or run.summary.ladder
    limited = [rung for rung in rungs if rung.failed or (rung.limit is not None and rung.maximum is not None)]
    if limited:
        held = sum(rung.holds for rung in limited)
        shown.append((f"{held} of {len(limited)}", _linked("limits of the ladder of trust hold", _TRUST), ""))
    items = "".join(f'<li><span class="value">{text(value)}</span>{said} {kind}</li>' for value, said, kind in shown)
    return f'<ul class="asked">{items}</ul>' if items else ""


def _parts(run: RunSource) -> Iterator[_Step]:
    every = run.summary.figures
    chosen = {
        part: [name for name in _TELLING.get(part, _first(found)) if name in found] for part, found in every.items()
    }
    most = None if sum(map(len, chosen.values())) <= _MANY else 1
    for part in _ordered(run):
        for name in chosen[part][:most]:
            figure = every[part][name]
            yield _Step(sentence(words(part)), quantity(figure.value, figure.unit), words(name), figure.kind)


def _first(figures: Mapping[str, Figure]) -> tuple[str, ...]:
    return tuple(name for name in figures if not name.endswith(("_mean", "_sigma")))[:_FEW]


def _ordered(run: RunSource) -> list[str]:
    """Characterised parts, as their sections are."""
    known = [section.about for section in sections()]
    return sorted(run.summary.figures, key=lambda part: known.index(part) if part in known else len(known))


def _accuracy(run: RunSource) -> str:
    try:
        accuracy = run.figure("network", "accuracy")
        low, high = (run.figure("network", f"accuracy_{end}").value for end in ("low", "high"))
    except AbsentError:
        return ""
    beside = [f"95 % confidence {100 * low:.2f} to {percent(high)}"]
    for name, said in (("accuracy_integer", "ideal integers"), ("accuracy_float", "float")):
        figure = run.figures("network").get(name)
        beside += [f"{said} {percent(figure.value)}"] if figure else []
    said = f"accuracy on the simulated hardware {badge(accuracy.kind)}"
    shown = f'<span class="big">{percent(accuracy.value)}</span><span>{said}</span>'
    return f'<div class="headline">{shown}<span class="beside">{text(" · ".join(beside))}</span></div>'


def _conditions(run: RunSource) -> str:
    known = run.model.provenance
    wanted = (("technology", "{}"), ("corner", "{}"), ("temperature", "{:g} °C"), ("vdd", "{:g} V"))
    return ", ".join(said.format(known[key]) for key, said in wanted if key in known)


def _chain(run: RunSource) -> Iterator[_Step]:
    for step in (_cell, _sense_amp, _column, _device, _models, _arrays, _network):
        try:
            yield step(run)
        except AbsentError:
            continue


def _cell(run: RunSource) -> _Step:
    figure = run.figure("sram", "read_snm")
    return _Step("6T cell", quantity(figure.value, figure.unit), "read SNM", figure.kind, "SRAM cell")


def _sense_amp(run: RunSource) -> _Step:
    figure = run.figures("sense_amp").get("offset_sigma") or run.figure("sense_amp", "offset")
    spread = "offset_sigma" in run.figures("sense_amp")
    of = "offset sigma" if spread else "offset"
    return _Step("Sense amplifier", quantity(figure.value, figure.unit), of, figure.kind, "Sense amplifier")


def _column(run: RunSource) -> _Step:
    figure = run.figure("cim_column", "row_current")
    return _Step("Column", quantity(figure.value, figure.unit), "current of a row", figure.kind, "Column that computes")


def _device(run: RunSource) -> _Step:
    figure = run.figure("reram", "on_off_ratio")
    return _Step("ReRAM cell", quantity(figure.value, figure.unit), "LRS over HRS", figure.kind, "ReRAM cell")


def _models(run: RunSource) -> _Step:
    checked = [model for model in run.model.models.values() if model.residual.samples]
    if not checked:
        raise AbsentError("model.json holds no model that was checked")
    samples = sum(model.residual.samples for model in checked)
    of = f"checked on {samples} held-out samples"
    return _Step("Fitted models", str(len(checked)), of, checked[0].origin, "Models")


def _arrays(run: RunSource) -> _Step:
    errors = [float(np.max(run.group(name).valid("error"))) for name in run.groups if name.startswith("trust/")]
    if not errors:
        raise AbsentError("run.h5 holds no array products that ngspice simulated again")
    return _Step("Arrays", relative(max(errors)), "largest error against ngspice", SIMULATED, "Arrays")


def _network(run: RunSource) -> _Step:
    figure = run.figure("network", "accuracy")
    count = run.group("network/accuracy").count
    return _Step("Network", percent(figure.value), f"accuracy over {count} chips", figure.kind, "Network")
