"""``bitline solve``: a crossbar from files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bitline.cli.terminal import output

if TYPE_CHECKING:
    import numpy as np


def solve(
    g: Annotated[Path, typer.Option("--g", help="conductances g[word_line, bit_line], .npy (m, n), S")],
    v: Annotated[Path, typer.Option("--v", help="word-line voltages, .npy (batch, m) or (m,), V")],
    out: Annotated[Path, typer.Option("-o", "--out", help="bit-line currents, .npy (batch, n) or (n,), A")],
    r_wire: Annotated[str | None, typer.Option(help="both of the next two, Ohm a segment")] = None,
    r_wire_wl: Annotated[str | None, typer.Option(help="of the word lines, Ohm a segment; default 0")] = None,
    r_wire_bl: Annotated[str | None, typer.Option(help="of the bit lines, Ohm a segment; default 0")] = None,
) -> None:
    """Solve a crossbar with wires: amperes out of every bit line."""
    from bitline.core.units import format_quantity, parse_quantity
    from crossbar.solve import solve as solve_crossbar

    wl, bl = (parse_quantity(given or r_wire or "0", "Ohm") for given in (r_wire_wl, r_wire_bl))
    currents = solve_crossbar(read_array(g), read_array(v), wl, bl)
    write_array(out, currents)
    largest = format_quantity(float(abs(currents).max()), "A") if currents.size else "none"
    output.print(f"wrote {out}: currents {currents.shape}, the largest {largest}")


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
    except (ValueError, EOFError) as error:
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
        partial.unlink(missing_ok=True)
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
