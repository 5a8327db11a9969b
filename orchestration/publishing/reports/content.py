"""What a report is made of, before it is a PDF (pdf.py) or a DOCX (word.py): both say the same.

Belongs here: the kinds of blocks. Doesn't: what stands in them (sections.py), their look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Text:
    """A paragraph; a `note` says what a reader must know of the figures beside it."""

    text: str
    is_note: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, its share of the width, whether it holds numbers."""

    heading: str
    share: int = 1
    is_number: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of words under a heading each; `is_plan`: empty cells are to be written in by hand."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    is_plan: bool = False


@dataclass(frozen=True)
class Chart:
    """A picture, and in `told` what it shows for those who can't see it."""

    caption: str
    svg: str
    told: str


Block = Text | Table | Chart


@dataclass(frozen=True)
class Section:
    """A heading with its blocks. Level 1 is numbered (or lettered, in annexes) by its `title`."""

    title: str
    blocks: Sequence[Block]
    level: Literal[1, 2] = 1


@dataclass(frozen=True)
class Report:
    """A report whole. `facts` stand on its first page: what each is called, and what it is."""

    language: str
    title: str
    subject: str
    period: str
    source: str
    facts: Sequence[tuple[str, str]]
    sections: Sequence[Section]


@dataclass(frozen=True)
class Poster:
    """A page for the wall. `figure` is None where it is not shown: `why` then says so.

    `code` is the QR code of the subject's page as SVG, None where no site's address is known.
    """

    language: str
    title: str
    subject: str
    period: str
    source: str
    figure: str | None
    interval_title: str
    interval: str
    band: str
    doubt: str
    why: str
    facts: Sequence[tuple[str, str]]
    strengths: Sequence[tuple[str, str]]
    weaknesses: Sequence[tuple[str, str]]
    strengths_title: str
    weaknesses_title: str
    code: str | None
    address: str
    code_title: str
