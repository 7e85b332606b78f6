"""``summary.json``: a run's figures, each with unit, kind and source, and its ladder of trust."""

from __future__ import annotations

import importlib.metadata
import json
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
        version: of bitline.
    """

    study: str
    hash: str
    seed: int
    figures: Mapping[str, Mapping[str, Figure]]
    ladder: tuple[Rung, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)
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
            *_tiles(found),
            *rungs,
        ]
    )


def _tiles(found: Mapping[str, Figure]) -> list[str]:
    """What the tiles take: area, and beside the latency how long their outputs need."""
    area, settling = found.get("area_per_chip"), found.get("settling_time")
    parts = [f"area {format_quantity(area.value, area.unit)} a chip ({area.kind})"] if area else []
    if settling:
        parts.append(f"outputs settle in {format_quantity(settling.value, 's')}: {escape(settling.source)}")
    return [f"  {'; '.join(parts)}"] if parts else []
