"""Final cycles: what was frozen, and the guard that lets no publication show other numbers.

Belongs here: `audit/final/<cycle>/<version>/` with the cycle's published tables, the seeds, the
registry of its files and a record; judging what is about to be published against it. Doesn't:
the files' bytes, which stay in the raw zone alone, where a person's rows can be removed.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet

from orchestration.auditing.differences import examples, find_moved, result_tables
from orchestration.auditing.opening import AuditError
from orchestration.auditing.run_records import RESTATEMENTS, gather_restatements
from orchestration.cycles.fingerprints import (
    code_hash,
    code_version,
    cycle_fingerprint,
    seeds_hash,
)
from orchestration.cycles.state import cycle_states
from orchestration.dbt_build import manifest_path
from orchestration.durable_files import below, read_json_record, sync, sync_tree
from orchestration.exports.registry import READ, SCHEMA, read_registry
from orchestration.exports.store import stored_path
from orchestration.publishing import PublicationError
from orchestration.publishing.tables import Declaration, read_declarations
from orchestration.run_lock import run_lock
from orchestration.seeds.survey_cycles import read_cycles, with_ancestors
from orchestration.settings import Settings
from orchestration.sql_text import as_text

_SHOWN_EXAMPLES = 8
ERASURE = "penghapusan data pribadi / erasure of personal data"
"""Why a final cycle is restated after many were forgotten: their figures are not told."""


class FinalCycleMovedError(PublicationError):
    """A final cycle came out with other numbers; the message names the first of them."""


@dataclass(frozen=True)
class FinalVersion:
    """One freezing of a cycle: the first by finalising it, further ones by restating."""

    folder: Path
    finalised_at: str
    why: str | None
    code_version: str | None
    code_hash: str

    @property
    def cycle_id(self) -> str:
        """The cycle that was frozen."""
        return self.folder.parent.name

    @property
    def tables(self) -> dict[str, str]:
        """The frozen tables as relations, by name."""
        return {
            path.stem: f"read_parquet({as_text(path)})"
            for path in sorted((self.folder / "tables").glob("*.parquet"))
        }


def final_version(settings: Settings, cycle_id: str) -> FinalVersion | None:
    """Return the newest freezing of a cycle; None where it is not final."""
    folders = sorted(_versions(settings, cycle_id).glob("[0-9]*"))
    if not folders:
        return None
    record = read_json_record(folders[-1] / "record.json")
    return FinalVersion(
        folder=folders[-1],
        finalised_at=record["finalised_at"],
        why=record["why"],
        code_version=record["code_version"],
        code_hash=record["code_hash"],
    )


def frozen_at(settings: Settings) -> dict[str, list[datetime]]:
    """Return when each version of each final cycle was frozen, UTC, the oldest first."""
    records = sorted((settings.audit_dir / "final").glob("*/[0-9]*/record.json"))
    times: dict[str, list[datetime]] = {}
    for path in records:
        at = datetime.fromisoformat(read_json_record(path)["finalised_at"])
        times.setdefault(path.parent.parent.name, []).append(at)
    return times


def is_final(settings: Settings, cycle_id: str) -> bool:
    """Whether a cycle is frozen, or `final` in survey_cycles.csv."""
    return final_version(settings, cycle_id) is not None or cycle_id in _final_by_seed(settings)


def finalise(settings: Settings, cycle_id: str) -> FinalVersion:
    """Freeze a cycle as it is published; a cycle that is final already stays as it was frozen.

    Raises:
        AuditError: it is not published from the files, seeds and code that lie here now, without
            scores, or the bytes of one of its files are not in the raw zone.
        RunInProgressError: a run is on.
    """
    with run_lock(settings.data_dir):
        if found := final_version(settings, cycle_id):
            return found
        current = cycle_fingerprint(settings, cycle_id)
        database = settings.published_dir / "ilk.duckdb"
        states = cycle_states(settings)
        if not (states.is_published_from(cycle_id, current) and database.is_file()):
            raise AuditError(
                f"{cycle_id} belum terbit dari berkas, seeds, dan kode yang ada kini. / It is not "
                f"published from the files, seeds and code that lie here now: ./ilk run {cycle_id}"
            )
        for sha256 in {row["sha256"] for row in _registry(settings, cycle_id).to_pylist()}:
            if not stored_path(settings.raw_dir, sha256).is_file():
                raise AuditError(
                    f"raw/files/{sha256} tidak ada lagi. / It is gone: the cycle could not be "
                    "reproduced. Restore it from the backup."
                )
        with duckdb.connect() as connection:
            connection.execute(f"attach {as_text(database.resolve())} as ilk (read_only)")
            if not connection.execute(
                "from (select distinct cycle_id from ilk.main.idx_scores) where cycle_id = ?",
                [cycle_id],
            ).fetchall():
                raise AuditError(
                    f"{cycle_id} belum punya skor: tunggu sampai masa survei berakhir dan skornya "
                    "terbit. / It has no scores yet: wait until its window has closed and they are "
                    "published."
                )
            declared = read_declarations(manifest_path(settings))
            return _freeze(connection, settings, declared, cycle_id, why=None)


@dataclass(frozen=True)
class Guard:
    """Judges the tables of a publication before it is swapped in, for `publish`.

    `restated` are the cycles that may move in this run, and `why`.
    """

    settings: Settings
    declared: Mapping[str, Declaration]
    run_id: str
    restated: frozenset[str]
    why: str

    def __call__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Refuse moved numbers of final cycles, or freeze and list them where they may move.

        Raises FinalCycleMovedError; nothing is frozen then.
        """
        new = result_tables(connection, "ilk", self.declared)
        rows = connection.execute("select distinct cycle_id from ilk.main.idx_scores order by all")
        cycle_ids = [cycle_id for (cycle_id,) in rows.fetchall()]
        moved = {
            cycle_id: find_moved(connection, cycle_id, old=old, new=new, declared=self.declared)
            for cycle_id in cycle_ids
            if (old := self._tables_before(connection, cycle_id)) is not None
        }
        refused = [cycle for cycle, count in moved.items() if count and cycle not in self.restated]
        if refused:
            raise FinalCycleMovedError(
                "\n".join(self._sentence(connection, cycle, moved[cycle]) for cycle in refused)
            )
        for cycle_id in cycle_ids:
            if moved.get(cycle_id):
                restatements = self._restatements(connection, cycle_id)
                self._freeze(connection, cycle_id, why=self.why, restatements=restatements)
            elif self._becomes_final(cycle_id):
                self._freeze(connection, cycle_id, why=None)
        gather_restatements(self.settings)

    def _freeze(
        self,
        connection: duckdb.DuckDBPyConnection,
        cycle_id: str,
        *,
        why: str | None,
        restatements: pa.Table | None = None,
    ) -> None:
        _freeze(
            connection,
            self.settings,
            self.declared,
            cycle_id,
            why=why,
            restatements=restatements,
        )

    def _tables_before(
        self, connection: duckdb.DuckDBPyConnection, cycle_id: str
    ) -> Mapping[str, str] | None:
        """Return what must not move: as frozen, or as shown now where the seed says final."""
        if version := final_version(self.settings, cycle_id):
            return version.tables
        database = self.settings.published_dir / "ilk.duckdb"
        if cycle_id not in _final_by_seed(self.settings) or not database.is_file():
            return None
        attached = f"attach if not exists {as_text(database.resolve())} as shown (read_only)"
        connection.execute(attached)
        shown = result_tables(connection, "shown", self.declared)
        has_cycle = connection.execute(
            "select 1 from shown.main.idx_scores where cycle_id = ? limit 1", [cycle_id]
        ).fetchall()
        return shown if has_cycle else None

    def _becomes_final(self, cycle_id: str) -> bool:
        """Whether the seed calls it final, and it was built from what would be kept of it."""
        return (
            cycle_id in _final_by_seed(self.settings)
            and final_version(self.settings, cycle_id) is None
            and cycle_states(self.settings).is_built_from(
                cycle_id, cycle_fingerprint(self.settings, cycle_id)
            )
        )

    def _sentence(self, connection: duckdb.DuckDBPyConnection, cycle_id: str, count: int) -> str:
        listed = "; ".join(examples(connection, cycle_id, _SHOWN_EXAMPLES))
        more = f"; ... ({count - _SHOWN_EXAMPLES:,} more)" if count > _SHOWN_EXAMPLES else ""
        return (
            f"{cycle_id} sudah final, tetapi {count:,} angkanya akan berubah. / It is final, and "
            f"{count:,} of its numbers would move: {listed}{more}. Kembalikan masukannya, atau / "
            f'Put its inputs back, or: ./ilk run {cycle_id} --restate "alasan / why"'
        )

    def _restatements(self, connection: duckdb.DuckDBPyConnection, cycle_id: str) -> pa.Table:
        # That a figure moved because somebody was erased is told, and not by how much.
        untold = (
            " replace (null::double as old_value, null::double as new_value,"
            " null::varchar as old_text, null::varchar as new_text, true as is_suppressed)"
        )
        rows: pa.Table = connection.sql(
            "select ? as run_id, cast(? as timestamp) as restated_at, ? as why,"
            f" *{untold if self.why == ERASURE else ''} from moved where cycle_id = ? order by all",
            params=[self.run_id, _now(), self.why, cycle_id],
        ).to_arrow_table()
        return rows.select(RESTATEMENTS.names).cast(RESTATEMENTS)


