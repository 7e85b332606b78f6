"""``summary.json``: a run's figures, each with unit, kind and source, and its ladder of trust."""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.markup import escape

from bitline.cli.ladder import Rung
from bitline.cli.run_folder import SUMMARY
from bitline.core.errors import ConfigError
from bitline.core.figures import Figure, to_json
from bitline.core.units import format_quantity


@dataclass(frozen=True)
class Summary:
    """What a finished run found.

    Args:
        study: its name.
        hash: of everything its numbers depend on.
        seed: of all its draws.
        figures: by part ("sram", "sense_amp", "reram", "network") and name.
        ladder: of trust.
        seconds: by stage, of the process that finished the run.
        reused: by stage, the earlier study that it was computed for, and when.
        version: of bitline.
    """

    study: str
    hash: str
    seed: int
    figures: Mapping[str, Mapping[str, Figure]]
    ladder: tuple[Rung, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)
    reused: Mapping[str, str] = field(default_factory=dict)
    version: str = field(default_factory=lambda: importlib.metadata.version("bitline"))

    def write(self, folder: Path) -> None:
        """Write the file."""
        document = {
            "study": self.study,
            "hash": self.hash,
            "seed": self.seed,
            "version": self.version,
            "figures": {part: to_json(found) for part, found in self.figures.items()},
            "ladder": [asdict(rung) for rung in self.ladder],
            "reused": dict(self.reused),
            "times": {stage: {"value": value, "unit": "s"} for stage, value in self.seconds.items()},
        }
        (folder / SUMMARY).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def read_summary(folder: Path) -> Summary:
    """The summary of a finished run.

    Raises:
        ConfigError: it is missing, or not what `write` wrote.
    """
    path = folder / SUMMARY
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Summary(
            study=document["study"],
            hash=document["hash"],
            seed=document["seed"],
            figures={
                part: {name: Figure(**found) for name, found in figures.items()}
                for part, figures in document["figures"].items()
            },
            ladder=tuple(Rung(**rung) for rung in document["ladder"]),
            seconds={stage: found["value"] for stage, found in document["times"].items()},
            reused=document.get("reused", {}),  # older runs have none
            version=document["version"],
        )
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; bitline run STUDY.toml leaves one") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is damaged ({error!r}); run the study again") from error


def headline(summary: Summary) -> str:
    """What a newcomer wants to read first, with rich's markup."""
    found = summary.figures["network"]

    def percent(name: str) -> str:
        return f"{100 * found[name].value:.2f}"

    interval = f"[{percent('accuracy_low')}, {percent('accuracy_high')}]"
    drawn = f"{found['chips'].value:.0f} chips x {found['images'].value:.0f} images"
    energy, latency = (found[f"{name}_per_image"] for name in ("energy", "latency"))
    costs = (f"energy {format_quantity(energy.value, 'J')}", f"latency {format_quantity(latency.value, 's')}")
    rungs = (escape(f"  rung {rung.rung}  {rung.what}: {rung.told()}") for rung in summary.ladder if rung.rung != 1)
    return "\n".join(
        [
            f"[bold]{summary.study}[/]: accuracy {percent('accuracy')} % {interval}, 95 %, over {drawn}",
            f"  the same network in floats {percent('accuracy_float')} %, in integers {percent('accuracy_integer')} %",
            f"  {' and '.join(costs)} an image ({energy.kind}; components and their sources in the report)",
            *_variants(summary.figures.get("variants", {})),
            *_uneven(found),
            *_stopped(found),
            *_tiles(found),
            *rungs,
        ]
    )


def _variants(found: Mapping[str, Figure]) -> list[str]:
    """A line for each of the study's variants."""
    lines = []
    for name in dict.fromkeys(key.partition(".")[0] for key in found):
        if f"{name}.accuracy" not in found:
            lines.append(f"  {name}: it could not be computed: {escape(found[f'{name}.failed'].source)}")
            continue
        value, low, high = (100 * found[f"{name}.accuracy{end}"].value for end in ("", "_low", "_high"))
        gain = found.get(f"{name}.study_gain")
        better = f"; the study is {100 * gain.value:+.2f} points from it" if gain else ""
        lines.append(f"  {name}: {value:.2f} % [{low:.2f}, {high:.2f}]{better}")
    return lines


def _uneven(found: Mapping[str, Figure]) -> list[str]:
    """The balanced accuracy, where classes are so uneven that their recalls are figures too."""
    recalls = {name: figure for name, figure in found.items() if re.fullmatch(r"recall_\d+", name)}
    if not recalls:
        return []
    low, high, mean = (100 * found[f"balanced_accuracy{end}"].value for end in ("_low", "_high", ""))
    worst = min(recalls, key=lambda name: recalls[name].value)
    said = f"recall {100 * recalls[worst].value:.2f} % of class {worst.removeprefix('recall_')}, the least"
    return [f"  classes are uneven: balanced accuracy {mean:.2f} % [{low:.2f}, {high:.2f}]; {said}"]


def _stopped(found: Mapping[str, Figure]) -> list[str]:
    """Whether the chips' half width that was asked for is reached."""
    wanted = found.get("accuracy_half_width_wanted")
    if wanted is None:
        return []
    reached = found["accuracy_half_width_chips"].value
    said = (
        "is reached" if reached <= wanted.value else f"is not reached: it is {100 * reached:.3g}; raise accuracy.chips"
    )
    return [f"  the half width of {100 * wanted.value:.3g} points due to chips that was asked for {said}"]


def _tiles(found: Mapping[str, Figure]) -> list[str]:
    """What the tiles take: area, and beside the latency how long their outputs need."""
    area, settling = found.get("area_per_chip"), found.get("settling_time")
    parts = [f"area {format_quantity(area.value, area.unit)} a chip ({area.kind})"] if area else []
    if settling:
        parts.append(f"outputs settle in {format_quantity(settling.value, 's')}: {escape(settling.source)}")
    return [f"  {'; '.join(parts)}"] if parts else []
