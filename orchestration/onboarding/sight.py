"""What the loader sees in one file, read whole by the readers of a pull, nothing of it kept.

Belongs here: reading into a folder that is removed, figures and examples of columns, hiding what
may tell who somebody is. Doesn't: what a column means (meanings.py), sentences (inspection.py).
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import duckdb

from expectations.one_export import SCIENTIFIC
from orchestration.engine_macros import EngineMacros
from orchestration.exports.archives import open_archive
from orchestration.exports.faults import ExportFault
from orchestration.exports.headers import fold
from orchestration.exports.reading import Reading, read_export
from orchestration.exports.seed_files import ReaderSettings
from orchestration.exports.sniffing import is_archive
from orchestration.exports.store import StoredBytes
from orchestration.sql_text import as_name
from orchestration.words import FaultText

HIDDEN = "[...]"
_EXAMPLES = 3
_PERSONAL = re.compile(
    r"\b(e-?mail|surel|username|nip|nik|nrp|no\.? ?(hp|telp|wa)|nomor (hp|telepon|wa)|telepon|"
    r"phone|whatsapp|token|ip ?addr(ess)?|alamat ip|password|latitude|longitude)\b|"
    r"^(nama|name|nama (lengkap|anda|responden|pegawai)|(full|first|last|your) name|pengguna|"
    r"recipient ?(last|first) ?name|external ?reference|ipaddr|respondent|_submitted_by|username)$",
    re.IGNORECASE,
)
"""Headings whose cells tell who somebody is: no example is shown, whatever it looks like."""

_IP_ADDRESS = r"[0-9]{1,3}([.][0-9]{1,3}){3}"
_ERROR = r"#(NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|N/A|ERROR!?|SPILL!|CALC!)"
_MOJIBAKE = r"Ã[\x{0080}-\x{00BF}]|â€|Â[\x{0080}-\x{00BF}]|\x{FFFD}"


@dataclass(frozen=True)
class Column:
    """A column's figures. Rows are a spreadsheet's (header = 1), 0 where there is none."""

    name: str
    """As the raw zone and export_columns.csv name it."""
    text: str
    """What is asked in it, '' where the file does not say (Qualtrics, VV, SPSS do)."""
    place: int
    filled_count: int
    distinct_count: int
    examples: tuple[str, ...]
    """The most frequent values, each once, with nothing in them that may tell who somebody is."""
    personal_count: int
    """Cells that hold what looks like an identifier or an e-mail address."""
    cut_row: int
    """The first cell that a spreadsheet wrote as 1.1E+11."""
    error_row: int
    mojibake_row: int

    @property
    def is_personal(self) -> bool:
        """Whether its cells are hidden whole, by its heading or since half of them must be."""
        told = (fold(told).replace("_", " ") for told in (self.name, self.text))
        is_told = any(_PERSONAL.search(each) for each in told)
        return is_told or 2 * self.personal_count > self.filled_count > 0


@dataclass(frozen=True)
class Value:
    """A value of a column: trimmed, as most write it, and how many cells hold it."""

    text: str
    count: int
    is_personal: bool


class Sight:
    """A file that was read; its rows are there until the block of `look_at` ends."""

    def __init__(self, path: Path, reading: Reading, parquet: Path) -> None:
        """`parquet` is what the loader would keep of the file at `path`."""
        self.path = path
        self.reading = reading
        self._rows = duckdb.read_parquet(str(parquet))
        self._parquet = str(parquet)
        self._macros = EngineMacros()
        self._connection = duckdb.connect()
        header = reading.header
        texts = header.texts or ("",) * len(header.names)
        self.columns = tuple(
            self._column(place, name, text)
            for place, (name, text) in enumerate(zip(header.names, texts, strict=True), start=1)
        )

    def values(self, column: str, *, limit: int) -> list[Value]:
        """Return a column's values by how often they occur, `limit` of them at most."""
        cell = self._macros.trim_blanks(as_name(column))
        rows = self._connection.execute(
            f"select mode(cell), count(*), {self._holds('mode(cell)')} from"
            f" (select {cell} as cell from read_parquet(?)) where cell <> ''"
            f" group by {self._macros.fold_value('cell')}"
            f" order by count(*) desc, min(cell) limit {limit}",
            [self._parquet],
        ).fetchall()
        return [
            Value(str(text), int(count), bool(is_personal)) for text, count, is_personal in rows
        ]

    def masked(self, text: str) -> str:
        """Return the text without what may tell who somebody is, cut to 100 characters."""
        sql = f"select {self._mask('$text')}"
        return str(self._connection.execute(sql, {"text": text}).fetchall()[0][0])

    def close(self) -> None:
        """Let go of the rows."""
        self._connection.close()

    def _column(self, place: int, name: str, text: str) -> Column:
        cell = self._macros.trim_blanks(as_name(name))
        [(filled, distinct, personal, cut, error, mojibake)] = self._connection.execute(
            f"""
            select
                count(*), count(distinct cell), count(*) filter ({self._holds("cell")}),
                min(row) filter ({SCIENTIFIC.format("cell")}),
                min(row) filter (regexp_full_match(cell, ?)),
                min(row) filter (regexp_matches(cell, ?)),
            from (select {cell} as cell, _source_row as row from read_parquet(?)) where cell <> ''
            """,
            [_ERROR, _MOJIBAKE, self._parquet],
        ).fetchall()
        found = Column(
            name, text, place, filled, distinct, (), personal, cut or 0, error or 0, mojibake or 0
        )
        if found.is_personal:
            return _with_examples(found, (HIDDEN,) if filled else ())
        rows = self._connection.execute(
            f"select {self._mask('min(cell)')} from (select {cell} as cell from read_parquet(?))"
            f" where cell <> '' group by cell order by count(*) desc, min(cell) limit {_EXAMPLES}",
            [self._parquet],
        ).fetchall()
        return _with_examples(found, tuple(dict.fromkeys(fold(str(text)) for (text,) in rows)))

    def _holds(self, text: str) -> str:
        return f"({self._macros.holds_identifier(text)} or regexp_matches({text}, '{_IP_ADDRESS}'))"

    def _mask(self, text: str) -> str:
        masked = self._macros.without_identifiers(text)
        return f"regexp_replace({masked}, '{_IP_ADDRESS}', '{HIDDEN}', 'g')"


