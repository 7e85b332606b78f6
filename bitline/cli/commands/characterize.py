"""``bitline characterize`` and ``bitline fit``."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from bitline.cli.terminal import note, print_figures, resumable, say
from bitline.core.errors import ConfigError
from bitline.core.units import parse_quantity

LARGEST = 2**63 - 1  # that HDF5 attributes hold
Settings = Annotated[list[str], typer.Option("--set", help="a setting of the part, as device=vteam")]


PARTS = (
    "bit-errors, cim-column, current-sense, dac-driver, eight-t, eight-t-column, integrator, read-snm, reram, "
    "reram-forming, reram-noise, reram-programming, reram-reliability, reram-stress, reram-variability, sar-adc, "
    "sar-comparator, sense-amp, sram, sram-column, sram-macro, sram-stability, sram-storage, tia"
)


def characterize(
    part: Annotated[str, typer.Argument(help=f"what: {PARTS}")],
    *,
    technology: Annotated[str, typer.Option(help="a shipped technology, or your own file or folder")] = "sky130",
    corner: Annotated[str, typer.Option(help="process corner")] = "tt",
    temperature: Annotated[float, typer.Option(help="in C")] = 27.0,
    vdd: Annotated[str, typer.Option(help="supply, as 1.8 or 900m")] = "1.8",
    samples: Annotated[
        int | None,
        typer.Option(min=0, help="mismatch samples; 0 is the nominal device only; the part's usual number by default"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST, help="of the mismatch draws")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="folder for samples, netlists and waveforms; nothing is written without")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes")] = 1,
    settings: Settings = [],  # noqa: B006 - typer copies it
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Characterise a part in ngspice: its figures, and with --samples their spread by mismatch."""
    from bitline.cli.artefacts import write_characterised
    from bitline.cli.characterise import Work, characterise
    from bitline.cli.run_folder import partial_folder, writing
    from spice.characterise import Conditions
    from spice.characterise import part as part_of

    name = part.replace("-", "_")
    conditions = Conditions(technology, corner, temperature, parse_quantity(vdd, "V"), seed)
    given = read_settings(settings)
    count = part_of(name, given).usual if samples is None else samples
    work = Work(name, conditions, count, given)
    if out is None:
        found = characterise(work, workers)
    else:
        with resumable("the same command"), writing(partial_folder(out, name)) as journals:
            found = characterise(work, workers, journals)
            write_characterised(out, found)
            shutil.rmtree(journals)
        note(f"wrote {out}")
    title = f"{name.replace('_', ' ')}, {technology} {corner}, {temperature:g} C, {conditions.vdd:g} V"
    print_figures(found.figures(), as_json=as_json, title=title)


def read_settings(texts: Iterable[str]) -> dict[str, str | float]:
    """Settings of a part from ``--set`` options.

    Raises:
        ConfigError: one is not written as key=value.
    """
    return dict(map(_setting, texts))


def _setting(text: str) -> tuple[str, str | float]:
    """A setting ``key=value``; the value is a number where it reads as one."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise ConfigError(f"--set {text}: write it as key=value, as device=vteam")
    try:
        return key, parse_quantity(value)
    except ConfigError:
        return key, value


def _range(name: str, text: str, unit: str) -> tuple[float, float]:
    """A range written as low,high.

    Raises:
        ConfigError: it is not two numbers.
    """
    low, comma, high = text.partition(",")
    if not comma:
        raise ConfigError(f"--{name} {text}: write it as lowest,highest")
    return parse_quantity(low.strip(), unit), parse_quantity(high.strip(), unit)


def fit(
    source: Annotated[
        str,
        typer.Argument(help="a folder that characterize --out or run made; or a part, as sram, for a fit over a span"),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="the model file")] = Path("model.json"),
    picture: Annotated[
        Path | None, typer.Option(help="the fit against its samples: .png or .svg, or .html to zoom into")
    ] = None,
    temperatures: Annotated[str, typer.Option(help="of a part's fit: lowest,highest in C")] = "-40,125",
    supplies: Annotated[str, typer.Option(help="of a part's fit: lowest,highest, as 1.2,1.98")] = "1.2,1.98",
    technology: Annotated[str, typer.Option(help="of a part's fit")] = "sky130",
    corner: Annotated[str, typer.Option(help="of a part's fit")] = "tt",
    seed: Annotated[int, typer.Option(min=0, max=LARGEST, help="of a part's fit")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="processes of a part's fit")] = 1,
) -> None:
    """Fit models of a folder's parts, or of one part over temperatures and supplies; check on held-out samples."""
    from bitline.cli import fit_picture
    from bitline.cli.characterise import compared, read_characterised
    from bitline.cli.characterise import fit as fit_models
    from bitline.cli.span_fit import fit_span
    from spice.characterise import Span, part_names

    if picture is not None:
        fit_picture.check(picture)
    name = source.replace("-", "_")
    if not Path(source).exists() and name in part_names():
        ranges = (_range("temperatures", temperatures, "C"), _range("supplies", supplies, "V"))
        span = fit_span(name, Span(technology, corner, *ranges, seed), workers)
        models, found = span.models, span.compared()
    else:
        parts = read_characterised(Path(source))
        models = fit_models(parts)
        found = compared(parts, models)
    models.save(out)
    for name, model in sorted(models.models.items()):
        error, unit = model.residual, model.residual.unit if model.residual.unit != "1" else "(relative)"
        said = f"rms {error.rms:.3g}, largest {error.maximum:.3g} {unit} on {error.samples} held-out samples"
        said += f", {error.outside} more outside its range" if error.outside else ""
        say(f"{name:<28} {said}")
    say(f"wrote {out}")
    if picture is not None:
        fit_picture.draw(found, f"{source}: models against ngspice", picture)
        say(f"drew {picture}")
