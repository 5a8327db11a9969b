"""Header rows told by content, and the column names that the raw Parquet bears.

Belongs here: how many header rows a table has, its names, tables that hold no respondents. Doesn't:
what a column means (export_columns.csv maps it), how records are read.

One header row is the rule. The others, told by what stands in them:

* Qualtrics: three rows (ids, texts, `{"ImportId": ...}`), before 2017 two (`V1`, `V2`, ... and
  texts). The names are the first row's.
* LimeSurvey VV: two rows (texts, then codes with `id`, `submitdate`, `startlanguage`). The names
  are the first row's.
* SurveyMonkey: two rows. A question stands over the first cell of its block, each cell's choice
  below it: the name is `question: choice`, or `question` alone over `Response` and the like.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestration.exports.faults import ExportFault
from orchestration.exports.sniffing import nested_widths

LANDING_COLUMNS = ("_file_sha256", "_source_row", "_profile_id", "_pulled_at")
"""The landing's own columns: an export's column of such a name is renamed, not they."""

WHITE_SPACE = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""Unicode's, and what has no width: the blank U+200B, the byte order mark U+FEFF."""

_VV_CODES = {"id", "submitdate", "startlanguage"}
_NO_CHOICE = {"", "response", "open-ended response"}
_SHARE = re.compile(r"\s*\d+([.,]\d+)?\s*%\s*")


@dataclass(frozen=True)
class Header:
    """The column names in the file's order, and how many rows they took."""

    names: tuple[str, ...]
    rows: int

    @property
    def folded_names(self) -> tuple[str, ...]:
        """The names with every run of white space as one blank, trimmed."""
        return tuple(fold(name) for name in self.names)


def tell_header(records: Sequence[Sequence[str]]) -> Header:
    """Return the header of a table from its first records (the header's own included).

    Raises ExportFault for a table that can't hold responses: no record at all, whole records in
    single cells, a summary of shares.
    """
    if not records:
        raise ExportFault("empty_file")
    first = records[0]
    second = records[1] if len(records) > 1 and len(records[1]) == len(first) else ()
    third = records[2] if len(records) > 2 and len(records[2]) == len(first) else ()
    if _are_nested(records[:3]):
        raise ExportFault("nested", place=("header row", 1))
    if _is_summary(records):
        raise ExportFault("summary_table")
    if any('"ImportId"' in cell for cell in third):
        return Header(unique_names(first), 3)
    if tuple(first[:3]) == ("V1", "V2", "V3") and second and _squash(second[0]) == "responseid":
        return Header(unique_names(first), 2)
    if set(second) >= _VV_CODES and not set(first) >= _VV_CODES:
        return Header(unique_names(first), 2)
    if second and _squash(first[0]) == "respondentid" and not second[0].strip() and any(second):
        return Header(unique_names(_block_names(first, second)), 2)
    return Header(unique_names(first), 1)


def unique_names(header: Iterable[str]) -> tuple[str, ...]:
    """Return the names verbatim, but no two alike to DuckDB and none blank.

    A name that repeats, compared without regard to case, gets ` [2]`, ` [3]`, ...; a blank one
    becomes `column N`, N being its place.
    """
    taken = {name.lower() for name in LANDING_COLUMNS}
    names = []
    for place, cell in enumerate(header, start=1):
        base = cell if fold(cell) else f"column {place}"
        name, count = base, 1
        while name.lower() in taken:
            count += 1
            name = f"{base} [{count}]"
        taken.add(name.lower())
        names.append(name)
    return tuple(names)


def fold(text: str) -> str:
    """Return `text` trimmed, every run of white space as one blank; zero-width blanks are such.

    The warehouse does the same to the headings of export_columns.csv (macro `fold_blanks`).
    """
    return re.sub(f"[{WHITE_SPACE}]+", " ", text).strip(" ")


def _block_names(questions: Sequence[str], choices: Sequence[str]) -> list[str]:
    names = []
    question = ""
    for cell, choice in zip(questions, choices, strict=True):
        question = cell if cell.strip() else question
        names.append(question if fold(choice).lower() in _NO_CHOICE else f"{question}: {choice}")
    return names


def _are_nested(records: Sequence[Sequence[str]]) -> bool:
    """Whether each record's only filled cell holds a record, all of one width."""
    widths = [set(nested_widths(record).items()) for record in records]
    return bool(set.intersection(*widths))


def _is_summary(records: Sequence[Sequence[str]]) -> bool:
    """At least half percentages, and no first column that names a respondent in every row."""
    data = records[1:]
    figures = [cell for record in data for cell in record[1:] if cell.strip()]
    shares = sum(_SHARE.fullmatch(cell) is not None for cell in figures)
    blank_first = sum(not record[0].strip() for record in data)
    return 2 * shares >= len(figures) > 0 and 2 * blank_first >= len(data)


def _squash(cell: str) -> str:
    return re.sub(r"[\s_]+", "", cell).lower()
