"""The pages of the docs say what the code says."""

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from bitline.cli.study import Study
from bitline.core.units import parse_quantity
from spice.fits_sram import PARTS

ROOT = Path(__file__).parents[2]


def sections(model, above=""):
    """Heading -> defaults of every section, those in sections too."""
    for name in type(model).model_fields:
        inside = getattr(model, name)
        if isinstance(inside, BaseModel):
            yield above + name, inside
            yield from sections(inside, f"{above}{name}.")


SECTIONS = dict(sections(Study()))


def keys_of(section):
    """key -> default as written, from the table under the heading that names the section."""
    text = (ROOT / "docs" / "study.md").read_text(encoding="utf-8")
    body = re.search(rf"^### [^\n]*`\[{re.escape(section)}\]`[^\n]*\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert body, f"docs/study.md has no section [{section}]"
    return dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", body[1], re.MULTILINE))


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_of_a_study_is_documented(section):
    keys = {key for key in type(SECTIONS[section]).model_fields if f"{section}.{key}" not in SECTIONS}
    assert set(keys_of(section)) == keys


@pytest.mark.parametrize(("section", "key"), [(name, key) for name in SECTIONS for key in keys_of(name)])
def test_a_default_is_as_documented(section, key):
    written, default = keys_of(section)[key], getattr(SECTIONS[section], key)
    if default is None:
        assert written in {"all", "none", "`r_wire`", "`g_max`"}
    elif isinstance(default, bool):
        assert written == f"`{str(default).lower()}`"
    elif isinstance(default, (int, float)):
        assert default in [parse_quantity(number) for number in re.findall(r"`([\d.e-]+)`", written)]
    elif isinstance(default, tuple):
        assert written == f"`{json.dumps(default)}`"
    elif isinstance(default, dict):
        assert (written, default) == ("`{}`", {})
    else:
        assert written == f'`"{default}"`'


def test_links_between_pages_and_to_pictures_lead_somewhere():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)[^):]*\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_modules_of_the_reference_exist():
    for page in (ROOT / "docs" / "reference").glob("*.md"):
        for module in re.findall(r"^::: (\S+)", page.read_text(encoding="utf-8"), re.MULTILINE):
            path = ROOT / module.replace(".", "/")
            assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file(), module


def test_formats_names_every_model_that_a_run_fits():
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "spice").glob("fits_*.py"))
    named = set(re.findall(r'name="((?:reram|sense_amp)\.\w+)"', sources))
    named |= {f"sram.{figure}" for figure in PARTS}
    assert len(named) == 12
    assert {name for name in named if f"`{name}`" not in text} == set()
