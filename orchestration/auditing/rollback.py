"""`ilk publish --rollback`: going back to a publication that is kept.

Belongs here: which publications are kept, what forbids showing one again, the order of steps.
Doesn't: the swap (publishing/swap.py), what a run does afterwards (held_cycles.py).

What is shown again was public once, so it tells nothing new to whoever kept it (`standing.py`
judges later ones against it all the same). But others see it: not what was erased since, nor what
a publication with the same answers, or by other rules, has hidden since.
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.auditing.differences import find_moved, result_tables
from orchestration.auditing.final_cycles import final_version, is_final
from orchestration.auditing.held_cycles import clock, held_only_if_shown, hold, let_go, moment
from orchestration.auditing.run_records import note_rollback, published_runs
from orchestration.cycles.state import cycle_states
from orchestration.dbt_build import manifest_path
from orchestration.durable_files import read_json_record
from orchestration.postgres.following import Follower, Standing
from orchestration.publishing import PublicationError
from orchestration.publishing.checksums import differing_files
from orchestration.publishing.specifications import read_described
from orchestration.publishing.standing import ShownAnswers
from orchestration.publishing.swap import going_back, kept_publications
from orchestration.publishing.tables import Declaration, read_declarations
from orchestration.run_lock import run_lock
from orchestration.settings import Settings
from orchestration.sql_text import as_name, as_text

_RECONCILIATION = "audit_reconciliation"
_SHOWN = 5  # files that are named


class RollbackError(PublicationError):
    """Nothing was changed; the sentence says what to do."""


@dataclass(frozen=True)
class Kept:
    """A publication that is kept."""

    publication_id: str
    folder: Path
    published_at: datetime | None
    """UTC; None where no record of a run tells."""
    cycles: tuple[str, ...]
    is_shown: bool

    def in_words(self) -> str:
        """Return its line of the list, in both languages."""
        at = "–" if self.published_at is None else clock(self.published_at)
        differing = differing_files(self.folder)
        state = (
            "tanpa / without SHA256SUMS"
            if differing is None
            else "utuh / whole"
            if not differing
            else f"BERUBAH / CHANGED: {_named(differing)}"
        )
        shown = "  << tampil / shown" if self.is_shown else ""
        return f"{self.publication_id}  {at}  {', '.join(self.cycles)}  {state}{shown}"


@dataclass(frozen=True)
class WentBack:
    """What showing an earlier publication came to."""

    left_id: str
    shown_id: str
    held: tuple[str, ...]
    """Cycles that no run brings back as they were."""
    postgres: Standing | None

    def in_words(self) -> str:
        """Return what a person reads, in Indonesian and English."""
        lines = [
            f"Kini tampil / now shown: {self.shown_id} (sebelumnya / before: {self.left_id})",
            "Membatalkan / to take it back: ./ilk publish --rollback " + self.left_id,
        ]
        if self.held:
            named = ", ".join(self.held)
            lines.append(
                f"{named}: tetap seperti ini sampai berkas, seed, atau kodenya berubah lalu "
                "dijalankan. / stay so until their files, seeds or code change and they are run."
            )
        if self.postgres is not None and self.postgres.problem:
            lines.append(self.postgres.in_words())
        return "\n".join(lines)


def kept(settings: Settings) -> list[Kept]:
    """Return the publications that are kept, the one shown first, then by when each last was."""
    times = published_runs(settings)
    shown = settings.published_dir.resolve()
    return [
        Kept(
            publication_id=folder.name,
            folder=folder,
            published_at=times.get(folder.name),
            cycles=tuple(sorted(_fingerprints(folder))),
            is_shown=folder == shown,
        )
        for folder in kept_publications(settings.data_dir)
        if (folder / "publication.json").is_file()
    ]


def go_back(settings: Settings, publication_id: str | None) -> WentBack:
    """Show the publication named, or the one before, in one step.

    Raises RollbackError, and RunInProgressError where a run is on; nothing was changed then.
    """
    manifest = manifest_path(settings)
    follower = Follower(settings, read_described(manifest))
    with run_lock(settings.data_dir), going_back(settings.data_dir) as show:
        left, target = _chosen(settings, publication_id)
        _demand_whole(target)
        _demand_unerased(settings, target)
        _demand_nothing_hidden_since(
            settings, left=left, target=target, declared=read_declarations(manifest)
        )
        with held_only_if_shown(settings):
            held = hold(
                settings, left=_fingerprints(left.folder), shown=_fingerprints(target.folder)
            )
            with follower.along(target.folder, target.publication_id):
                note_rollback(
                    settings, run_id=str(uuid.uuid4()), publication_id=target.publication_id
                )
                show(target.folder)
        ShownAnswers(settings.data_dir)  # settles what a killed run left, by what is shown now
    return WentBack(left.publication_id, target.publication_id, held, follower.standing)


def release_cycle(settings: Settings, cycle_id: str) -> bool:
    """Let the next run publish a cycle as it was before it was rolled back; false: it wasn't.

    Raises RunInProgressError.
    """
    with run_lock(settings.data_dir):
        is_held = bool(let_go(settings, [cycle_id]))
        if is_held:  # or its run would find nothing new
            cycle_states(settings).release(cycle_id)
        return is_held


def _chosen(settings: Settings, publication_id: str | None) -> tuple[Kept, Kept]:
    """Return the publication that is shown, and the one to show."""
    found = kept(settings)
    ids = ", ".join(each.publication_id for each in found if not each.is_shown) or "–"
    if not found or not found[0].is_shown:
        raise RollbackError(
            "Belum ada publikasi yang tampil: jalankan satu siklus dulu. / Nothing is published "
            "yet: run a cycle first."
        )
    left, *others = found
    if publication_id == left.publication_id:
        raise RollbackError(
            f"{publication_id} sudah tampil / is shown already. Lain / others: {ids}"
        )
    wanted = [each for each in others if publication_id in (None, each.publication_id)]
    if not wanted:
        raise RollbackError(
            f"Pilih salah satu / choose one of: {ids}. Yang disimpan / kept: "
            f"ILK_KEPT_PUBLICATIONS={settings.kept_publications}."
        )
    target = wanted[0]
    if target.published_at is None:
        raise RollbackError(
            f"{target.publication_id} tidak pernah tampil menurut catatan proses; jalankan "
            "siklusnya lagi. / was never shown, as the record of runs has it; run the cycle again."
        )
    return left, target


def _demand_whole(target: Kept) -> None:
    if differing := differing_files(target.folder):
        raise RollbackError(
            f"Pulihkan {target.folder} dari cadangan; yang berubah sejak terbit: / Restore it from "
            f"the backup; changed since it was published: {_named(differing)}"
        )


def _demand_unerased(settings: Settings, target: Kept) -> None:
    """Refuse what was published before somebody of its cycles was erased.

    `ilk forget` removes all but what is shown; a folder may come back out of a backup.
    """
    assert target.published_at is not None
    for path in sorted((settings.data_dir / "forgotten").glob("*.json")):
        record = read_json_record(path)
        cycles = {file["cycle_id"] for file in record["files"]} & {*target.cycles}
        if cycles and moment(record["forgotten_at"]) >= target.published_at:
            raise RollbackError(
                f"Jalankan {', '.join(sorted(cycles))} lagi; publikasi ini dari sebelum jawaban "
                "orang yang minta dihapus dikeluarkan. / Run them again; this publication is of "
                "before the responses of somebody who asked for it were erased."
            )


def _demand_nothing_hidden_since(
    settings: Settings, *, left: Kept, target: Kept, declared: Mapping[str, Declaration]
) -> None:
    with duckdb.connect() as connection:
        for name, publication in (("ilk", target), ("shown", left)):
            path = publication.folder / "ilk.duckdb"
            try:
                connection.execute(f"attach {as_text(path)} as {name} (read_only)")
            except duckdb.Error as error:
                raise RollbackError(
                    f"Pulihkan {path} dari cadangan. / Restore it from the backup: {error}"
                ) from error
        before, now = (result_tables(connection, name, declared) for name in ("ilk", "shown"))
        _demand_final_figures(connection, settings, left, before, now, declared)
        same_rules = _rules(connection, "ilk", target) == _rules(connection, "shown", left)
        for table in sorted(before.keys() & now.keys()):
            for cycle_id, count in _hidden_since(
                connection, before[table], now[table], declared[table]
            ):
                # By the same rules other answers hide other cells: the two were public together,
                # which standing.py has judged. Hidden otherwise, it was for the cells' own sake.
                if same_rules and _answers_differ(connection, cycle_id):
                    continue
                raise RollbackError(
                    f"Betulkan lalu jalankan {cycle_id}; {count} baris {table} yang tampil di sana "
                    "sudah dirahasiakan sejak itu, dan tidak boleh tampil lagi. / Mend and run it; "
                    "so many rows that are shown there were hidden since, and may not come back."
                )


def _demand_final_figures(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    left: Kept,
    before: Mapping[str, str],
    now: Mapping[str, str],
    declared: Mapping[str, Declaration],
) -> None:
    for cycle_id in left.cycles:
        if not is_final(settings, cycle_id):
            continue
        version = final_version(settings, cycle_id)
        frozen = version.tables if version else now
        if moved := find_moved(connection, cycle_id, old=frozen, new=before, declared=declared):
            raise RollbackError(
                f"{cycle_id} sudah final, dan {moved} angkanya berbeda di sana. Pilih "
                "publikasi lain. / It is final, and so many of its numbers differ there. Choose "
                "another publication."
            )


def _hidden_since(
    connection: duckdb.DuckDBPyConnection, before: str, now: str, declared: Declaration
) -> list[tuple[str, int]]:
    """Return, by cycle, how many rows are hidden now that are shown in what would come back."""
    columns = [
        {name for name, *_ in connection.execute(f"describe from {relation}").fetchall()}
        for relation in (before, now)
    ]
    common = columns[0] & columns[1]
    keys = [key for key in declared.grain if key in common]
    if "is_suppressed" not in common or "cycle_id" not in keys:
        return []
    same_row = " and ".join(
        f"before.{as_name(key)} is not distinct from now.{as_name(key)}" for key in keys
    )
    return connection.execute(
        f"""
        select before.cycle_id, count(*)
        from {before} as before
        inner join {now} as now on {same_row}
        where now.is_suppressed and not before.is_suppressed
        group by all
        order by all
        """
    ).fetchall()


def _rules(
    connection: duckdb.DuckDBPyConnection, database: str, publication: Kept
) -> list[tuple[Any, ...]]:
    """Return the code and seeds that a publication's last run was of; another's are others."""
    return connection.execute(
        f"select distinct code_hash, seeds_hash from {database}.main.audit_runs"
        " where publication_id = ? and outcome = 'published' order by all",
        [publication.publication_id],
    ).fetchall() or [(publication.publication_id,)]


def _answers_differ(connection: duckdb.DuckDBPyConnection, cycle_id: str) -> bool:
    rows = [
        connection.execute(
            f"select file_sha256, is_accepted, rejection_reason, response_count"
            f" from {database}.main.{_RECONCILIATION} where cycle_id = ? order by all",
            [cycle_id],
        ).fetchall()
        for database in ("ilk", "shown")
    ]
    return rows[0] != rows[1]


def _fingerprints(folder: Path) -> dict[str, str]:
    found: dict[str, str] = read_json_record(folder / "publication.json")["fingerprint"]
    return found


def _named(files: Collection[str]) -> str:
    listed = ", ".join(sorted(files)[:_SHOWN])
    more = len(files) - _SHOWN
    return f"{listed}, +{more}" if more > 0 else listed
