"""Reports and posters of a publication, for people who read paper: PDF and DOCX (build.py).

Belongs here: what stands in a report (sections.py, annexes.py, poster.py), and how it becomes a
file (pdf.py with templates/, word.py). Doesn't: figures, charts, words (reading/): texts are edited
there, in `[report]` of languages/*.toml; the look of a PDF in templates/*.typ.
"""


class ReportError(ValueError):
    """A report can't be made; its sentence says why, in both languages."""
