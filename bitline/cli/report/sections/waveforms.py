"""The waveform viewer: every waveform of the nominal parts in one chart, chosen from a list."""

from __future__ import annotations

from bitline.cli.report.markup import card, sentence, words
from bitline.cli.report.section import Section
from bitline.cli.report.source import NOMINAL, RunSource
from bitline.cli.report.viewer import Net, Waveform, viewer
from bitline.core.figures import SIMULATED
from spice.characterise import part, part_names


def _viewer(run: RunSource) -> str:
    found = list(_waveforms(run))
    if not found:
        return ""
    caption = (
        "Choose a waveform in the list; click a net in the legend to hide or show it, twice to see it alone; drag to "
        "zoom and click twice to see the whole."
    )
    return card("Waveform viewer", viewer(found, caption), caption, [SIMULATED], "wide")


def _waveforms(run: RunSource) -> list[Waveform]:
    """Of each part that was characterised."""
    found = []
    for name in (name for name in part_names() if f"{name}/{NOMINAL}" in run.files):
        nominal = run.group(f"{name}/{NOMINAL}")
        for key, fields in part(name).waveforms.items():
            if set(fields) <= set(nominal.names):
                nets = [Net(field, nominal.first(field), nominal.unit(field)) for field in fields]
                title = f"{sentence(words(name))}: {key.replace('-', ' ')}"
                found.append(Waveform(title, nets[0], tuple(nets[1:])))
    return found


SECTION = Section(85, "Waveforms", (_viewer,))
