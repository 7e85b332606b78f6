"""The section [array] of a study: the crossbar tile."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from bitline.cli.array_time import ArrayAgeing, ArrayTelegraph, ArrayTiming
from bitline.cli.fields import AsList, Ohms, Seconds, Section, Share, Siemens, Spread, Volts


def _converters(value: Any) -> Any:
    if value == "column" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise ValueError('a tile has 1 converter or more, or "column" for one to each channel')


class ArrayMapping(Section):
    """How weights become cells; see circuits.mapping."""

    scheme: Literal["differential", "offset"] = "differential"
    reference: Literal["analog", "digital"] = "analog"  # of the offset scheme
    slice_bits: Annotated[int, Field(ge=1, le=8)] | None = None  # bits of a weight in a cell; all of them


class ArrayDac(Section):
    """The word lines' drivers; see circuits.dac."""

    bits: Annotated[int, Field(ge=1, le=8)] = 1  # of a plane; 1 is bit-serial
    dnl_sigma: Spread = 0.0  # of a driver's steps, relative
    inl: Annotated[tuple[float, ...], AsList] = ()  # of each digit, in steps


class ArrayAdc(Section):
    """The converters beyond their bits and offset; see circuits.adc."""

    kind: Literal["sar", "ramp", "flash"] = "sar"
    mismatch: Annotated[float, Field(ge=0)] = 0.0  # of a unit capacitor, a step of the ramp, or a threshold in LSB
    inl: Annotated[tuple[float, ...], AsList] = ()  # of each threshold, in LSB
    gain_sigma: Spread = 0.0  # relative, over converters
    noise: Annotated[Volts, Field(ge=0)] = 0.0  # rms at the input
    offset: bool = True  # the comparators' is the sense amplifier's; false is none
    range: Literal["max", "percentile", "mse"] = "max"  # how calibration chooses full scale
    percentile: Annotated[float, Field(gt=0, le=100)] = 99.9
    range_share: Annotated[float, Field(gt=0)] = 1.0  # of what calibration chose; above 1 is headroom
    signed: bool = True  # false covers 0 to full scale only, and clips what is negative


class ArrayFaults(Section):
    """Stuck cells; see circuits.faults."""

    off_rate: Share = 0.0
    on_rate: Share = 0.0
    g_off: Siemens = 0.0  # 0 is an open cell
    g_on: Siemens | None = None  # g_max
    cluster: Annotated[float, Field(ge=0)] = 0.0  # correlation length, in cells
    map: str = ""  # a .npy or .csv file

    @model_validator(mode="after")
    def _one_or_the_other(self) -> ArrayFaults:
        if self.off_rate + self.on_rate > 1:
            raise ValueError(f"off_rate + on_rate is {self.off_rate + self.on_rate:g}; it must be up to 1")
        if self.map and self.off_rate + self.on_rate > 0:
            raise ValueError("rates and a map exclude each other; leave one out")
        return self


class ArrayVerify(Section):
    """Program-and-verify; see circuits.verify."""

    tolerance: Annotated[Siemens, Field(gt=0)] | None = None  # from the target; none programs once
    attempts: Annotated[int, Field(ge=1)] = 10
    device_share: Share = 0.0  # of the variance: the cell's own, the same at every attempt


class Array(Section):
    """The crossbar tile: cells, wires and converters."""

    rows: Annotated[int, Field(ge=1, le=1024)] = 128
    cols: Annotated[int, Field(ge=2, le=1024)] = 128  # bit lines; a differential weight takes two neighbours
    r_wire: Ohms = 1.0  # a segment, word and bit lines
    r_wire_wl: Ohms | None = None  # a segment of word lines; r_wire
    r_wire_bl: Ohms | None = None  # of bit lines; r_wire
    r_driver: Ohms = 0.0  # of a word line's driver
    r_sink: Ohms = 0.0  # of a bit line's sense input
    sensing: Literal["current", "voltage"] = "current"  # of bit lines; see circuits.voltage_mode
    normaliser: Literal["target", "measured"] = "target"  # by voltage: whose sums of conductances codes are scaled by
    v_read: Annotated[Volts, Field(gt=0, le=0.4)] = 0.2
    g_min: Siemens = 1e-6
    g_max: Annotated[Siemens, Field(gt=0)] = 39e-6
    variation: bool = True  # programming draws the spread of [reram]; false programs exactly
    read_noise: Annotated[float, Field(ge=0, lt=1)] = 0.01  # of each cell's g, sigma, new at every read
    t_read: Seconds = 100e-9  # a plane is driven so long
    adc_bits: Annotated[int, Field(ge=2, le=12)] = 8
    adcs: Annotated[int | Literal["column"], BeforeValidator(_converters)] = 1  # shared by a tile's channels
    v_full_scale: Annotated[Volts, Field(gt=0)] = 0.9  # at the converter
    auto_zero: bool = True  # the code of a read with all digits 0 is subtracted from every code
    remap: bool = False  # rows, outputs and polarities are placed around stuck cells
    mapping: ArrayMapping = ArrayMapping()
    dac: ArrayDac = ArrayDac()
    adc: ArrayAdc = ArrayAdc()
    faults: ArrayFaults = ArrayFaults()
    verify: ArrayVerify = ArrayVerify()
    noise_way: Literal["auto", "matrix", "mean", "local", "adjoint"] = "auto"  # of read noise; see crossbar.noise
    precision: Literal["auto", "single", "double"] = "auto"  # of simulated currents; see crossbar.precision
    telegraph: ArrayTelegraph = ArrayTelegraph()
    ageing: ArrayAgeing = ArrayAgeing()
    timing: ArrayTiming = ArrayTiming()

    @model_validator(mode="after")
    def _ordered(self) -> Array:
        if self.g_min >= self.g_max:
            raise ValueError(f"g_min = {self.g_min:g} S is not below g_max = {self.g_max:g} S")
        if self.cols % 2 and self.mapping.scheme == "differential" and self.sensing == "current":
            raise ValueError(f"cols = {self.cols} is odd, and a differential weight takes two bit lines")
        return self
