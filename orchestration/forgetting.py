"""A person's right to be forgotten: out of the raw zone, out of the warehouse, and kept out.

Belongs here: the order of steps, the warehouse's part, the border's findings, the record of what
was done. Doesn't: the list of who was forgotten and how bytes are edited (orchestration/exports),
what a person types (cli.py).

The order makes it repeatable after a crash at any moment: the list first, so that no pull brings
the person back; then the new files beside the old, which nothing counts yet; what the publications
remember, and of these all but the one shown, so that nobody goes back to one with the person in it;
the warehouse without the cycles concerned, in one rename; the record; the registry in one rename;
the old files last. Until the registry is written the next call finds everybody again, and after it
whatever no row of the registry names is searched.
"""

import json
import re
import shutil
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.auditing.final_cycles import ERASURE, is_final
from orchestration.bounded_engine import BoundedEngine
from orchestration.cycles.state import cycle_states
from orchestration.durable_files import below, whole_file
from orchestration.exports.clearing import clear
from orchestration.exports.erasure import ErasureError
from orchestration.exports.forgotten import (
    SEPARATORS,
    Forgotten,
    personal_columns,
    records_folder,
    squeezed,
)
from orchestration.exports.headers import BLANKS
from orchestration.exports.registry import ERASED, WITHDRAWN, ExportFile, Registry
from orchestration.exports.seed_files import read_identifier_kinds, read_surveyed_headings
from orchestration.exports.sources import SURVEY_RESPONSES_KIND
from orchestration.exports.store import only_pull, parquet_path, stored_path
from orchestration.publishing.standing import ShownAnswers
from orchestration.publishing.swap import keep_the_shown_alone
from orchestration.seeds.survey_cycles import read_cycles, with_ancestors
from orchestration.settings import Settings
from orchestration.sql_text import as_name, as_text
from orchestration.survey_days import local_day

_SHORTEST_IDENTIFIER = 6
_LEAST_SPELLED = 10


class ForgetError(RuntimeError):
    """Nobody was forgotten; the sentence names file or line and says what to do."""


@dataclass(frozen=True)
class ClearedFile:
    """An export that held the person, and the bytes that stand in its place (None: none do)."""

    cycle_id: str
    name: str
    sha256_before: str
    sha256_after: str | None
    response_count: int


@dataclass(frozen=True)
class ForgetReport:
    """What was done, without saying to whom."""

    forgotten_at: str
    identifier_count: int
    files: tuple[ClearedFile, ...]
    unread_files_erased: tuple[str, ...]
    """SHA-256 of files that no reading counts (refused, or left by a crash) and that named them."""
    compared_cycles: tuple[str, ...]
    """Cycles that none of the files is of, but that are compared with one that holds them."""
    final_cycles: tuple[str, ...]
    """Of both, those whose published figures are frozen."""
    mentions: tuple[str, ...]
    """Cells of other people's records in which the person is named: file, row, column."""

    @property
    def cycles(self) -> list[str]:
        """The cycles that the warehouse no longer holds, in the order of the files."""
        return list(dict.fromkeys(file.cycle_id for file in self.files))

    def in_words(self) -> str:
        """Return what a person reads, in Indonesian and English."""
        count = sum(file.response_count for file in self.files)
        lines = [
            f"Dihapus / erased: {count} jawaban / responses, {len(self.files)} berkas / files; "
            f"{len(self.unread_files_erased)} berkas yang tak terbaca / unread files."
        ]
        if self.files:
            names = ", ".join(dict.fromkeys(file.name for file in self.files))
            lines += [
                f"Hapus juga di aplikasi survei dan di landing / delete there too: {names}",
                "Hitung ulang / compute again: ./ilk run "
                + " ".join((*self.cycles, *self.compared_cycles)),
            ]
        if self.final_cycles:
            lines += [
                f"Final: {', '.join(self.final_cycles)}. Angka yang terbit tetap; baru bila "
                "min_cell_n orang sudah dihapus, proses itu minta / The published figures stand; "
                f'only when min_cell_n persons are gone does that run ask for --restate "{ERASURE}"'
            ]
        lines += [
            f"Masih disebut / still named by somebody else: {mention}" for mention in self.mentions
        ]
        return "\n".join(lines)


