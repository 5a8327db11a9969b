"""The seeds a pull needs before dbt loads them: where exports come from, how to read them.

Belongs here: rows of survey_sources.csv, export_profiles.csv and export_columns.csv as values.
Doesn't: whether the seeds agree with each other (expectations/seeds.py), opening an export.
"""

import codecs
from dataclasses import dataclass
from pathlib import Path

from orchestration.exports.faults import URL_WITH_SECRET
from orchestration.exports.headers import fold, heading_key
from orchestration.exports.place_urls import holds_secret, in_small_scheme, public_name
from orchestration.seeds.seed_tables import SeedFileError, read_seed

STAFF_FRAME_COLUMNS = frozenset(
    ("unit_id", "recipient_category_id", "role_id", "staff_count", "gender")
)
LANDING = "landing"
SERVER_KINDS = ("limesurvey", "kobo", "odk")
_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


class SeedError(ValueError):
    """A seed can't be used; the sentence names file, row and remedy."""


@dataclass(frozen=True)
class Source:
    """A row of survey_sources.csv."""

    cycle_id: str
    profile_id: str
    location: str
    kind: str = LANDING
    fresh_within_days: int | None = None
    """How old its newest answers may be while the cycle is open; None: that is nobody's concern."""

    @property
    def address(self) -> str:
        """What the registry and people call it: `limesurvey:265831`; of files, their location.

        Of files on the web it is a name that leads nowhere (place_urls.public_name).
        """
        is_landing = self.kind == LANDING
        return public_name(self.location) if is_landing else f"{self.kind}:{self.location}"


@dataclass(frozen=True)
class ReaderSettings:
    """What export_profiles.csv prescribes; None = told by content."""

    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    headings: frozenset[str] = frozenset()
    """What export_columns.csv names (headers.heading_key): where they stand is the header."""


def read_sources(seeds_dir: Path) -> tuple[Source, ...]:
    """Return the sources of all cycles, in the seed's order.

    Those of kind `landing` are files, the others surveys on a server (orchestration/exports/apis).
    Raises SeedError where the seed is missing, lacks a column, leaves a cell empty or holds a
    password.
    """
    sources = []
    path = seeds_dir / "survey_sources.csv"
    columns = ("cycle_id", "profile_id", "kind", "location")
    for number, row in enumerate(_rows(path, columns), start=2):
        empty = [column for column in columns if not row[column]]
        if empty:
            raise SeedError(
                f"{path}, baris / row {number}: '{empty[0]}' kosong; isilah. / "
                "is empty. Fill it in."
            )
        place = f"{path}, baris / row {number}"
        if holds_secret(row["location"]):
            text = URL_WITH_SECRET.remedy_first()
            raise SeedError(f"{place}: {text.id} / {text.en}")
        days = row.get("fresh_within_days", "")
        if days and not (days.isdecimal() and int(days)):
            raise SeedError(
                f"{place}: fresh_within_days '{days}'; tulis banyaknya hari, 1 atau lebih. / Write "
                "a number of days, 1 or more."
            )
        sources.append(
            Source(
                row["cycle_id"],
                row["profile_id"],
                in_small_scheme(row["location"]),
                row["kind"],
                int(days) if days else None,
            )
        )
    return tuple(sources)


def read_reader_settings(seeds_dir: Path) -> dict[str, ReaderSettings]:
    """Return delimiter, encoding, sheet and known headings by profile_id, as the seeds have them.

    That of a staff frame, which has no profile, stands under ''.
    Raises SeedError for an encoding Python doesn't know or a delimiter that is no single character.
    """
    path = seeds_dir / "export_profiles.csv"
    headings = _read_headings(seeds_dir)
    settings = {"": ReaderSettings(headings=STAFF_FRAME_COLUMNS)}
    for number, row in enumerate(_rows(path, ("profile_id",)), start=2):
        place = f"{path}, row {number} ({row['profile_id']})"
        settings[row["profile_id"]] = ReaderSettings(
            delimiter=_delimiter(row.get("delimiter", ""), place),
            encoding=_encoding(row.get("encoding", ""), place),
            sheet=row.get("sheet") or None,
            headings=frozenset(headings.get(row["profile_id"], ())),
        )
    return settings


def _read_headings(seeds_dir: Path) -> dict[str, set[str]]:
    """Return the headings of export_columns.csv by profile_id; none where nothing is mapped yet."""
    path = seeds_dir / "export_columns.csv"
    headings: dict[str, set[str]] = {}
    for row in _rows(path, ("profile_id", "source_column")) if path.exists() else ():
        headings.setdefault(row["profile_id"], set()).add(heading_key(row["source_column"]))
    return headings


def read_identifier_kinds(seeds_dir: Path) -> dict[str, str]:
    """Return identifier_kind by profile_id, '' where export_profiles.csv doesn't say."""
    rows = _rows(seeds_dir / "export_profiles.csv", ("profile_id",))
    return {row["profile_id"]: row.get("identifier_kind", "") for row in rows}


def read_surveyed_headings(seeds_dir: Path) -> dict[str, frozenset[str]]:
    """Return by profile_id the folded headings of answers and attributes in export_columns.csv.

    The other columns may tell who somebody is: identifiers, and what no seed knows or wants. Raises
    SeedError where the seed is missing or lacks a column.
    """
    surveyed: dict[str, set[str]] = {}
    columns = ("profile_id", "source_column", "target_kind", "target")
    for row in _rows(seeds_dir / "export_columns.csv", columns):
        if row["target_kind"] != "ignore" and row["target"] != "respondent_identifier":
            surveyed.setdefault(row["profile_id"], set()).add(fold(row["source_column"]))
    return {profile_id: frozenset(headings) for profile_id, headings in surveyed.items()}


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    if not path.exists():
        raise SeedError(
            f"{path} tidak ada; arahkan ILK_SEEDS_DIR ke folder yang memuatnya. / is missing. "
            "Set ILK_SEEDS_DIR to a folder that holds it."
        )
    try:
        table = read_seed(path)
    except SeedFileError as error:
        raise SeedError(str(error)) from error
    lacking = [column for column in columns if column not in table.header]
    if lacking:
        raise SeedError(
            f"{path} tidak berkolom / has no column '{lacking[0]}'; yang ada / it has: "
            f"{', '.join(table.header)}."
        )
    # A delimiter may be a tab: only the other cells lose their surrounding blanks.
    return [
        {key: value if key == "delimiter" else value.strip() for key, value in row.items()}
        for row in table.records()
    ]


def _delimiter(text: str, place: str) -> str | None:
    delimiter = _DELIMITERS.get(text.strip().lower(), text)
    if not delimiter:
        return None
    if (
        len(delimiter) != 1
        or not delimiter.isascii()
        or delimiter.isalnum()
        or delimiter in '"\r\n'
    ):
        raise SeedError(
            f"{place}: delimiter '{text}' bukan salah satu dari , ; | tab; betulkan. / "
            "is none of , ; | tab. Correct it."
        )
    return delimiter


def _encoding(text: str, place: str) -> str | None:
    if not text:
        return None
    try:
        return codecs.lookup(text).name
    except LookupError:
        raise SeedError(
            f"{place}: encoding '{text}' tidak dikenal / is unknown. Pakai utf-8, utf-16, cp1252, "
            "atau nama lain yang dikenal Python, atau kosongkan agar dikenali dari isinya. / Use "
            "utf-8, utf-16, cp1252 or another name that Python knows, or leave it empty to have it "
            "told by content."
        ) from None
