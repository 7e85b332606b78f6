"""What ngspice's lines mean: it tells chatter, warnings and failures apart by their words alone."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

Said = Sequence[tuple[str, str]]  # (stream, line) in the order they came

_KEPT_LINES = 12
_FAILED = re.compile(
    r"\berror\b|abort|fatal|not parsed|no such|cannot |can't find model|could not find|no circuit|illegal value",
    re.IGNORECASE,
)
_BENIGN = re.compile(
    r"warning\b(?!, can't find model)|note:|trying gmin|supplies reduced|checking parameters|using sparse"
    r"|reducing trtol|one successful|starting|further|doing analysis|no\. of data rows",
    re.IGNORECASE,
)
_CHATTER = re.compile(
    r"trying gmin|supplies reduced|warning: further gmin|note: no compat|circuit:|.*\) - ignored$", re.IGNORECASE
)
_NO_SOLUTION = re.compile(
    r"timestep too small|singular matrix|no convergence|iteration limit|stepping failed|solution failed|op failed",
    re.IGNORECASE,
)
_LINE_NUMBER = re.compile(r"(?:netlist line no\.|error on line) *(\d+)", re.IGNORECASE)

_log = logging.getLogger(__name__)


def failed(said: Said) -> bool:
    """Whether ngspice reported a failure; lines of unknown meaning are logged."""
    found = False
    for stream, line in said:
        if stream == "stdout" or not line or _BENIGN.match(line.lstrip()):
            _log.debug("ngspice: %s", line)
            found |= line.endswith("failed!")  # a .meas that found nothing
        elif _FAILED.search(line):
            found = True
        else:
            _log.info("ngspice: %s", line)
    return found


def no_solution(said: Said) -> bool:
    """Whether a failure is that of the solver, not of what it was asked."""
    return any(_NO_SOLUTION.search(line) for _, line in said)


def last(said: Said) -> tuple[str, ...]:
    """The last lines that tell something."""
    told = [line for _, line in said if line.strip() and not _CHATTER.match(line.strip())]
    return tuple(told[-_KEPT_LINES:])


def unreadable(title: str, deck: str, said: Said) -> str:
    """Message about a netlist that was refused, with the line at fault where ngspice gave its number."""
    lines = [line for line in deck.splitlines() if line]  # as PySpice hands them over
    message = f"'{title}': ngspice cannot read this netlist"
    numbers = [int(found[1]) for _, line in said if (found := _LINE_NUMBER.search(line))]
    if numbers and 0 < numbers[0] <= len(lines):
        message += f"; the line is: {lines[numbers[0] - 1]}"  # its number would be that of no file of the user's
    return message + "".join(f"\n  ngspice: {line}" for line in last(said))
