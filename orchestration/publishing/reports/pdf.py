"""A report or poster as PDF, through typst and the templates beside this file.

Belongs here: handing content to a template, pictures of charts. Doesn't: content, the look.

The same content gives the same bytes: the time in the file is the publication's, the letters are
those inside typst, and neither network nor the machine's fonts are looked at. PDF/UA-1, so that a
screen reader finds headings, tables and the words of each chart.
"""

import dataclasses
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.publishing.reports.content import Chart, Poster, Report, Table, Text

_TEMPLATES = Path(__file__).parent / "templates"
_KINDS = {Text: "text", Table: "table", Chart: "chart"}
_LETTERS = "Libertinus Serif"  # as look.typ; an SVG that asks for others would get any at all
_PICTURE = b"""
#set page(width: auto, height: auto, margin: 4pt)
#image(bytes(sys.inputs.svg), format: "svg", width: 16cm)
"""


class Press:
    """Makes PDFs; one for many reports, since typst keeps its letters and templates loaded."""

    def __init__(self, made_at: datetime) -> None:
        """Load typst and its letters. `made_at`, in UTC, is written into each file."""
        import typst

        nowhere = str(_TEMPLATES)  # packages are never fetched
        self._made_at = made_at
        self._compiler = typst.Compiler(
            root=str(_TEMPLATES),
            font_paths=typst.Fonts(include_system_fonts=False),
            ignore_system_fonts=True,
            package_path=nowhere,
            package_cache_path=nowhere,
        )

    def report(self, report: Report) -> bytes:
        """Return a report as PDF."""
        content = dataclasses.asdict(report)
        content["sections"] = [
            {
                "title": section.title,
                "level": section.level,
                "blocks": [
                    {"kind": _KINDS[type(block)], **_as_drawn(dataclasses.asdict(block))}
                    for block in section.blocks
                ],
            }
            for section in report.sections
        ]
        return self._pdf("report.typ", content)

    def poster(self, poster: Poster) -> bytes:
        """Return a poster as PDF."""
        return self._pdf("poster.typ", dataclasses.asdict(poster))

    def picture(self, chart: Chart) -> bytes:
        """Return a chart as PNG, for documents that take no SVG."""
        drawn = _as_drawn({"svg": chart.svg})
        made = self._compiler.compile(
            _PICTURE, format="png", ppi=200, sys_inputs={"svg": str(drawn["svg"])}
        )
        return _whole(made)

    def _pdf(self, template: str, content: dict[str, Any]) -> bytes:
        made = self._compiler.compile(
            str(_TEMPLATES / template),
            format="pdf",
            sys_inputs={"content": json.dumps(content, ensure_ascii=False)},
            pdf_standards=["ua-1"],
            timestamp=self._made_at,
        )
        return _whole(made)


def _as_drawn(block: dict[str, Any]) -> dict[str, Any]:
    """Return a block whose picture is drawn with the letters that typst has."""
    if "svg" in block:
        block["svg"] = re.sub(r'font-family="[^"]*"', f'font-family="{_LETTERS}"', block["svg"])
    return block


def _whole(made: bytes | list[bytes] | None) -> bytes:
    if not isinstance(made, bytes):
        raise TypeError("typst gave pages one by one, or none")
    return made
