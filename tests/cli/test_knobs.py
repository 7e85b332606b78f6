"""Any key of a study file can be swept: it is found, checked and spelt as the file has it."""

import pytest

from bitline.cli import knobs
from bitline.cli.study import Study
from bitline.core.errors import ConfigError


def parsed(text):
    return knobs.parse(Study(), text).values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("array.adc_bits=4,6,8", (4, 6, 8)),
        ("array.r_wire=0, 1.5 ,1k", (0.0, 1.5, 1000.0)),
        ("conditions.vdd=1.8,900m", (1.8, 0.9)),
        ("array.adc.kind=sar,'flash'", ("sar", "flash")),
        ("array.variation=true,false", (True, False)),
        ("array.adcs=1,column", (1, "column")),
        ("array.dac.inl=[],[0.0, 0.1]", ((), (0.0, 0.1))),
        ("seed=1,2", (1, 2)),
        ("network.arguments.hidden=[32],[64, 32]", ([32], [64, 32])),  # a table with any keys
    ],
)
def test_values_are_read_as_a_study_file_has_them(text, values):
    assert parsed(text) == values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("array.adcbits=4", "unknown key 'array.adcbits'; did you mean 'array.adc_bits'?"),
        ("adc_bits=4", "did you mean 'array.adc_bits'?"),
        ("array.adc_bits=4.5", "array.adc_bits: a whole number is expected"),
        ("array.adc_bits=99", "less than or equal to 12"),
        ("array.r_wire=1V", "'1V' is given in 'V', expected 'Ohm'"),
        ("array.adc_bits=4,4", "4 is there twice"),
        ("array.adc_bits=4,,5", "a value is missing"),
        ("array.adc_bits", "write KEY=VALUE"),
        ("array.adc=1", "array.adc: it is a section"),
        ("array.r_wire.x=1", "unknown key 'array.r_wire.x'"),
    ],
)
def test_what_a_study_refuses_is_said_with_its_key(text, said):
    with pytest.raises(ConfigError) as refused:
        parsed(text)
    assert said in str(refused.value)
    assert "--over" in str(refused.value) or "missing" in said


def test_every_key_can_be_read_and_set_to_itself():
    study = Study()
    names = knobs.keys()
    assert {"seed", "conditions.vdd", "array.ageing.t_elapsed", "sram_cim.rows"} <= set(names)
    assert knobs.patched(study, {name: knobs.value_of(study, name) for name in names}, "test") == study


def test_a_grid_has_every_combination_the_last_knob_fastest():
    found = list(knobs.grid(Study(), [knobs.Knob("array.adc_bits", (4, 6)), knobs.Knob("array.r_wire", (0.0, 1.0))]))
    assert [tuple(at.values()) for at, _ in found] == [(4, 0.0), (4, 1.0), (6, 0.0), (6, 1.0)]
    assert [(study.array.adc_bits, study.array.r_wire) for _, study in found] == [
        (4, 0.0),
        (4, 1.0),
        (6, 0.0),
        (6, 1.0),
    ]


def test_values_that_do_not_go_together_are_refused_with_the_point():
    with pytest.raises(ConfigError, match=r"array.g_min = 5e-05.*is not below g_max"):
        list(knobs.grid(Study(), [knobs.Knob("array.g_min", (1e-6, 50e-6))]))
