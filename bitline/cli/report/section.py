"""What a section of the report is, and how the sections are found."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from bitline.cli.report.source import AbsentError, RunSource

Block = Callable[[RunSource], str]


@dataclass(frozen=True)
class Section:
    """One section: a file in `sections` that holds it as ``SECTION``.

    Args:
        order: sections are put in this order.
        title: its heading.
        blocks: each gives a piece of HTML from the run (none is no piece), or raises AbsentError where the
            run lacks what it draws.
        about: the part whose groups it draws from; without one it has something to show in any folder.
        usual: every run has that part, so that a run which lacks it says so. Others have a section where they have
            been characterised.
    """

    order: int
    title: str
    blocks: tuple[Block, ...]
    about: str = ""
    usual: bool = True

    def shown(self, run: RunSource) -> bool:
        """Whether a page of this folder has the section."""
        return not self.about or self.about in run.parts or (self.usual and run.config is not None)

    @property
    def anchor(self) -> str:
        """Where links in the page point."""
        return anchor(self.title)


def anchor(title: str) -> str:
    """Where links to the section of a title point."""
    return "".join(letter if letter.isalnum() else "-" for letter in title.lower())


def sections() -> list[Section]:
    """All sections, in their order."""
    from bitline.cli.report import sections as package

    names = [module.name for module in pkgutil.iter_modules(package.__path__)]
    found: list[Section] = [importlib.import_module(f"{package.__name__}.{name}").SECTION for name in names]
    return sorted(found, key=lambda section: section.order)


def render(section: Section, run: RunSource) -> list[str]:
    """A section's pieces of HTML; what can't be drawn becomes a line that says why, once for each reason."""
    from bitline.cli.report.markup import absent

    pieces: list[str] = []
    for block in section.blocks:
        try:
            piece = block(run)
        except AbsentError as reason:
            piece = absent(str(reason))
        if piece and piece not in pieces:
            pieces.append(piece)
    return pieces