def read_identifiers(path: Path) -> list[str]:
    """Return the identifiers of a text file, one a line, trimmed as the warehouse trims them.

    Raises ForgetError, which names the line and not what stands in it.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ForgetError(
            f"{path} tidak dapat dibaca sebagai teks UTF-8 / can't be read as UTF-8 text: "
            f"{type(error).__name__}."
        ) from error
    identifiers = []
    for number, line in enumerate(lines, start=1):
        identifier = line.strip(BLANKS)
        if identifier and len(identifier) < _SHORTEST_IDENTIFIER:
            raise ForgetError(
                f"{path}, baris / line {number}: pengenal sedikitnya {_SHORTEST_IDENTIFIER} "
                "karakter; yang lebih pendek akan mengenai orang lain. Betulkan baris itu. / "
                f"an identifier has at least {_SHORTEST_IDENTIFIER} characters; a shorter one "
                "would take other people along. Correct the line."
            )
        if identifier:
            identifiers.append(identifier)
    if not identifiers:
        raise ForgetError(
            f"{path} tidak memuat pengenal; tulis satu per baris (NIP, surel, token). / "
            "holds no identifier. Write one a line (NIP, e-mail, token)."
        )
    return list(dict.fromkeys(identifiers))


def forget(settings: Settings, identifiers: Collection[str]) -> ForgetReport:
    """Take people out of raw zone and warehouse, and keep them out of what is pulled again.

    A record is a person's where a cell of it that may tell who somebody is (any but answers and
    attributes) is one of the identifiers, however it is spelled. The caller holds the run lock.
    Raises ForgetError and ForgottenKeyError, and then everybody is still there.
    """
    now = datetime.now(UTC)
    key = settings.pseudonym_key
    with only_pull(settings.raw_dir):
        registry = Registry(settings.raw_dir)
        forgotten = Forgotten.read(settings.raw_dir, key.get_secret_value() if key else None)
        opened = [
            cycle.cycle_id
            for cycle in read_cycles(settings.seeds_dir)
            if cycle.opens_on <= local_day(now)
        ]
        pulled = [row.cycle_id for row in registry.read_rows()]
        forgotten.add(dict.fromkeys([*opened, *pulled]), identifiers)
        forgotten.save()
        erasure = _Erasure(settings, registry, forgotten)
        erasure.prepare()
        unread = erasure.unread_files(identifiers)
        cleared = dict.fromkeys(file.cycle_id for file in erasure.files)
        cycles = read_cycles(settings.seeds_dir)
        compared = [
            cycle.cycle_id
            for cycle in cycles
            if cycle.cycle_id in pulled
            and cycle.cycle_id not in cleared
            and not cleared.keys().isdisjoint(with_ancestors(cycles, cycle.cycle_id))
        ]
        report = ForgetReport(
            forgotten_at=now.isoformat(timespec="seconds"),
            identifier_count=len(identifiers),
            files=tuple(erasure.files),
            unread_files_erased=tuple(path.name for path in unread),
            compared_cycles=tuple(compared),
            final_cycles=tuple(
                cycle_id for cycle_id in (*cleared, *compared) if is_final(settings, cycle_id)
            ),
            mentions=tuple(erasure.mentions(identifiers)),
        )
        ShownAnswers(settings.data_dir).blank(erasure.places)
        if erasure.files:
            keep_the_shown_alone(settings.data_dir)
        _drop_from_warehouse(settings, report.cycles)
        settings.response_files.take_out(report.cycles)
        _drop_findings(settings, report.cycles)
        _write_record(settings.data_dir, report)
        erasure.commit(unread)
    return report


class _Erasure:
    """The raw zone's part: new files first, the registry's rows in memory, all else in `commit`."""

    def __init__(self, settings: Settings, registry: Registry, forgotten: Forgotten) -> None:
        self._raw_dir = settings.raw_dir
        self._engine = settings.engine
        self._registry = registry
        self._forgotten = forgotten
        self._surveyed = read_surveyed_headings(settings.seeds_dir)
        self._kinds = read_identifier_kinds(settings.seeds_dir)
        self.files: list[ClearedFile] = []
        self.places: dict[str, set[int]] = {}
        """The records that go, by the SHA-256 of a file, and of what it was before others went."""

    def prepare(self) -> None:
        """Write every export that holds somebody without them, and note it in the registry."""
        pulls: dict[tuple[str, str], list[ExportFile]] = {}
        for row in self._registry.read_rows():
            if row.kind == SURVEY_RESPONSES_KIND:
                pulls.setdefault((row.cycle_id, row.sha256), []).append(row)
        for rows in pulls.values():
            self._clear(rows)
        self._registry.rewrite(self._changed)

    def _clear(self, rows: list[ExportFile]) -> None:
        """Clear the bytes of one or more pulls; the last of them is the reading that is there."""
        last = rows[-1]
        parquet = self._parquet(last)
        columns = personal_columns(last.header, self._surveyed.get(last.profile_id, frozenset()))
        kind = self._kinds.get(last.profile_id, "")
        records = self._forgotten.records(last.cycle_id, parquet, columns, kind)
        if not records:
            return
        sha256 = None
        if len(records) < last.record_count:
            try:
                cleared, _ = clear(
                    self._raw_dir,
                    parquet,
                    records=records,
                    encoding=last.encoding,
                    delimiter=last.delimiter,
                    profile_id=last.profile_id,
                    pulled_at=last.pulled_at,
                    engine=self._engine,
                )
            except ErasureError as error:
                if any(row.is_in_use for row in rows):  # what is not, is erased whole
                    raise ForgetError(
                        f"{last.name}: {error}. Simpan sebagai XLSX atau ekspor sebagai CSV dengan "
                        f"nama yang sama, jalankan `./ilk run {last.cycle_id}`, lalu ulangi. / "
                        "Save it as XLSX or export it as CSV under the same name in the landing, "
                        f"run `./ilk run {last.cycle_id}`, and forget again."
                    ) from error
            else:
                sha256 = cleared.sha256
                self._forgotten.let_stand_in(sha256, last.sha256)
        stood_for = {
            known
            for known, stand_in in self._forgotten.stand_ins.items()
            if stand_in in (last.sha256, sha256)
        }
        for known in (last.sha256, *stood_for):
            self.places.setdefault(known, set()).update(records)
        self.files.append(
            ClearedFile(
                cycle_id=last.cycle_id,
                name=last.name,
                sha256_before=last.sha256,
                sha256_after=sha256,
                response_count=len(records),
            )
        )

    def _changed(self, row: ExportFile) -> ExportFile:
        """Return the registry's row as it is after the erasure."""
        by_bytes = {
            file.sha256_before: file for file in self.files if file.cycle_id == row.cycle_id
        }
        if successor := by_bytes.get(row.superseded_by or ""):
            row = replace(row, superseded_by=successor.sha256_after or WITHDRAWN)
        file = by_bytes.get(row.sha256)
        if file is None:
            return row
        if file.sha256_after is None:
            superseded_by = row.superseded_by or WITHDRAWN
            return replace(row, status=ERASED, record_count=0, superseded_by=superseded_by)
        return replace(
            row,
            sha256=file.sha256_after,
            bytes=stored_path(self._raw_dir, file.sha256_after).stat().st_size,
            record_count=max(0, row.record_count - file.response_count),
        )

    def unread_files(self, identifiers: Collection[str]) -> list[Path]:
        """Return the files that no reading counts, beside those just cleared, and that name one."""
        counted = {row.sha256 for row in self._registry.read_rows()}
        counted |= {file.sha256_before for file in self.files}
        return [
            path
            for path in sorted((self._raw_dir / "files").glob("*"))
            if path.name not in counted and _holds(path, identifiers)
        ]

    def mentions(self, identifiers: Collection[str]) -> Iterator[str]:
        """Yield the cells that still name somebody: they stand in other people's records."""
        exact, spelled = list(identifiers), _spelled(identifiers)
        with self._engine.opened() as connection:
            for row in self._registry.read_rows():
                text = "concat_ws(chr(10), " + ", ".join(map(as_name, row.header)) + ")"
                found = connection.execute(
                    f"select _source_row, {', '.join(map(as_name, row.header))}"
                    " from read_parquet($path) where len(list_filter($exact,"
                    f" lambda identifier: contains({text}, identifier))) > 0"
                    " or len(list_filter($spelled, lambda identifier:"
                    f" contains(lower(regexp_replace({text}, $separators, '', 'g')),"
                    " identifier))) > 0",
                    {
                        "path": str(self._parquet(row)),
                        "exact": exact,
                        "spelled": spelled,
                        "separators": f"[{SEPARATORS}]+",
                    },
                ).fetchall()
                for number, *cells in found:
                    for heading, cell in zip(row.header, cells, strict=True):
                        if _names(cell or "", exact, spelled):
                            yield f"{row.name}, row {number}, column '{heading}'"

    def commit(self, unread: Collection[Path]) -> None:
        """Make it count: list and registry, then the old bytes and readings go."""
        self._forgotten.save()
        self._registry.save()
        for path in unread:
            path.unlink()
        rows = self._registry.read_rows()
        bytes_counted = {row.sha256 for row in rows}
        for file in self.files:
            if file.sha256_before not in bytes_counted:
                stored_path(self._raw_dir, file.sha256_before).unlink(missing_ok=True)
        readings = {self._parquet(row) for row in rows}
        for path in self._raw_dir.glob("*/cycle_id=*/*.parquet"):
            if path not in readings:  # a pull that needs it makes it again
                path.unlink()

    def _parquet(self, row: ExportFile) -> Path:
        return parquet_path(self._raw_dir, kind=row.kind, cycle_id=row.cycle_id, sha256=row.sha256)


