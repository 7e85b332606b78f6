"""``bitline solve``: a crossbar from files."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bitline.cli.terminal import say

if TYPE_CHECKING:
    import numpy as np


Both = Annotated[str | None, typer.Option(help="both of the next two, Ohm a segment")]
OfWordLines = Annotated[str | None, typer.Option(help="of the word lines, Ohm a segment; default 0")]
OfBitLines = Annotated[str | None, typer.Option(help="of the bit lines, Ohm a segment; default 0")]


def solve(
    g: Annotated[Path, typer.Option("--g", help="conductances g[word_line, bit_line], .npy (m, n), S")],
    v: Annotated[Path, typer.Option("--v", help="word-line voltages, .npy (batch, m) or (m,), V")],
    out: Annotated[Path, typer.Option("-o", "--out", help="bit-line currents, .npy (batch, n) or (n,), A")],
    r_wire: Both = None,
    r_wire_wl: OfWordLines = None,
    r_wire_bl: OfBitLines = None,
) -> None:
    """Solve a crossbar with wires: amperes out of every bit line."""
    from bitline.core.units import format_quantity
    from crossbar.solve import solve as solve_crossbar

    currents = solve_crossbar(read_array(g), read_array(v), *segments(r_wire, r_wire_wl, r_wire_bl))
    write_array(out, currents)
    largest = format_quantity(float(abs(currents).max()), "A") if currents.size else "none"
    say(f"wrote {out}: currents {currents.shape}, the largest {largest}")


def segments(r_wire: str | None, r_wire_wl: str | None, r_wire_bl: str | None) -> tuple[float, float]:
    """Resistances (ohm) of a word-line and a bit-line segment from the options.

    Raises:
        ConfigError: one is no resistance.
    """
    from bitline.core.units import parse_quantity

    wl, bl = (parse_quantity(r_wire or "0" if own is None else own, "Ohm") for own in (r_wire_wl, r_wire_bl))
    return wl, bl


def read_array(path: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    """An array of numbers from a .npy file.

    Raises:
        ConfigError: it is missing, no .npy file, or not numbers.
    """
    import numpy as np

    from bitline.core.errors import ConfigError

    try:
        found = np.load(path, allow_pickle=False)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except (ValueError, EOFError, MemoryError) as error:
        raise ConfigError(f"{path} is not a .npy file of numbers, or it is cut short: {error}") from error
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu":
        raise ConfigError(
            f"{path} holds {getattr(found, 'dtype', 'several arrays')}, expected one array of real numbers"
        )
    return found.astype(np.float64)


def write_array(path: Path, array: np.ndarray[Any, Any]) -> None:
    """Write a .npy file whole or not at all.

    Raises:
        ConfigError: it cannot be written.
    """
    import numpy as np

    from bitline.core.errors import ConfigError

    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            np.save(file, array)
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise ConfigError(f"{path} cannot be written: {error.strerror}; choose another file") from error