def _freeze(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    declared: Mapping[str, Declaration],
    cycle_id: str,
    *,
    why: str | None,
    restatements: pa.Table | None = None,
) -> FinalVersion:
    """Keep the cycle's rows of `ilk.main`, and what they were made from; whole or not at all."""
    versions = _versions(settings, cycle_id)
    number = len(list(versions.glob("[0-9]*"))) + 1
    building = versions / ".building"
    shutil.rmtree(building, ignore_errors=True)
    (building / "tables").mkdir(parents=True)
    (building / "seeds").mkdir()
    for name, relation in result_tables(connection, "ilk", declared).items():
        connection.execute(
            f"copy (from {relation} where cycle_id = $cycle_id) to $path (format parquet)",
            {"cycle_id": cycle_id, "path": str(building / "tables" / f"{name}.parquet")},
        )
    for seed in settings.seeds_dir.glob("*.csv"):
        shutil.copyfile(seed, building / "seeds" / seed.name)
    pa.parquet.write_table(_registry(settings, cycle_id), building / "export_files.parquet")
    if restatements is not None:
        pa.parquet.write_table(restatements, building / "restatements.parquet")
    record = {
        "cycle_id": cycle_id,
        "finalised_at": _now().isoformat(timespec="seconds"),
        "why": why,
        "code_version": code_version(),
        "code_hash": code_hash(),
        "seeds_hash": seeds_hash(settings),
    }
    (building / "record.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    sync_tree(building)
    building.rename(versions / f"{number:03d}")
    sync(versions)
    version = final_version(settings, cycle_id)
    assert version is not None  # it was just written
    return version


def _registry(settings: Settings, cycle_id: str) -> pa.Table:
    """Return the registry's rows of the files that a cycle, and those it looks back on, is from."""
    cycle_ids = with_ancestors(read_cycles(settings.seeds_dir), cycle_id)
    rows = [
        row
        for row in read_registry(settings.raw_dir).to_pylist()
        if row["cycle_id"] in cycle_ids and row["status"] == READ and row["superseded_by"] is None
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _versions(settings: Settings, cycle_id: str) -> Path:
    return below(settings.audit_dir / "final", cycle_id)


def _final_by_seed(settings: Settings) -> set[str]:
    cycles = read_cycles(settings.seeds_dir)
    return {cycle.cycle_id for cycle in cycles if cycle.status == "final"}


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
