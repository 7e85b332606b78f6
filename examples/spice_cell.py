"""spice: the 6T cell in ngspice, nominal at two corners, then three cells with mismatch."""

from __future__ import annotations

from bitline.core.units import format_quantity
from spice.characterise import Conditions, part


def main() -> None:
    """Characterise the cell."""
    sram = part("sram")
    for corner in ("tt", "ss"):
        task = sram.nominal(Conditions(corner=corner))
        record = task.run(task.prepare(), 0)
        for name, figure in sram.figures(record, None).items():
            print(f"{corner} {name:<16} {format_quantity(figure.value, figure.unit)}, {figure.kind}")

    task = sram.monte_carlo(Conditions(seed=7))
    context = task.prepare()  # once a worker: netlists loaded, nominal solution found
    for index in (0, 1, 1000):  # a sample depends on (seed, index) alone, so any of them replays
        print(f"cell {index}: read SNM {format_quantity(task.run(context, index)['read_snm'], 'V')}")


if __name__ == "__main__":
    main()
