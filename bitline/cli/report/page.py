"""The page: head, headline, sections and foot in one file that loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from bitline.cli.points_file import read_points
from bitline.cli.report.headline import headline
from bitline.cli.report.markup import text
from bitline.cli.report.section import Section, render, sections
from bitline.cli.report.source import RunSource, read_source
from bitline.core.errors import ConfigError

# The page cannot load anything, even by mistake; plotly draws heat maps through data: images
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def write_report(folder: Path, out: Path | None = None) -> Path:
    """Write the report of a finished run, a sweep, an ablation or characterised parts; it appears whole or not at all.

    Args:
        folder: of the run, with run.h5, model.json, summary.json and config.toml; of a sweep or an ablation, with
            summary.json; or one that ``bitline characterize --out`` made, with PART.h5 and PART.json of one part or
            more.
        out: the file; by default report.html in that folder.

    Returns:
        The file.

    Raises:
        ConfigError: the folder holds neither, one of its files is not what it should be, or the report cannot be
            written.
        StoreError: an HDF5 file is missing or truncated.
    """
    target = out or folder / "report.html"
    document = read_points(folder)
    page = "".join(_page(read_source(folder)) if document is None else _points_page(document))
    partial = target.with_name(f".{target.name}.partial")
    try:
        partial.write_text(page, encoding="utf-8")
        partial.replace(target)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise ConfigError(f"{target} cannot be written: {error.strerror}; choose another file with --out") from error
    return target


def _page(run: RunSource) -> Iterable[str]:
    rendered = {section: render(section, run) for section in sections() if section.shown(run)}
    shown = {section: pieces for section, pieces in rendered.items() if pieces}
    made_from = "run.h5, model.json and summary.json" if run.config is not None else "the samples of the parts"
    return _whole(run.summary.study, headline(run), shown, f"bitline {run.summary.version} from {made_from}")


def _points_page(document: Mapping[str, Any]) -> Iterable[str]:
    """The page of a sweep or an ablation, from its summary."""
    from bitline.cli.report.points_page import points_headline, points_sections

    made_by = f"bitline {document['version']} from summary.json"
    return _whole(document["study"], points_headline(document), points_sections(document), made_by)


def _whole(study: str, head: str, shown: Mapping[Section, list[str]], made_by: str) -> Iterable[str]:
    from plotly.offline import get_plotlyjs

    links = "".join(f'<a href="#{section.anchor}">{text(section.title)}</a>' for section in shown)
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f"<title>bitline: {text(study)}</title>\n<style>\n{_asset('page.css')}</style>\n</head>\n<body>\n"
    yield f"<header><div>{head}</div></header>\n<nav><div>{links}</div></nav>\n<main>\n"
    for section, pieces in shown.items():
        yield _section(section, pieces)
    yield f"</main>\n<footer>Made by {text(made_by)}.</footer>\n"
    yield f"<script>{get_plotlyjs()}</script>\n<script>\n{_asset('page.js')}</script>\n</body>\n</html>\n"


def _section(section: Section, pieces: list[str]) -> str:
    body = "\n".join(pieces)
    heading = f"<h2>{text(section.title)}</h2>"
    return f'<section id="{section.anchor}">{heading}\n<div class="grid">\n{body}\n</div></section>\n'


def _asset(name: str) -> str:
    return files("bitline.cli.report").joinpath(name).read_text(encoding="utf-8")
