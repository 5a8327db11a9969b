"""The registry of the raw zone: one row a file and pull, in raw/export_files.parquet.

Belongs here: its schema, reading, changing and rewriting it. Doesn't: deciding what a pull changes.

Rows stand in the order of pulls. Bytes keep the file_number that their cycle first gave them: it
orders the versions of a response.

Files on the web stand there under names that lead nowhere (place_urls.public_name): it is published
from. What earlier versions wrote under their addresses is renamed as it is read.

A row is current while `superseded_by` is null. Of one file at most one row that was read is
current, and at most one refused one: a refused version leaves the older one that was read in use.
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from orchestration.durable_files import read_record, whole_file
from orchestration.exports.place_urls import is_web, public_name, without_secrets

WITHDRAWN = "withdrawn"
READ = "read"
REFUSED = "refused"
ERASED = "erased"
"""Was read, and its bytes are no more: its people were forgotten (orchestration/forgetting.py)."""

SCHEMA = pa.schema(
    [
        ("file_number", pa.int64()),
        ("cycle_id", pa.string()),
        ("profile_id", pa.string()),
        ("kind", pa.string()),
        ("source", pa.string()),
        ("name", pa.string()),
        ("sha256", pa.string()),
        ("bytes", pa.int64()),
        ("encoding", pa.string()),
        ("delimiter", pa.string()),
        ("header_rows", pa.int32()),
        ("header", pa.list_(pa.string())),
        ("header_folded", pa.list_(pa.string())),
        ("record_count", pa.int64()),
        ("blank_row_count", pa.int64()),
        ("pulled_at", pa.timestamp("us")),
        ("status", pa.string()),
        ("message", pa.string()),
        ("superseded_by", pa.string()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class ExportFile:
    """A row of the registry; a refused file has no encoding, header and records."""

    file_number: int
    cycle_id: str
    profile_id: str
    kind: str
    source: str
    name: str
    sha256: str
    bytes: int
    encoding: str = ""
    delimiter: str = ""
    header_rows: int = 0
    header: tuple[str, ...] = ()
    header_folded: tuple[str, ...] = ()
    record_count: int = 0
    blank_row_count: int | None = None
    """None of a file that was read before blank rows were counted."""
    pulled_at: datetime
    status: str
    message: str = ""
    superseded_by: str | None = None

    @property
    def is_in_use(self) -> bool:
        """Whether the warehouse counts its records."""
        return self.status == READ and self.superseded_by is None


def read_registry(raw_dir: Path) -> pa.Table:
    """Return the registry as a pyarrow table, in the order of pulls; no row where there was none.

    Raises UnreadableFileError.
    """
    path = _path(raw_dir)
    if not path.exists():
        return SCHEMA.empty_table()
    return read_record(path, SCHEMA)


class Registry:
    """The registry in memory during a pull; `save` writes it if anything changed."""

    def __init__(self, raw_dir: Path) -> None:
        """Read what earlier pulls left in the raw zone."""
        self._raw_dir = raw_dir
        self._saved = [
            ExportFile(
                **row
                | {"header": tuple(row["header"]), "header_folded": tuple(row["header_folded"])}
            )
            for row in read_registry(raw_dir).to_pylist()
        ]
        self._rows = [_in_public(row) for row in self._saved]

    @property
    def rows(self) -> list[ExportFile]:
        """Every row, in the order of pulls."""
        return list(self._rows)

    @property
    def next_number(self) -> int:
        """The file_number that the next new bytes get."""
        return max((row.file_number for row in self._rows), default=0) + 1

    def number_of(self, cycle_id: str, kind: str, sha256: str) -> int:
        """Return the file_number that the cycle first gave these bytes, else the next one."""
        known = (
            row.file_number
            for row in self._rows
            if (row.cycle_id, row.kind, row.sha256) == (cycle_id, kind, sha256)
        )
        return next(known, self.next_number)

    def current(self, cycle_id: str) -> list[ExportFile]:
        """Return the cycle's rows that nothing has superseded, in the order of pulls."""
        return [row for row in self._rows if row.cycle_id == cycle_id and row.superseded_by is None]

    def rows_of(self, cycle_id: str) -> list[ExportFile]:
        """Return all of the cycle's rows, in the order of pulls."""
        return [row for row in self._rows if row.cycle_id == cycle_id]

    def was_read(self, sha256: str) -> bool:
        """Whether any pull read these bytes."""
        return any(row.status == READ and row.sha256 == sha256 for row in self._rows)

    def add(self, new: ExportFile) -> None:
        """Add a pull of a file: it supersedes the earlier rows of that file.

        A refused one supersedes only refused ones.
        """
        self._rows = [
            replace(row, superseded_by=new.sha256)
            if (row.cycle_id, row.name, row.superseded_by) == (new.cycle_id, new.name, None)
            and (new.status == READ or row.status == REFUSED)
            else row
            for row in self._rows
        ]
        self._rows.append(new)

    def withdraw(self, gone: ExportFile) -> None:
        """Mark the row of a file that vanished from the landing."""
        place = self._rows.index(gone)
        self._rows[place] = replace(gone, superseded_by=WITHDRAWN)

    def read_rows(self) -> list[ExportFile]:
        """Return all rows of files that were read, superseded ones too, in the order of pulls."""
        return [row for row in self._rows if row.status == READ]

    def rewrite(self, change: Callable[[ExportFile], ExportFile]) -> None:
        """Put what `change` returns in each row's place."""
        self._rows = [change(row) for row in self._rows]

    def save(self) -> None:
        """Write the registry, if it differs from what was read."""
        if self._rows == self._saved:
            return
        table = pa.Table.from_pylist([asdict(row) for row in self._rows], schema=SCHEMA)
        with whole_file(_path(self._raw_dir)) as temporary:
            pa.parquet.write_table(table, temporary, store_schema=False)
        self._saved = list(self._rows)


def _in_public(row: ExportFile) -> ExportFile:
    """Return the row of a file on the web under its public name, members of archives too."""
    if not is_web(row.name):
        return row
    archive = re.match(rf"({re.escape(row.source)}|.+?\.zip)(/.+)", row.name, re.IGNORECASE)
    if archive is not None and row.name != row.source:
        name = public_name(archive[1]) + archive[2]
    else:
        name = public_name(row.name)
    message = row.message.replace(row.name, name).replace(row.source, public_name(row.source))
    return replace(row, source=public_name(row.source), name=name, message=without_secrets(message))


def _path(raw_dir: Path) -> Path:
    return raw_dir / "export_files.parquet"
