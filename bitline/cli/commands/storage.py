"""``bitline storage``: an SRAM macro used as storage, from its model file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bitline.cli.commands.characterize import LARGEST
from bitline.cli.terminal import check_picture, print_figures, print_json, say

if TYPE_CHECKING:
    from crossbar.sram_storage import Access
    from crossbar.sram_storage_rates import Rates

SWEEPS = ("supply", "temperature", "frequency")


def storage(
    models: Annotated[Path, typer.Argument(help="model file of bitline fit, from characterize sram-storage")],
    *,
    vdd: Annotated[str, typer.Option(help="supply, as 1.8 or 900m")] = "1.8",
    temperature: Annotated[float, typer.Option(help="in C")] = 27.0,
    frequency: Annotated[str | None, typer.Option(help="of the clock, as 400M; as slow as needed without")] = None,
    timing: Annotated[str, typer.Option(help="of reads: replica (self-timed) or clock")] = "replica",
    standby: Annotated[str | None, typer.Option(help="supply at rest; that of accesses without")] = None,
    chips: Annotated[int, typer.Option(min=2, help="drawn")] = 20,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST, help="of the chips")] = 1,
    sweep: Annotated[str | None, typer.Option(help=f"rates over one of {', '.join(SWEEPS)} instead")] = None,
    picture: Annotated[Path | None, typer.Option(help="rates and a chip's shmoo, .png")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Error rates, times and energies of an SRAM macro that stores words, over drawn chips."""
    from bitline.cli import storage_sweep
    from bitline.core.errors import ConfigError
    from bitline.core.model_file import ModelFile
    from bitline.core.units import parse_quantity
    from crossbar.sram_storage import Access, SramMacro
    from crossbar.sram_storage_rates import figures

    if sweep is not None and sweep not in SWEEPS:
        raise ConfigError(f"--sweep {sweep}: it is one of {', '.join(SWEEPS)}")
    check_picture(picture)
    macro = SramMacro.of(ModelFile.load(models))
    clock = None if frequency is None else parse_quantity(frequency, "Hz")
    access = Access(parse_quantity(vdd, "V"), temperature, clock, timing)
    rest = None if standby is None else parse_quantity(standby, "V")
    if sweep is None:
        found = figures(macro, access, chips, seed, rest)
        title = f"SRAM storage, {temperature:g} C, {access.vdd:g} V, {frequency or 'no'} clock, {timing} timing"
        print_figures(found, as_json=as_json, title=title)
    else:
        _print(sweep, storage_sweep.swept(macro, access, sweep, chips, seed), as_json=as_json)
    if picture is not None:
        from bitline.cli.storage_picture import draw

        draw(picture, macro, access, chips, seed)
        if not as_json:
            say(f"drew {picture}")


def _print(name: str, found: tuple[list[Access], dict[str, Rates]], *, as_json: bool) -> None:
    """One line a point: mean rates and their spread over chips."""
    accesses, rates = found
    rows: list[dict[str, Any]] = []
    for k, access in enumerate(accesses):
        row: dict[str, Any] = {"vdd": access.vdd, "temperature": access.temperature, "frequency": access.frequency}
        for mechanism, rate in rates.items():
            row[mechanism] = {"mean": float(rate.mean[k]), "sigma": float(rate.sigma[k])}
            row[mechanism] |= {f"stored_{bit}": float(rate.values[k, :, bit].mean()) for bit in (0, 1)}
        rows.append(row)
    if as_json:
        print_json({"sweep": name, "kind": "modelled", "points": rows})
        return
    say("".join(f"{heading:>22}" for heading in (name, *rates)))
    for row in rows:
        at = row["vdd" if name == "supply" else name]
        values = (f"{row[one]['mean']:.3g} +- {row[one]['sigma']:.2g}" for one in rates)
        say("".join(f"{value:>22}" for value in (f"{at:.4g}", *values)))
