"""A study written out is read again as it was, whatever a network's arguments are."""

import json
import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from bitline.cli.study import checked
from bitline.cli.study_toml import to_toml

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)  # no lone surrogates: no file has them
ODD = st.sampled_from(["gr\u00f6\u00dfe", "a b", "a.b", "", "\x7f", 'a"b', "\x00\r\n\t\\", "\U0001f600"])
PLAIN = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), TEXT, ODD)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | ODD, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(TEXT | ODD, VALUES, max_size=4))
def test_any_arguments_are_read_again(arguments):
    study = checked({"network": {"arguments": arguments}, "array": {"adc": {"inl": [0.5, -0.25]}}}, "test")
    document = tomllib.loads(to_toml(study))
    assert _text(document["network"]["arguments"]) == _text(arguments)
    assert checked(document, "again").hash() == study.hash()


def _text(value):
    """Without order; nan differs from nan, but its text does not."""
    return json.dumps(value, sort_keys=True)
