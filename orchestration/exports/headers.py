"""Header rows told by content, and the column names that the raw Parquet bears.

Belongs here: where a table's header stands, how many rows it takes, its names, tables that hold no
respondents. Doesn't: what a column means (export_columns.csv maps it), how records are read.

The header stands in the row that holds most of the headings that the profile knows, else in the
first with anything on it: titles may stand above it. One header row is the rule. The others, told
by what stands in them:

* Qualtrics: three rows (tags, texts, `{"ImportId": ...}`), before 2017 two (`V1`, `V2`, ... and
  texts), as a workbook two (tags and texts, of which some are the tags again). The names are the
  tags, or a column's ImportId where that is what the profile knows.
* LimeSurvey VV: two rows (texts, then codes with `id`, `submitdate`, `startlanguage`). The names
  are the codes, but a text where the code is a place (`82556X3X15`) that another copy of the survey
  has not; or of both what the profile knows.
* SurveyMonkey: two rows. A question stands over the first cell of its block, each cell's choice
  below it: the name is `question: choice`, or `question` alone over `Response` and the like.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from orchestration.exports import limesurvey
from orchestration.exports.faults import ExportFault
from orchestration.exports.sniffing import DELIMITERS, nested_widths, sample_rows

LANDING_COLUMNS = ("_file_sha256", "_source_row", "_profile_id", "_pulled_at")
"""The landing's own columns: an export's column of such a name is renamed, not they."""

BLANKS = " \u00a0\t\n\r"
"""What cells are trimmed of (macro `trim_blanks`)."""

WHITE_SPACE = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""Unicode's, and what has no width: the blank U+200B, the byte order mark U+FEFF."""

_QUALTRICS_IDS = {
    *("startdate", "enddate", "recordeddate", "responseid", "finished", "progress", "ipaddress"),
    *("distributionchannel", "userlanguage", "responseset"),
}
_NO_CHOICE = {"", "response", "open-ended response"}
_IMPORT_ID = re.compile(r"""\{\s*["']ImportId["']\s*:\s*["']([^"']+)["']""")
MAX_COLUMNS = 10_000
"""More than any survey has: of a file whose line ends are lost, all is one header."""

_MIN_KNOWN = 2
"""One cell that is a heading may be chance."""

_SHARE = re.compile(r"\s*\d+([.,]\d+)?\s*%\s*")


@dataclass(frozen=True)
class Header:
    """The column names in the file's order, and where they stand."""

    names: tuple[str, ...]
    rows: int
    """The last row of the header, titles above it counted: records follow."""
    width: int
    """Cells of a record: one more than names where each record ends with a delimiter."""
    has_other_names: bool = False
    """Whether its columns would bear other names if the profile knew other headings."""
    texts: tuple[str, ...] = ()
    """What is asked in each column, '' where it isn't told; none where no column tells."""

    @property
    def folded_names(self) -> tuple[str, ...]:
        """The names with every run of white space as one blank, trimmed."""
        return tuple(fold(name) for name in self.names)


def tell_delimiter(sample: str, known: Set[str], *, is_whole: bool) -> str:
    """Return the delimiter under which the sample holds most of the headings that are known.

    Where they don't tell: the one under which its records agree best with a wide header. Each
    scores the header's width times the share of records as wide as it. `is_whole`: the sample is
    the whole file, so its last record is not cut by sampling.
    """

    def score(delimiter: str) -> tuple[int, float]:
        rows = sample_rows(sample, delimiter, is_whole=is_whole)
        start, headings = find_header(rows, known)
        header, *records = list(filter(None, rows[start:])) or [[]]
        width = len(header)
        if width < 2 or not records:
            return headings, float(width)
        agreeing = sum(_fits(record, header) for record in records)
        return headings, width * (0.01 + agreeing / len(records))

    return max(DELIMITERS, key=score)


def find_header(rows: Sequence[Sequence[str]], known: Set[str]) -> tuple[int, int]:
    """Return the place of the row that holds most known headings, and how many it holds.

    The first row with anything on it, and 0, where they tell nothing. `known`: as `heading_key`.
    """
    first = next((place for place, row in enumerate(rows) if not is_blank(row)), 0)
    counts = [len(known & set(map(heading_key, row))) for row in rows] if known else []
    most = max(counts, default=0)
    if most < min(_MIN_KNOWN, len(known)) or most == 0:
        return first, 0
    return counts.index(most), most


