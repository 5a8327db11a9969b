"""Responses of cycles that were computed in shards: files beside the warehouse, which reads them.

Belongs here: where they lie, taking cycles out of them, whether they are still there. Doesn't:
writing (sharding/), the warehouse's relations over them (macro with_files).

A relation of the warehouse names each file that it reads: one that is lost is an error, and no
cycle with fewer responses. So nothing here removes a file that a relation may name.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from orchestration.durable_files import below, make_private, whole_file
from orchestration.sql_text import as_name, as_text

_OWNER = "data_folder"
# A file of ours as a view's statement names it: a text of SQL.
_FILE = re.compile(r"'(?:[^']|'')*/(?P<name>[^'/]+/cycle_id=[^'/]+/\d+\.parquet)'")


class ResponseFilesError(RuntimeError):
    """Responses that the warehouse reads are not where they were; the sentence says what to do."""


@dataclass(frozen=True)
class ResponseFiles:
    """Parquet below <folder>/<model>/cycle_id=<cycle>/, one file a shard."""

    folder: Path

    def of_cycle(self, model: str, cycle_id: str) -> Path:
        """Return the folder of a cycle's rows of a model."""
        return below(self.folder / model, f"cycle_id={cycle_id}")

    def found(self, model: str, cycle_id: str) -> list[Path]:
        """Return the files of a cycle's rows of a model, in the order of the shards."""
        return sorted(self.of_cycle(model, cycle_id).glob("*.parquet"))

    def claim(self, data_dir: Path) -> None:
        """Take the folder for a data folder. Raises ResponseFilesError where it is another one's.

        Two would read each other's cycles, and remove them.
        """
        mark = self.folder / _OWNER
        owner = mark.read_text(encoding="utf-8") if mark.is_file() else str(data_dir)
        if owner != str(data_dir) and Path(owner).is_dir():
            raise ResponseFilesError(
                f"ILK_SHARD_DIR: isi dengan folder lain; {self.folder} milik {owner} / set it to "
                f"another folder: this one belongs to {owner}"
            )
        make_private(self.folder)
        with whole_file(mark) as fresh:
            fresh.write_text(str(data_dir), encoding="utf-8")

    def take_out(self, cycle_ids: Collection[str]) -> None:
        """Leave the files of cycles without rows."""
        for cycle_id in cycle_ids:
            for path in self.folder.glob(f"*/cycle_id={cycle_id}/*.parquet"):
                with whole_file(path) as fresh:
                    pq.write_table(pq.read_schema(path).empty_table(), fresh)

    def sweep(self) -> None:
        """Remove files without rows: no relation names them once it is made again."""
        for path in self.folder.glob("*/cycle_id=*/*.parquet"):
            if not pq.read_metadata(path).num_rows:
                path.unlink()

    def remove_all(self) -> None:
        """Remove all files: of a warehouse that is gone."""
        for path in self.folder.glob("*/cycle_id=*/*.parquet"):
            path.unlink()

    def follow(self, warehouse: Path) -> None:
        """Have the warehouse read the files here that it read elsewhere: its data folder was moved.

        Raises ResponseFilesError as demand_whole does.
        """
        self.demand_whole(warehouse)
        views = {name: sql for name, sql in _views(warehouse).items() if self._is_elsewhere(sql)}
        if not views:
            return
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute("begin")
            for name, sql in views.items():
                here = _FILE.sub(lambda file: as_text(self.folder / file["name"]), sql)
                connection.execute(f"drop view {name}")
                connection.execute(here)
            connection.execute("commit")

    def is_followed(self, warehouse: Path) -> bool:
        """Whether the warehouse reads no such files elsewhere."""
        return not any(map(self._is_elsewhere, _views(warehouse).values()))

    def _is_elsewhere(self, sql: str) -> bool:
        return any(as_text(self.folder / file["name"]) != file[0] for file in _FILE.finditer(sql))

    def demand_whole(self, warehouse: Path) -> None:
        """Raise ResponseFilesError where the warehouse reads a file that is not here, whole."""
        named = {file["name"] for sql in _views(warehouse).values() for file in _FILE.finditer(sql)}
        lost = [name for name in sorted(named) if not _is_whole(self.folder / name)]
        if lost:
            raise ResponseFilesError(
                f"Isi ILK_SHARD_DIR seperti semula, atau kembalikan {self.folder}; kalau hilang, "
                "hitung semua lagi: ./ilk run --all --full-refresh / Set it as it was, or put "
                "that folder back; where it is lost, compute all again."
                f"\n{len(lost)} berkas hilang atau rusak / files of responses are lost or damaged: "
                f"{lost[0]}"
            )


def _views(warehouse: Path) -> dict[str, str]:
    """Return the statements of the warehouse's views, by their names in SQL."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute(
            "select schema_name, view_name, sql from duckdb_views() where not internal order by all"
        ).fetchall()
    return {f"{as_name(schema)}.{as_name(view)}": sql for schema, view, sql in found}


def _is_whole(path: Path) -> bool:
    """Whether a Parquet file is there, and ends as it did."""
    try:
        pq.read_metadata(path)
    except (OSError, ValueError):
        return False
    return True
