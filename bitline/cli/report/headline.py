"""The head of the page: the accuracy, and the chain from the transistor that it hangs on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bitline.cli.report.markup import badge, percent, quantity, relative, text
from bitline.cli.report.source import AbsentError, RunSource
from bitline.cli.run_folder import SHORT
from bitline.core.figures import SIMULATED


@dataclass(frozen=True)
class _Step:
    """One box of the chain: what it is, its telling number, what that is of, and how it came about."""

    name: str
    value: str
    of: str
    kind: str


def headline(run: RunSource) -> str:
    """Study, accuracy and chain, as HTML; what a run does not hold is left out of it."""
    under = f"{_conditions(run)} · seed {run.summary.seed} · study {run.summary.hash[:SHORT]}"
    steps = "".join(
        f'<li><span class="step">{text(step.name)}</span><span class="value">{text(step.value)}</span>'
        f'<span class="of">{text(step.of)}</span>{badge(step.kind)}</li>'
        for step in _chain(run)
    )
    title = f"<h1>{text(run.summary.study)}</h1><p class='under'>{text(under)}</p>"
    return f'{title}{_accuracy(run)}<ol class="chain">{steps}</ol>'


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
    for step in (_cell, _sense_amp, _device, _models, _arrays, _network):
        try:
            yield step(run)
        except AbsentError:
            continue


def _cell(run: RunSource) -> _Step:
    figure = run.figure("sram", "read_snm")
    return _Step("6T cell", quantity(figure.value, figure.unit), "read SNM", figure.kind)


def _sense_amp(run: RunSource) -> _Step:
    figure = run.figures("sense_amp").get("offset_sigma") or run.figure("sense_amp", "offset")
    spread = "offset_sigma" in run.figures("sense_amp")
    return _Step(
        "Sense amplifier", quantity(figure.value, figure.unit), "offset sigma" if spread else "offset", figure.kind
    )


def _device(run: RunSource) -> _Step:
    figure = run.figure("reram", "on_off_ratio")
    return _Step("ReRAM cell", quantity(figure.value, figure.unit), "LRS over HRS", figure.kind)


def _models(run: RunSource) -> _Step:
    checked = [model for model in run.model.models.values() if model.residual.samples]
    if not checked:
        raise AbsentError("model.json holds no model that was checked")
    samples = sum(model.residual.samples for model in checked)
    return _Step("Fitted models", str(len(checked)), f"checked on {samples} held-out samples", checked[0].origin)


def _arrays(run: RunSource) -> _Step:
    errors = [float(np.max(run.group(name).valid("error"))) for name in run.groups if name.startswith("trust/")]
    if not errors:
        raise AbsentError("run.h5 holds no array products that ngspice simulated again")
    return _Step("Arrays", relative(max(errors)), "largest error against ngspice", SIMULATED)


def _network(run: RunSource) -> _Step:
    figure = run.figure("network", "accuracy")
    count = run.group("network/accuracy").count
    return _Step("Network", percent(figure.value), f"accuracy over {count} chips", figure.kind)
