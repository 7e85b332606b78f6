"""Where the numbers come from: what was simulated with what, and the study as it ran."""

from __future__ import annotations

import json

from bitline.cli.report.markup import card, quantity, table, text
from bitline.cli.report.section import Section
from bitline.cli.report.source import RunSource


def _conditions(run: RunSource) -> str:
    known = dict(run.model.provenance)
    units = {"temperature": " °C", "vdd": " V"}
    rows = [[text(key), text(f"{said}{units.get(key, '')}")] for key, said in known.items()]
    for name in run.groups:  # what a part was set to beyond the shared conditions
        part, _, stage = name.partition("/")
        own = run.group(name).group.attrs if stage == "nominal" else {}
        rows += [[text(f"{part}: {key}"), text(own[key])] for key in own if key not in (*known, "netlists")]
    rows.append(["bitline", text(run.summary.version)])
    if run.summary.hash:
        rows.append(["study", f'<code class="hash">{text(run.summary.hash)}</code>'])
    return card("Conditions", table(("what", "value"), rows))


def _samples(run: RunSource) -> str:
    rows = [(name, run.group(name)) for name in run.groups]
    cells = [[f"<code>{text(name)}</code>", text(found.count), text(found.failed)] for name, found in rows]
    caption = "Groups in HDF5; a failed sample keeps its row and its reason."
    return card("Samples", table(("group", "samples", "failed"), cells, [1, 2]), caption)


def _times(run: RunSource) -> str:
    if not run.summary.seconds:
        return ""
    rows = [[text(name), text(quantity(seconds, "s"))] for name, seconds in run.summary.seconds.items()]
    caption = "Of the process that finished the run; what an earlier one had done is not in it."
    return card("Run times", table(("stage", "time"), rows, [1]), caption)


def _reused(run: RunSource) -> str:
    """Stages that earlier studies had computed."""
    if not run.summary.reused:
        return ""
    rows = [[text(stage), text(origin)] for stage, origin in run.summary.reused.items()]
    caption = "Taken as they were: all that these stages depend on, bitline's own code included, is the same."
    return card("Reused", table(("stage", "computed for"), rows), caption, width="half")


def _netlists(run: RunSource) -> str:
    """Of every part, once: its groups were made from the same netlists."""
    hashes: dict[str, str] = {}
    for name in run.groups:
        simulated = json.loads(str(run.group(name).group.attrs.get("netlists", "{}")))
        hashes |= {f"{name.partition('/')[0]}-{netlist}": said for netlist, said in simulated.items()}
    rows = [[text(name), f"<code>{text(said)}</code>"] for name, said in sorted(hashes.items())]
    caption = "SHA-256 of the netlists as ngspice got them; the netlists folder holds them."
    return card("Netlists", table(("netlist", "sha256"), rows), caption, width="wide")


def _config(run: RunSource) -> str:
    if run.config is None:
        return ""
    shown = f"<details><summary>config.toml</summary><pre>{text(run.config)}</pre></details>"
    return card("The study as it ran", shown, width="wide")


SECTION = Section(90, "Provenance", (_conditions, _samples, _times, _reused, _netlists, _config))
