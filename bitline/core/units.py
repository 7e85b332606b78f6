"""Engineering notation at the edge: "50n" to 5e-8 and back. Inside, every number is an SI float."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from bitline.core.errors import ConfigError

_EXPONENT = {
    "f": -15,
    "p": -12,
    "n": -9,
    "u": -6,
    "µ": -6,
    "m": -3,
    "": 0,
    "k": 3,
    "M": 6,
    "meg": 6,
    "G": 9,
    "T": 12,
}
_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(meg|[fpnuµmkMGT]?)\s*([A-Za-zΩ]*)\s*")
_PREFIX = {-5: "f", -4: "p", -3: "n", -2: "u", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T"}


def parse_quantity(text: str | float, unit: str = "") -> float:
    """Read a number with an optional SI suffix and unit ("1k", "50n", "39 uS") as an SI float.

    "m" is milli and "M" or "meg" mega; upper and lower case matter.

    Args:
        text: the quantity, or a number, which is returned as a float.
        unit: the unit symbol that may follow the suffix, as "S" or "V"; another one is an error.

    Raises:
        ConfigError: the text is not a finite number with a known suffix.
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        value, said = float(text), ""
    else:
        match = _NUMBER.fullmatch(str(text))
        if match is None:
            raise ConfigError(f"{text!r} is not a quantity: write a number with an optional suffix, as 50n, 1k or 1.8")
        number, suffix, said = match.groups()
        if suffix == "m" and said == "" and unit == "m":  # "5m" of a length is metres, not milli of nothing
            suffix, said = "", "m"
        value = float(Decimal(number).scaleb(_EXPONENT[suffix]))  # "100n" is the float nearest to 1e-7, as 1e-7 is
    if said not in ("", unit):
        raise ConfigError(f"{text!r} is given in {said!r}, expected {unit or 'a bare number'!r}")
    if not math.isfinite(value):
        raise ConfigError(f"{text!r} is not finite")
    return value


def format_quantity(value: float, unit: str = "", digits: int = 3) -> str:
    """Print an SI float with an engineering prefix: ``format_quantity(4.77e-5, "A") == "47.7 uA"``.

    The prefix of a square is that of its side: 1e-6 m^2 is 1 mm^2.
    """
    if value == 0 or not math.isfinite(value) or unit in ("", "%", "1") or " " in unit:  # no prefix suits these
        return f"{value:.{digits}g} {unit}".rstrip()
    step = 6 if unit.endswith("^2") else 3
    exponent = min(max(math.floor(math.log10(abs(value)) / step), -5), 4)
    scaled = float(f"{value / 10 ** (step * exponent):.{digits}g}")
    if abs(scaled) >= 10**step and exponent < 4:  # 999.9 rounds up to the next prefix
        scaled, exponent = scaled / 10**step, exponent + 1
    return f"{scaled:g} {_PREFIX[exponent]}{unit}"