def _with_examples(column: Column, examples: tuple[str, ...]) -> Column:
    return replace(column, examples=examples)


@contextmanager
def look_at(path: Path, settings: ReaderSettings) -> Iterator[Sight]:
    """Read the file as a pull would. Raises ExportFault where a pull would refuse it.

    Of an archive the one export in it is read. What is read lies in a private folder of the
    system's, removed when the block ends.
    """
    with tempfile.TemporaryDirectory(prefix="ilk-look-") as folder:
        parquet = Path(folder) / "rows.parquet"
        export = _only_member(path, Path(folder)) or path
        sha256 = hashlib.sha256(str(path).encode()).hexdigest()  # names nothing here
        stored = StoredBytes(path=export, sha256=sha256, size=export.stat().st_size)
        try:
            reading = _read(stored, parquet, settings)
        except ExportFault as fault:
            if fault.code != "header_below":
                raise
            # Texts of questions that are known stand below the codes that are the header.
            reading = _read(stored, parquet, replace(settings, headings=frozenset()))
            if not reading.header.texts:
                raise
        sight = Sight(path, reading, parquet)
        try:
            yield sight
        finally:
            sight.close()


@dataclass(frozen=True)
class Member:
    """What a pull would make of a file in an archive."""

    name: str
    record_count: int | None = None
    """None of one that is refused, and of the only one, which isn't read here."""
    fault: ExportFault | None = None


def members_of(path: Path, settings: ReaderSettings) -> tuple[list[Member], FaultText | None]:
    """Read an archive's files as a pull would; return them, and what is passed over, in words.

    Raises ExportFault where a pull refuses the archive as a whole.
    """
    found: list[Member] = []
    first: dict[str, str] = {}
    with open_archive(path) as archive, tempfile.TemporaryDirectory(prefix="ilk-look-") as folder:
        unpacked = Path(folder) / "member"
        found += [Member(name, fault=fault) for name, fault in archive.refused]
        if len(archive.members) == 1:
            return [*found, Member(archive.members[0])], archive.note
        for name in archive.members:
            try:
                with archive.member(name) as member, unpacked.open("wb") as file:
                    shutil.copyfileobj(member, file)
                with unpacked.open("rb") as file:
                    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                if sha256 in first:
                    raise ExportFault("copy", original=f"{path.name}/{first[sha256]}")
                stored = StoredBytes(path=unpacked, sha256=sha256, size=unpacked.stat().st_size)
                reading = _read(stored, Path(folder) / "rows.parquet", settings)
            except ExportFault as fault:
                found.append(Member(name, fault=fault))
            else:
                first[sha256] = name
                found.append(Member(name, reading.record_count))
        return found, archive.note


def _read(stored: StoredBytes, parquet: Path, settings: ReaderSettings) -> Reading:
    now = datetime.now(UTC).replace(tzinfo=None)
    return read_export(stored, parquet, settings=settings, profile_id="", pulled_at=now)


def _only_member(path: Path, folder: Path) -> Path | None:
    """Unpack the one export of an archive; None for what is none, or holds others to choose from.

    The bytes lie in `folder` under a name of ours: a member's own name leads nowhere.
    """
    if not is_archive(path):
        return None
    with open_archive(path) as archive:
        if len(archive.members) != 1:
            return None  # the reader refuses it and names what is in it
        [name] = archive.members
        unpacked = folder / f"member{PurePosixPath(name).suffix}"
        with archive.member(name) as member, unpacked.open("wb") as file:
            shutil.copyfileobj(member, file)
        return unpacked
