"""The few pieces of HTML that sections are made of. Text is escaped here; what is called `body` is HTML already."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from bitline.core.figures import ESTIMATED, MEASURED, MODELLED, OWN_DATA, PUBLISHED, SIMULATED, Figure
from bitline.core.units import format_quantity

# The kinds a badge has a colour of its own for, and the class that page.css gives it
_KINDS = {
    SIMULATED: "simulated",
    MODELLED: "modelled",
    MEASURED: "inferred",
    PUBLISHED: "published",
    OWN_DATA: "published",
    ESTIMATED: "published",
}
NONE = "\N{EN DASH}"  # stands where there is no number
_CAPITALS = (
    "snm",
    "bl",
    "wl",
    "adc",
    "dac",
    "inl",
    "dnl",
    "tia",
    "lrs",
    "hrs",
    "sram",
    "cim",
    "sar",
    "lsb",
    "enob",
    "svnm",
    "sinm",
    "wtv",
    "wti",
    "drv",
)
_SHOWN = {**{word: word.upper() for word in _CAPITALS}, "vth": "Vth", "reram": "ReRAM"}
_GAP = "\N{NO-BREAK SPACE}"  # between a number and its unit
_TIMES = f"{_GAP}\N{MULTIPLICATION SIGN}{_GAP}"
_RAISED = str.maketrans("-0123456789", "\u207b⁰¹²³⁴⁵⁶⁷⁸⁹")
_SAMPLES = ("samples", "failed_samples")


def text(said: object) -> str:
    """Plain text as HTML."""
    return escape(str(said))


def paragraph(said: str) -> str:
    """A paragraph of plain text."""
    return f"<p>{text(said)}</p>"


def absent(reason: str) -> str:
    """A line in place of what the run does not hold."""
    return f'<p class="absent">Left out: {text(reason)}.</p>'


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """A number with its unit, as text: engineering prefixes, and a dash where there is no number."""
    if math.isnan(value):
        return NONE
    return (
        pretty_unit(format_quantity(value, unit, digits))
        .removesuffix(" 1")
        .replace("-", "\N{MINUS SIGN}")
        .replace(" ", _GAP)
    )


def pretty_unit(said: str) -> str:
    """A quantity or a unit with the letters that engineers write: µ, Ω and ²."""
    return said.replace(" u", " µ").replace("ohm", "Ω").replace("Ohm", "Ω").replace("^2", "²")


def percent(share: float, digits: int = 2) -> str:
    """A share of 1 in percent."""
    return NONE if math.isnan(share) else f"{100 * share:.{digits}f}{_GAP}%".replace("-", "\N{MINUS SIGN}")


def relative(error: float) -> str:
    """An error relative to what it is an error of: in percent, or as a power of ten where that is clearer."""
    if error == 0 or not abs(error) < 1e-5:
        return f"{100 * error:.2g}{_GAP}%"
    mantissa, exponent = f"{error:.1e}".split("e")
    return f"{mantissa}{_TIMES}10{str(int(exponent)).translate(_RAISED)}"


def error_size(error: float | None, unit: str) -> str:
    """How large an error is: in its unit, or relative where that is "1"; a dash where none was taken."""
    if error is None:
        return NONE
    if unit == "1":
        return relative(error)
    return f"{error:.2g} {unit}" if " " in unit else quantity(error, unit, 2)


def words(name: str) -> str:
    """A figure's name as a reader writes it: ``write_margin_bl`` is "write margin BL"."""
    return " ".join(_SHOWN.get(word, word) for word in name.replace("eight_t", "8T cell").split("_"))


def sentence(said: str) -> str:
    """The text with its first letter in upper case, the others as they are."""
    return said[:1].upper() + said[1:]


def badge(kind: str, source: str = "") -> str:
    """The kind of a number, and its source where it has one."""
    said = f"{kind}: {source}" if source else kind
    length = "" if source else " short"
    return f'<span class="kind {_KINDS.get(kind, "other")}{length}">{text(said)}</span>'


def card(title: str, body: str, caption: str = "", kinds: Iterable[str] = (), width: str = "third") -> str:
    """One picture or table with its title above, and below it what it shows and the kinds of its numbers.

    `width` is "third", "half" or "wide", in a window that has the room.
    """
    badges = " ".join(badge(kind) for kind in kinds)
    below = f"<figcaption>{text(caption)} {badges}</figcaption>" if caption or badges else ""
    return f'<figure class="card {width}"><h3>{text(title)}</h3>{body}{below}</figure>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    """A table that scrolls in a narrow window; cells are HTML, columns `numbers` are set to the right."""
    right = set(numbers)

    def cells(tag: str, row: Sequence[str]) -> str:
        marks = (' class="number"' if column in right else "" for column in range(len(row)))
        return "".join(f"<{tag}{mark}>{cell}</{tag}>" for mark, cell in zip(marks, row, strict=True))

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    head = cells("th", [text(head) for head in heads])
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def figures_table(figures: Mapping[str, Figure]) -> str:
    """A part's figures: the nominal value, with mean and sigma over the mismatch samples in the same row."""
    rows = []
    drawn = any(name.endswith("_sigma") and name.removesuffix("_sigma") in figures for name in figures)
    for name, figure in figures.items():
        base, _, suffix = name.rpartition("_")
        if name in _SAMPLES or (suffix in ("mean", "sigma") and base in figures):
            continue
        spread = [figures.get(f"{name}_{of}") for of in (("mean", "sigma") if drawn else ())]
        numbers = [text(quantity(each.value, each.unit)) if each else "" for each in (figure, *spread)]
        rows.append([text(words(name)), *numbers, badge(figure.kind, figure.source)])
    heads = ("figure", "nominal", *(("mean", "sigma") if drawn else ()), "kind")
    return table(heads, rows, range(1, len(heads) - 1))
