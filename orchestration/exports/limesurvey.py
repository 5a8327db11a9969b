"""Which way of exporting from LimeSurvey a table is, and which of them can't be used.

Belongs here: headings and answers as LimeSurvey writes them. Doesn't: rows and columns (headers).

Its headings are codes (`Q[SQ001]`, or `Q_SQ001`), whole or shortened question texts, or codes with
texts; its answers are codes or whole texts. Texts as headings repeat and come in the language of
who exports. Under whole texts as answers, a question that was never shown reads `No` or `N/A`.
"""

import re
from collections.abc import Sequence

from orchestration.exports.faults import ExportFault

CODES = frozenset(("id", "submitdate", "startlanguage"))
"""Headings that an export of codes has, and no survey tool else."""

_ENGLISH = frozenset(("response id", "date submitted", "start language"))
_NUMBER = re.compile("[0-9]+")
_TIME = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{5,8}")
# A language may be any of a hundred: these are the ones that a form of ours has been seen in, or
# may well be. `ya` is none.
_LANGUAGE = re.compile(
    "(id|en|ms|jv|su|nl|de|fr|es|it|pt|ru|ar|hi|ja|ko|th|vi|tr|zh)(-[A-Za-z-]+)?"
)
_PLACE = re.compile("[0-9]+X[0-9]+X[0-9]+.*")
_NEVER_SHOWN = "N/A"
_WORDS = frozenset(("yes", "no", "ya", "tidak", "oui", "non", "ja", "nein", "nee"))
_SHOWN = 50


def refuse_texts(headings: Sequence[str], records: Sequence[Sequence[str]]) -> None:
    """Raise ExportFault for an export of LimeSurvey whose headings or answers are whole texts.

    `records`: the first few. What is not of LimeSurvey passes.
    """
    names = [" ".join(name.split()).lower() for name in headings]
    if not set(names) >= CODES:
        if set(names) >= _ENGLISH or (
            records
            and names
            and not names[0].isidentifier()
            and all(map(_is_record, records[:_SHOWN]))
        ):
            raise ExportFault("limesurvey_headings")
        return
    columns = list(zip(*(record for record in records if len(record) == len(names)), strict=True))
    answers = [
        [cell.strip() for cell in column if cell.strip()]
        for name, column in zip(names, columns, strict=False)
        if name not in CODES
    ]
    hidden = sum(2 * column.count(_NEVER_SHOWN) > len(column) for column in answers)
    in_words = sum(
        bool(column) and {cell.lower() for cell in column} <= _WORDS for column in answers
    )
    # Either alone may be typed, or a survey's own codes.
    if hidden and in_words:
        raise ExportFault("limesurvey_answers", hidden=hidden, words=in_words)


def names_of_vv(texts: Sequence[str], codes: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the names of a VV's columns, and the others that they might bear."""
    pairs = [
        (text, code) if _PLACE.fullmatch(code) else (code, text)
        for text, code in zip(texts, codes, strict=True)
    ]
    return [name for name, _ in pairs], [other for _, other in pairs]


def _is_record(record: Sequence[str]) -> bool:
    """Whether it begins as LimeSurvey's do: number, time or none, last page or none, language."""
    if len(record) < 4:
        return False
    number, submitted, page, language = (cell.strip() for cell in record[:4])
    return bool(
        _NUMBER.fullmatch(number)
        and (not submitted or _TIME.fullmatch(submitted))
        and (not page or _NUMBER.fullmatch(page))
        and _LANGUAGE.fullmatch(language)
    )
