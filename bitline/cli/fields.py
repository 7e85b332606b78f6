"""The types of a study's fields: quantities that take suffixes, and sections that refuse unknown keys."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bitline.core.errors import ConfigError
from bitline.core.units import parse_quantity


def _quantity(unit: str) -> BeforeValidator:
    def parse(value: Any) -> float:
        try:
            return parse_quantity(value, unit)
        except ConfigError as error:
            raise ValueError(str(error)) from None

    return BeforeValidator(parse)


Volts = Annotated[float, _quantity("V")]
Ohms = Annotated[float, _quantity("Ohm"), Field(ge=0)]
Siemens = Annotated[float, _quantity("S"), Field(ge=0)]
Seconds = Annotated[float, _quantity("s"), Field(gt=0)]
Farads = Annotated[float, _quantity("F"), Field(ge=0)]
Hertz = Annotated[float, _quantity("Hz"), Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Spread = Annotated[float, Field(ge=0, lt=1)]
AsList = Field(strict=False)  # TOML's arrays are lists; what is in them stays strict


class Section(BaseModel):
    """A section of a study file: it knows its keys, and is strict: true is no number, "12" none either.

    Where a unit is known, text with a suffix is a number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)
