"""Metadata that BPS Regulation 5/2020 asks of a statistical activity, and a codebook in DDI.

`forms.py` says what is asked, `sources.py` reads what is known, `activity.py`, `indicators.py` and
`variables.py` answer, `workbook.py`, `codebook.py` and `command.py` write.
"""


class MetadataError(RuntimeError):
    """The metadata of a cycle can't be written; the message says why, in both languages."""
