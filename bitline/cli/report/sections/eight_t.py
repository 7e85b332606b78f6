"""The 8T cell: its butterfly with the read port on, and what the port draws."""

from __future__ import annotations

from bitline.cli.report.butterfly import butterfly
from bitline.cli.report.cycles import figures
from bitline.cli.report.histogram import histogram
from bitline.cli.report.section import Section

_PART = "eight_t"
_CAPTION = (
    "The read port draws no current from the cell, so that a read leaves it as stable as it is at rest. Port leakage "
    "is that of a stored 1, closed leakage that of a stored 0 with the read word line off."
)

SECTION = Section(
    42,
    "8T cell",
    (
        figures(_PART, "8T cell", _CAPTION),
        butterfly("read", "Butterfly in a read", _PART),
        histogram(_PART, "read_snm", "Read SNM of the 8T cell"),
        histogram(_PART, "read_current", "Read current of the port"),
        histogram(_PART, "port_leakage"),
    ),
    _PART,
    usual=False,
)