def _holds(path: Path, identifiers: Collection[str]) -> bool:
    """Whether the bytes, or those inside a workbook, name one of the identifiers."""
    contents = [path.read_bytes()]
    if contents[0].startswith((b"$FL2", b"$FL3")):
        return True  # SPSS packs its texts: nobody can tell
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as workbook:
                contents += [workbook.read(info) for info in workbook.infolist()]
        except (zipfile.BadZipFile, zlib.error, RuntimeError):
            return True  # cut off or encrypted, and refused for it: nobody can tell
    exact, spelled = list(identifiers), _spelled(identifiers)
    return any(
        _names(content.decode(encoding, errors="ignore"), exact, spelled)
        for content in contents
        for encoding in ("utf-8", "utf-16-le", "utf-16-be")
    )


def _spelled(identifiers: Collection[str]) -> list[str]:
    """Return the identifiers to look for in any spelling: short ones would be found in anything."""
    found = (squeezed(identifier) for identifier in identifiers)
    return [text for text in found if "@" in text or len(text) >= _LEAST_SPELLED]


def _names(text: str, exact: Collection[str], spelled: Collection[str]) -> bool:
    """Whether a text names one of the identifiers, as it is or with something inside it."""
    if any(identifier in text for identifier in exact):
        return True
    bare = squeezed(text) if spelled else ""
    return any(identifier in bare for identifier in spelled)


