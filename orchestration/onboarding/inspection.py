"""`ilk inspect FILE`: what the loader sees in a file before anything is configured, in words.

Belongs here: the file's shape, what maps each column, its first problems. Doesn't: finding out what
a column means (meanings.py), printing (commands.py).
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from orchestration.exports.faults import BROKEN_BYTES, LAST_RESORT
from orchestration.exports.headers import WHITE_SPACE, fold, heading_key
from orchestration.exports.seed_files import ReaderSettings, read_reader_settings
from orchestration.exports.sniffing import is_archive
from orchestration.onboarding.meanings import Meaning, Read, Seeds, read_meanings
from orchestration.onboarding.sight import Column, Member, Sight, look_at, members_of
from orchestration.onboarding.tools import tell_tool
from orchestration.words import FaultText

SHOWN_PROBLEMS = 10
_SHOWN_NAMES = 5
_DELIMITERS = {",": "','", ";": "';'", "\t": "tab", "|": "'|'"}

_PROBLEMS = {
    "no_heading": FaultText(
        "give column {place} a heading in the form: it has none, and is read as '{name}'.",
        "beri judul pada kolom ke-{place} di formulir: judulnya kosong, dan dibaca sebagai "
        "'{name}'.",
    ),
    "twice": FaultText(
        "name the question apart in the form, or map both: the heading stands there more than "
        "once, this one is read as '{name}'.",
        "bedakan pertanyaannya di formulir, atau petakan keduanya: judul ini muncul lebih dari "
        "sekali, yang ini dibaca sebagai '{name}'.",
    ),
    "blank_rows": FaultText(
        "nothing to do: {count} rows without anything in them are left out.",
        "tidak perlu apa-apa: {count} baris tanpa isi dilewati.",
    ),
    "empty": FaultText(
        "ask whether these were exported: {count} columns have no cell filled: {names}.",
        "periksa apakah ikut diekspor: {count} kolom tidak berisi apa pun: {names}.",
    ),
    "cut": FaultText(
        "export again and don't open it with Excel: a number lost its last digits (such as "
        "1.9E+17), the first in row {row}.",
        "ekspor ulang dan jangan buka dengan Excel: ada bilangan yang kehilangan angka terakhirnya "
        "(seperti 1.9E+17), yang pertama di baris {row}.",
    ),
    "error": FaultText(
        "correct the formula, or use the tool's own export: a spreadsheet's error such as #N/A "
        "stands in row {row}.",
        "betulkan rumusnya, atau pakai ekspor asli aplikasinya: ada galat lembar kerja seperti "
        "#N/A di baris {row}.",
    ),
    "mojibake": FaultText(
        "set `encoding` of the profile: letters look wrongly decoded, the first in row {row}.",
        "isi `encoding` profilnya: ada huruf yang tampak salah baca, yang pertama di baris {row}.",
    ),
    "personal": FaultText(
        "map it to respondent_identifier or to ignore: {count} cells look like identifiers, "
        "telephone numbers or e-mail addresses; they are not shown here.",
        "petakan ke respondent_identifier atau ignore: {count} sel tampak seperti pengenal, nomor "
        "telepon, atau alamat e-mail; isinya tidak ditampilkan di sini.",
    ),
    "missing": FaultText(
        "export these too, or correct export_columns.csv: {count} headings that profile "
        "'{profile}' maps are not there: {names}.",
        "ikutkan dalam ekspor, atau betulkan export_columns.csv: {count} judul yang dipetakan "
        "profil '{profile}' tidak ada: {names}.",
    ),
    "unmapped": FaultText(
        "name these in export_columns.csv (ilk profile new drafts it): nothing maps {count} "
        "columns: {names}.",
        "sebutkan di export_columns.csv (ilk profile new membuat drafnya): {count} kolom belum "
        "dipetakan: {names}.",
    ),
}


@dataclass(frozen=True)
class Problem:
    """Where something is odd, and what to do about it."""

    place: str
    text: FaultText


@dataclass(frozen=True)
class Inspection:
    """What `ilk inspect` prints, but for the layout."""

    path: Path
    size: int
    tool: str | None
    profile_id: str | None
    encoding: str
    delimiter: str
    header_row: int
    """Its last row."""
    record_count: int
    columns: tuple[tuple[Column, str], ...]
    """Each with what maps it, in words."""
    problems: tuple[Problem, ...]

    @property
    def shape(self) -> FaultText:
        """Return encoding and delimiter in words."""
        if not self.delimiter:
            return FaultText(self.encoding, self.encoding)
        mark = _DELIMITERS.get(self.delimiter, f"'{self.delimiter}'")
        return FaultText(f"{self.encoding}, delimiter {mark}", f"{self.encoding}, pemisah {mark}")


def inspect_file(path: Path, *, seeds_dir: Path, profile_id: str | None) -> Inspection:
    """Look at the file as a pull of that profile would, else with all headings that seeds know.

    Raises ExportFault where a pull would refuse it.
    """
    seeds = Seeds(seeds_dir, None)
    settings = _settings(seeds, seeds_dir, profile_id)
    with look_at(path, settings) as sight:
        tool = tell_tool(sight.reading.header.names)
        profile = profile_id or seeds.profile_of(sight.columns)
        reads = read_meanings(sight, seeds, tool)
        mapped = [_mapped(read, seeds, profile) for read in reads]
        reading = sight.reading
        return Inspection(
            path=path,
            size=path.stat().st_size,
            tool=tool,
            profile_id=profile,
            encoding=reading.encoding,
            delimiter=reading.delimiter,
            header_row=reading.header.rows,
            record_count=reading.record_count,
            columns=tuple(
                (_shown(column, sight), words)
                for column, words in zip(sight.columns, mapped, strict=True)
            ),
            problems=tuple(_problems(sight, seeds, profile, reads)),
        )


def inspect_archive(
    path: Path, *, seeds_dir: Path, profile_id: str | None
) -> tuple[list[Member], FaultText | None]:
    """Return what a pull would make of each file of an archive, and what it passes over.

    ([], None) for a file that is none. Raises ExportFault where a pull would refuse all of it.
    """
    if not is_archive(path):
        return [], None
    return members_of(path, _settings(Seeds(seeds_dir, None), seeds_dir, profile_id))


def _settings(seeds: Seeds, seeds_dir: Path, profile_id: str | None) -> ReaderSettings:
    if profile_id is None:
        return ReaderSettings(headings=seeds.headings())
    return read_reader_settings(seeds_dir)[profile_id]


def _shown(column: Column, sight: Sight) -> Column:
    """Return the column as it may be printed: answers stand in place of headings that lack."""
    asked = f"{column.name}: {column.text}" if column.text else column.name
    return replace(column, name=sight.masked(fold(asked)))


def _mapped(read: Read, seeds: Seeds, profile_id: str | None) -> str:
    """Return what maps a column: the profile, else what a draft would take or offer."""
    if profile_id is not None:
        meaning = seeds.columns[profile_id].get(heading_key(read.column.name))
        if meaning is not None:
            return f"{meaning.target or meaning.kind} ({profile_id})"
    if read.taken is not None:
        return f"{read.taken.target or read.taken.kind} ({read.taken.why})?"
    if read.offers:
        best = read.offers[0]
        return f"{best.target} ({best.share})?"
    return "–"


def _problems(
    sight: Sight, seeds: Seeds, profile_id: str | None, reads: list[Read]
) -> Iterator[Problem]:
    reading, name = sight.reading, sight.path.name
    if reading.broken is not None:
        broken = reading.broken
        text = BROKEN_BYTES.filled(
            row=broken.row, column=fold(broken.column), offset=broken.offset, count=broken.count
        )
        yield Problem(name, text.remedy_first())
    if reading.encoding == "cp1252":
        yield Problem(name, LAST_RESORT.filled(profile_id=profile_id or "?").remedy_first())
    for note in reading.notes:
        yield Problem(name, note)
    named = seeds.columns[profile_id] if profile_id else {}
    keys = {heading_key(column.name) for column in sight.columns}
    if missing := _missing(named, keys, seeds):
        yield Problem(
            name, _filled("missing", count=len(missing), names=_listed(missing), profile=profile_id)
        )
    for read in reads:
        is_mapped = read.taken is not None or heading_key(read.column.name) in named
        yield from _column_problems(read.column, sight, is_mapped=is_mapped)
    unmapped = [column.name for column in sight.columns if heading_key(column.name) not in named]
    if unmapped:
        names = _listed([sight.masked(fold(each)) for each in unmapped])
        yield Problem(name, _filled("unmapped", count=len(unmapped), names=names))
    if empty := [fold(column.name) for column in sight.columns if not column.filled_count]:
        yield Problem(name, _filled("empty", count=len(empty), names=_listed(empty)))
    if reading.blank_row_count:
        yield Problem(name, _filled("blank_rows", count=reading.blank_row_count))


def _missing(named: Mapping[str, Meaning], keys: Container[str], seeds: Seeds) -> list[str]:
    """Return the headings that a file of the profile should have.

    Of the questions those of the instrument that is most there, unless another heading has them.
    """
    there = {meaning.target for key, meaning in named.items() if key in keys}
    nothing: set[str] = set()
    asked = max(seeds.asked.values(), key=lambda ids: len(ids & there) / len(ids), default=nothing)
    return [
        key
        for key, meaning in named.items()
        if key not in keys
        and key != "_profile_id"
        and (meaning.kind != "question" or meaning.target in asked - there)
    ]


def _column_problems(column: Column, sight: Sight, *, is_mapped: bool) -> Iterator[Problem]:
    shown = sight.masked(fold(column.name))
    place = f"{sight.path.name}, kolom / column '{shown}'"
    if column.name.strip(WHITE_SPACE) == f"column {column.place}":
        yield Problem(place, _filled("no_heading", place=column.place, name=shown))
    elif column.name.endswith("]") and column.name.rpartition(" [")[0] in {
        each.name for each in sight.columns
    }:
        yield Problem(place, _filled("twice", name=shown))
    if column.cut_row:
        yield Problem(place, _filled("cut", row=column.cut_row))
    if column.error_row:
        yield Problem(place, _filled("error", row=column.error_row))
    if column.mojibake_row:
        yield Problem(place, _filled("mojibake", row=column.mojibake_row))
    if column.personal_count and not is_mapped:
        yield Problem(place, _filled("personal", count=column.personal_count))


def _filled(code: str, /, **details: object) -> FaultText:
    return _PROBLEMS[code].filled(**details)


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"'{name[:60]}'" for name in names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return f"{shown} (+{more})" if more > 0 else shown