def tell_header(rows: Sequence[Sequence[str]], known: Set[str] = frozenset()) -> Header:
    """Return the header of a table from its first rows, with `[]` for those with nothing on them.

    Raises ExportFault for a table that can't hold responses: no record at all, whole records in
    single cells, a summary of shares, more columns than a survey has, records above the header.
    """
    start, _ = find_header(rows, known)
    if start and _is_vv(rows[start - 1], rows[start]):
        start -= 1
    records = [row for row in rows[start:] if not is_blank(row)]
    if not records:
        raise ExportFault("empty_file")
    first = records[0]
    if len(first) > MAX_COLUMNS:
        raise ExportFault("too_many_columns", found=len(first), limit=MAX_COLUMNS)
    # With delimiters inside, another one may have been told, under which all is one cell.
    are_quoted = all(re.fullmatch("'.*'", cell.strip(), re.S) for cell in first)
    if are_quoted and (len(first) > 1 or re.search("'[,;|\t]'", first[0])):
        raise ExportFault("apostrophes")
    if _are_nested(records[:3]):
        raise ExportFault("nested", row=start + 1)
    if any(2 * sum(map(bool, map(fold, row))) >= len(first) > 2 for row in rows[:start]):
        raise ExportFault("header_below", row=start + 1)
    if is_repeat_table(first):
        raise ExportFault("repeat_table")
    if _is_summary(records):
        raise ExportFault("summary_table")
    names, count, others = _names(first, rows[start + 1 : start + 3])
    if count == 1:
        limesurvey.refuse_texts(first, [row for row in rows[start + 1 :] if not is_blank(row)])
    is_block = names is not first and not others
    if others:
        names = known_names(names, others, known)
    width = len(first)
    below = [row for row in rows[start + count :] if not is_blank(row)]
    if below and all(_ends_in_delimiter(row, width) for row in below):
        width += 1
    elif below and not fold(first[-1]) and all(len(row) == width - 1 for row in below):
        width -= 1
    texts: Sequence[str] = ()
    if count > 1 and not is_block:
        texts = first if _is_vv(first, rows[start + 1]) else rows[start + 1]
    return Header(
        names=unique_names(names)[:width],
        rows=start + count,
        width=width,
        has_other_names=bool(others),
        texts=tuple(texts),
    )


def known_names(names: Sequence[str], others: Sequence[str], known: Set[str]) -> list[str]:
    """Return a column's other name in place of the first, where that alone is known."""
    return [
        other if heading_key(name) not in known and heading_key(other) in known else name
        for name, other in zip(names, others, strict=True)
    ]


def _names(
    first: Sequence[str], below: Sequence[Sequence[str]]
) -> tuple[Sequence[str], int, Sequence[str]]:
    """Return the names that stand in a header, its number of rows, and other names that it has."""
    second, third = [*(row if len(row) == len(first) else () for row in below), (), ()][:2]
    for count, row in enumerate((second, third), start=2):
        found = [_IMPORT_ID.match(cell.strip()) for cell in row]
        if any(found):
            return first, count, [match[1] if match else "" for match in found]
    if tuple(first[:3]) == ("V1", "V2", "V3") and second and _squash(second[0]) == "responseid":
        return first, 2, ()
    if _is_vv(first, second):
        names, others = limesurvey.names_of_vv(first, second)
        return names, 2, others
    if second and _squash(first[0]) == "respondentid" and not second[0].strip() and any(second):
        return _block_names(first, second), 2, ()
    own = [_squash(name) for name in first]
    told = sum(_squash(cell) == name for cell, name in zip(second, own, strict=False)
               if name in _QUALTRICS_IDS)  # fmt: skip
    return first, 2 if told > 1 else 1, ()


def _is_vv(texts: Sequence[str], codes: Sequence[str]) -> bool:
    is_first, is_second = (set(row) >= limesurvey.CODES for row in (texts, codes))
    return len(texts) == len(codes) and is_second and not is_first


def unique_names(header: Iterable[str]) -> tuple[str, ...]:
    """Return the names verbatim, but no two alike to DuckDB and none blank.

    A name that repeats, compared without regard to case, gets ` [2]`, ` [3]`, ...; a blank one
    becomes `column N`, N being its place.
    """
    taken = {name.lower() for name in LANDING_COLUMNS}
    last: dict[str, int] = {}  # by name: a header of 40,000 equal ones takes no longer than another
    names = []
    for place, cell in enumerate(header, start=1):
        base = cell if fold(cell) else f"column {place}"
        count = last.get(base.lower(), 1)
        name = base if count == 1 else f"{base} [{count}]"
        while name.lower() in taken:
            count += 1
            name = f"{base} [{count}]"
        taken.add(name.lower())
        last[base.lower()] = count
        names.append(name)
    return tuple(names)


def fold(text: str) -> str:
    """Return `text` trimmed, every run of white space as one blank; zero-width blanks are such.

    A letter and its accent that stand apart become one character. The warehouse does the same to
    the headings of export_columns.csv (macro `fold_blanks`).
    """
    return re.sub(f"[{WHITE_SPACE}]+", " ", unicodedata.normalize("NFC", text)).strip(" ")


def heading_key(text: str) -> str:
    """Return what two spellings of a heading share when a header is looked for."""
    return fold(text).casefold()


def is_repeat_table(headings: Sequence[str]) -> bool:
    """Whether its rows are those of a repeat group (KoboToolbox, ODK Central), not respondents."""
    names = set(map(heading_key, headings))
    return "_parent_index" in names or {"parent_key", "key"} <= names


def is_blank(row: Sequence[str]) -> bool:
    """Whether no cell of a row holds anything."""
    return not any(map(fold, row))


def _fits(record: Sequence[str], header: Sequence[str]) -> bool:
    width = len(header)
    return (
        len(record) == width
        or _ends_in_delimiter(record, width)
        or _ends_in_delimiter(header, len(record))
    )


def _ends_in_delimiter(row: Sequence[str], width: int) -> bool:
    return len(row) == width + 1 and not fold(row[-1])


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
