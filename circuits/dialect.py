"""A netlist as another simulator than ngspice reads it.

What is written otherwise, from LTspice's reference (Analog Devices, "Simulation Commands" and "Circuit Elements"):

- `.options` has the names that are known there; LTspice also keeps every point, where it would thin them out.
- `.temp`, a sweep there, becomes an option.
- Parameters of a subcircuit follow `params:`.
- In expressions `^` is an exclusive or: a power is `**`. A choice is `if(a, b, c)`, not `a ? b : c`. `temper` becomes
  the temperature. Braces are for parameters alone, so none stand around an expression of voltages.
- `.meas` takes an expression without `par('...')`, and one in other measures as `param (...)`.
- LTspice separates the levels of a hierarchy by a colon, `v(xcell:q)`. QSPICE is taken to keep the dot.

QSPICE is otherwise taken to read what LTspice reads. Both know BSIM3 as level 49 and BSIM4 as level 54. Neither has
ngspice's `trnoise`. No deck was run in either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from bitline.core.errors import ConfigError
from bitline.core.suggest import suggestion
from circuits.netlist import Netlist

DIALECTS = ("ngspice", "ltspice", "qspice")
OPTIONS = frozenset(
    {
        "abstol",
        "chgtol",
        "cshunt",
        "gmin",
        "gshunt",
        "itl1",
        "itl2",
        "itl4",
        "maxstep",
        "measdgt",
        "method",
        "numdgt",
        "plotwinsize",
        "reltol",
        "temp",
        "tnom",
        "trtol",
        "vntol",
    }
)
COMMANDS = frozenset(
    {
        ".ac",
        ".dc",
        ".end",
        ".ends",
        ".ic",
        ".include",
        ".lib",
        ".meas",
        ".model",
        ".nodeset",
        ".noise",
        ".op",
        ".options",
        ".param",
        ".save",
        ".subckt",
        ".tran",
    }
)
FUNCTIONS = frozenset(
    {
        "abs",
        "acos",
        "asin",
        "atan",
        "atan2",
        "ceil",
        "cos",
        "cosh",
        "exp",
        "floor",
        "hypot",
        "i",
        "if",
        "int",
        "limit",
        "ln",
        "log10",
        "max",
        "min",
        "pow",
        "pwl",
        "round",
        "sgn",
        "sin",
        "sinh",
        "sqrt",
        "table",
        "tan",
        "tanh",
        "u",
        "uramp",
        "v",
    }
)
LEVELS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 44, 49, 54, 55, 73})  # of MOSFETs

_ACCURATE = ".options plotwinsize=0 numdgt=7 measdgt=9"
_ONLY_NGSPICE = ("trnoise", "trrandom")
_ROOM = 27.0  # C: where nothing says otherwise, as in SPICE


def in_dialect(netlist: Netlist, dialect: str) -> Netlist:
    """The netlist as `dialect` (of `DIALECTS`) reads it; as it is for ngspice.

    Raises:
        ConfigError: there is no such dialect, or the netlist needs what it has not.
    """
    if dialect not in DIALECTS:
        raise ConfigError(f"no dialect {dialect!r}{suggestion(dialect, DIALECTS)}")
    if dialect == "ngspice":
        return netlist
    for word in _ONLY_NGSPICE:
        if re.search(rf"\b{word}\b", netlist.text):
            raise ConfigError(f"'{netlist.title}' needs ngspice's {word}, which {dialect} lacks; export it for ngspice")
    found = re.search(r"(?mi)^\.(?:options\b.*\btemp *=|temp) *(\S+)", netlist.text)
    temperature = found[1] if found else repr(_ROOM)
    lines = [_line(line, dialect, temperature) for line in _joined(netlist.text)]
    if dialect == "ltspice":
        lines.insert(0, _ACCURATE)
    measures = tuple(_line(line, dialect, temperature) for line in netlist.measures)
    return replace(netlist, text="\n".join(line for line in lines if line), measures=measures)


def _joined(text: str) -> Iterator[str]:
    """Lines with their continuations; those of model cards, long as they are, stay apart."""
    last = ""
    for line in text.splitlines():
        if line.startswith("+") and not last.lower().startswith((".model", "+")):
            last += " " + line[1:].strip()
            continue
        if last:
            yield last
        last = line
    if last:
        yield last


def _line(line: str, dialect: str, temperature: str) -> str:
    first = line[:1].lower()
    word = line.split(maxsplit=1)[0].lower() if line.strip() else ""
    if word in (".options", ".option"):
        given = re.sub(r" *= *", "=", line).split()[1:]
        kept = [entry for entry in given if entry.partition("=")[0].lower() in OPTIONS]
        return " ".join([".options", *kept]) if kept else ""
    if word == ".temp":
        return f".options temp={temperature}"
    if word == ".subckt":
        return re.sub(r" (?=[^\s=]+ *=)", " params: ", line, count=1)
    if word == ".meas":
        line = re.sub(r"par\('([^']*)'\)", r"(\1)", line)
        line = re.sub(r"param='([^']*)'", r"param (\1)", line)
    if first == "b":
        line = _expression(line, temperature)
    return _hierarchy(line) if dialect == "ltspice" and first != "*" else line


def _expression(line: str, temperature: str) -> str:
    """A behavioural source's line."""
    head, value = re.split(r"= *", line, maxsplit=1)
    value = value.strip()
    if value.startswith("{") and value.endswith("}"):
        value = value[1:-1]
    value = re.sub(r"\btemper\b", f"({temperature})", value).replace("^", "**")
    return f"{head}={_choices(value)}"


def _choices(text: str) -> str:
    """``a ? b : c`` as ``if(a,b,c)``, at any depth of brackets."""
    arguments = _split(text, ",")
    if len(arguments) > 1:
        return ",".join(_choices(argument) for argument in arguments)
    condition, *rest = _split(text, "?", most=1)
    if rest:
        then, otherwise = _split(rest[0], ":", most=1)
        return f"if({_choices(condition.strip())},{_choices(then.strip())},{_choices(otherwise.strip())})"
    written, start, depth = "", 0, 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "(" and depth == 1:
            written, start = written + text[start : at + 1], at + 1
        elif letter == ")" and depth == 0:
            written, start = written + _choices(text[start:at]), at
    return written + text[start:]


def _split(text: str, mark: str, most: int = -1) -> list[str]:
    """`text` at every (or the first `most`) `mark` outside of brackets."""
    parts: list[str] = []
    start = depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == mark and depth == 0 and len(parts) != most:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _hierarchy(line: str) -> str:
    """Names of nodes and devices within subcircuits, as v(xcell.q), with colons."""
    return re.sub(r"(?i)\b([vi]\()([^()]*)\)", lambda found: found[1] + found[2].replace(".", ":") + ")", line)