def _drop_from_warehouse(settings: Settings, cycle_ids: Collection[str]) -> None:
    """Write the warehouse anew without the cycles, and swap it in: their next run makes them again.

    Whole cycles, since parts must add up: without some of its rows a cycle's weights and scores
    would fail their checks. And not by `delete`: DuckDB leaves deleted rows in its file. Raises
    ForgetError.
    """
    path = settings.warehouse
    if not path.is_file() or not cycle_ids:
        return
    cycle_states(settings).drop(cycle_ids, why="somebody was forgotten")
    try:
        with whole_file(path) as fresh:
            fresh.unlink()  # DuckDB makes its files itself
            _copy_without(settings.engine, path, fresh, cycle_ids)
            fresh.chmod(0o600)  # it holds what others answered
    except duckdb.IOException as error:
        raise ForgetError(
            f"{path.name} tidak dapat ditulis ulang: {error}. Tutup yang membukanya, sediakan "
            "ruang untuk salinan kedua, lalu ulangi. / can't be rewritten. Close what has it open, "
            "make room for a second copy, and forget again."
        ) from error


def _drop_findings(settings: Settings, cycle_ids: Collection[str]) -> None:
    """Remove what the border found: its lists quote cells. The next run looks again."""
    for cycle_id in cycle_ids:
        shutil.rmtree(below(settings.quality_dir, cycle_id), ignore_errors=True)
    cycle_states(settings).forget_border(cycle_ids)


def _copy_without(
    engine: BoundedEngine, path: Path, fresh: Path, cycle_ids: Collection[str]
) -> None:
    with engine.opened() as connection:
        # For writing: a killed run leaves its last rows in a log beside the file. The log would
        # outlive the swap, with the person in it, and no run could open the new file beside it.
        connection.execute(f"attach {as_text(path)} as warehouse")
        connection.execute("checkpoint warehouse")
        connection.execute(f"attach {as_text(fresh)} as fresh")
        connection.execute("copy from database warehouse to fresh (schema)")
        tables = connection.execute(
            "select schema_name, table_name, bool_or(column_name = 'cycle_id'),"
            " bool_or(column_name in ('response_key', 'respondent_key'))"
            " from duckdb_columns()"
            " inner join duckdb_tables() using (database_name, schema_name, table_name)"
            " where database_name = 'warehouse' group by all"
        ).fetchall()
        gone = ", ".join(map(as_text, cycle_ids))
        for schema, table, is_by_cycle, is_personal in tables:
            name = f"{as_name(schema)}.{as_name(table)}"
            if is_personal and not is_by_cycle:
                continue  # the last run's scratch: the next one fills it again
            where = f"where cycle_id not in ({gone})" if is_by_cycle and schema != "seeds" else ""
            connection.execute(f"insert into fresh.{name} from warehouse.{name} {where}")


def _write_record(data_dir: Path, report: ForgetReport) -> None:
    name = re.sub(r"[-:+]", "", report.forgotten_at.removesuffix("+00:00"))
    with whole_file(records_folder(data_dir) / f"{name}Z.json") as temporary:
        temporary.write_text(json.dumps(asdict(report), indent=1), encoding="utf-8")
