"""A report as DOCX, for those who must edit it: real headings, tables with header rows, pictures.

Belongs here: laying content out with python-docx. Doesn't: content, PDF (pdf.py).
"""

import io
import zipfile
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from orchestration.publishing.reports.content import Block, Chart, Report, Table, Text

if TYPE_CHECKING:
    from docx.document import Document
    from docx.styles.style import BaseStyle


def docx_of(report: Report, made_at: datetime, picture: Callable[[Chart], bytes]) -> bytes:
    """Return a report as DOCX. `picture` draws a chart as PNG; `made_at` is the file's time."""
    import docx

    document = docx.Document()
    properties = document.core_properties
    properties.title = f"{report.title}: {report.subject}, {report.period}"
    properties.subject, properties.author = report.source, ""
    properties.language = report.language
    properties.created = properties.modified = made_at.replace(tzinfo=None)
    properties.comments, properties.last_modified_by, properties.revision = "", "", 1
    _set_language(document.styles["Normal"], report.language)
    document.add_paragraph(report.period)
    document.add_heading(f"{report.title}: {report.subject}", level=0)
    facts = document.add_table(rows=0, cols=2, style="Light List Accent 1")
    for name, value in report.facts:
        cells = facts.add_row().cells
        cells[0].text, cells[1].text = name, value
    for section in report.sections:
        document.add_heading(section.title, level=section.level)
        for block in section.blocks:
            _add(document, block, picture)
    document.sections[0].footer.paragraphs[0].text = report.source
    whole = io.BytesIO()
    document.save(whole)
    return _without_times(whole.getvalue(), made_at)


def _add(document: "Document", block: Block, picture: Callable[[Chart], bytes]) -> None:
    from docx.shared import Cm

    if isinstance(block, Text):
        document.add_paragraph(block.text, style="Intense Quote" if block.is_note else None)
        return
    if block.caption:
        document.add_paragraph(block.caption, style="Caption")
    if isinstance(block, Chart):
        shape = document.add_picture(io.BytesIO(picture(block)), width=Cm(15))
        shape._inline.docPr.set("descr", block.told)  # what a screen reader says
        return
    _add_table(document, block)


def _add_table(document: "Document", block: Table) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.shared import Pt

    table = document.add_table(rows=1, cols=len(block.columns), style="Table Grid")
    head = table.rows[0]
    # Repeated on each page, and told to a screen reader as the heading of its columns.
    head._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    rows = [head.cells, *(table.add_row().cells for _ in block.rows)]
    words = [[column.heading for column in block.columns], *block.rows]
    for number, (cells, texts) in enumerate(zip(rows, words, strict=True)):
        for cell, text, column in zip(cells, texts, block.columns, strict=True):
            paragraph = cell.paragraphs[0]
            run = paragraph.add_run(text)
            run.font.size = Pt(9)
            run.bold = number == 0
            if column.is_number:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    document.add_paragraph()


def _set_language(style: "BaseStyle", code: str) -> None:
    """Tell the spelling checker and the screen reader the language."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    language = OxmlElement("w:lang")
    language.set(qn("w:val"), {"id": "id-ID", "en": "en-GB"}.get(code, code))
    style.element.get_or_add_rPr().append(language)


def _without_times(content: bytes, made_at: datetime) -> bytes:
    """Return a DOCX whose parts all bear the same time: a ZIP holds that of its making."""
    stamped = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(stamped, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            info = zipfile.ZipInfo(name, made_at.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, old.read(name))
    return stamped.getvalue()
