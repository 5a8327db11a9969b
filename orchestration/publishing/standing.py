"""Which cycles' figures are new in a publication, kept as they stand, or not shown yet.

Belongs here: the rule of time (method.md 10) and the memory that it needs. Doesn't: which cells are
hidden (disclosure/), the files of a publication (publication.py).

Two publications of a cycle that differ by a few persons tell what those answered, whatever each of
them hides. So scores are shown when the window has closed, and a closed cycle's figures are new
only where its accepted responses differ from those behind *every* earlier publication of it by
nobody or by at least `min_cell_n` persons.

`<data>/audit/shown_answers/<cycle>/<publication>.parquet` remembers each set of responses that was
shown: salted hashes of what each of them says, which a renumbered or renamed file leaves as they
are, and where it stood, so that `ilk forget` can blank it. A set is written below `.pending` before
the swap, and counts once its publication is shown: a run killed between loses or adds nothing.
"""

import secrets
import shutil
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import product
from pathlib import Path

import duckdb

from orchestration.durable_files import below, sync, whole_file
from orchestration.publishing import PublicationError
from orchestration.publishing.specifications import Described, ForeignKey
from orchestration.sql_text import as_name, as_text

CONTRIBUTIONS = ("people", "ratings_contributions")
SHOWN = "shown"  # the standing publication, where it is attached
DOMAINS = "dim_domains"
_PENDING = ".pending"


@dataclass(frozen=True)
class Timing:
    """The cycles whose figures are not those that the warehouse holds now."""

    opened: tuple[str, ...] = ()
    """Their window has not closed: participation alone."""
    standing: tuple[str, ...] = ()
    """Too few persons differ: every figure as it is published already."""
    withheld: tuple[str, ...] = ()
    """Too few persons differ, and nothing stands to be kept: nothing of them."""
    unfit: tuple[str, ...] = ()
    """They lost their responses (stages/unfit_cycles.py): as they stand, if they do."""
    min_cell_n: int = 0

    @property
    def sentences(self) -> list[str]:
        """What a person reads, in Indonesian and English; how many persons differ isn't said."""
        said = []
        if self.standing:
            said.append(
                f"{', '.join(self.standing)}: angka yang sudah terbit dipertahankan; kurang dari "
                f"{self.min_cell_n} orang berubah, dan selisihnya akan membuka jawaban mereka. / "
                f"The published figures stand; fewer than {self.min_cell_n} persons changed, and "
                "the difference would tell what they answered."
            )
        if self.withheld:
            said.append(
                f"{', '.join(self.withheld)}: pulihkan publikasi terakhir dari cadangan; kurang "
                f"dari {self.min_cell_n} orang berbeda dari yang pernah terbit, jadi tidak terbit. "
                "/ Restore the last publication from the backup; fewer than "
                f"{self.min_cell_n} persons differ from what was published once: not published."
            )
        return said


class ShownAnswers:
    """What responses stood behind the publications of each cycle, below the data folder."""

    def __init__(self, data_dir: Path) -> None:
        """Settle what a killed run left: its sets count if its publication came to be shown."""
        self._folder = data_dir / "audit" / "shown_answers"
        shown = (data_dir / "published").resolve().name
        for pending in sorted((self._folder / _PENDING).glob("*")):
            if pending.name == shown:
                self.confirm(pending.name)
            else:
                shutil.rmtree(pending)

    def sets(self, cycle_id: str) -> list[Path]:
        """Return the sets of responses that were shown of a cycle."""
        return sorted(below(self._folder, cycle_id).glob("*.parquet"))

    @property
    def salt(self) -> str:
        """What is hashed with the answers, so that nobody can try them; made at first use."""
        path = self._folder / "salt"
        if not path.is_file():
            with whole_file(path) as temporary:
                temporary.write_text(secrets.token_hex(32), encoding="utf-8")
        return path.read_text(encoding="utf-8")

    def note(
        self,
        connection: duckdb.DuckDBPyConnection,
        publication_id: str,
        cycle_ids: Collection[str],
    ) -> None:
        """Write the responses of the cycles, in the attached `warehouse`, before they are shown."""
        for cycle_id in cycle_ids:
            path = below(self._folder / _PENDING / publication_id, f"{cycle_id}.parquet")
            with whole_file(path) as temporary:
                connection.execute(
                    f"copy ({self._now(cycle_id)}) to {as_text(temporary)} (format parquet)"
                )

    def confirm(self, publication_id: str) -> None:
        """Let what was noted count: its publication is shown."""
        pending = self._folder / _PENDING / publication_id
        for noted in sorted(pending.glob("*.parquet")):
            kept = below(self._folder, noted.stem, f"{publication_id}.parquet")
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            noted.replace(kept)
            sync(kept.parent)
        shutil.rmtree(pending, ignore_errors=True)

    def differing(self, connection: duckdb.DuckDBPyConnection, cycle_id: str) -> list[int]:
        """Return, for each set that was shown, by how many persons the cycle differs from it now.

        Whoever changed an answer counts once: of those who came and those who went, the more. Twice
        for each set, without and with what is asked of persons beside the four of every ILK: a
        demographic more makes all of them differ, and must not cover the one who does.
        """
        counts = []
        for path, told in product(self.sets(cycle_id), ("answers_hash", "all_hash")):
            rows = connection.execute(
                f"""
                select
                    coalesce(sum(greatest(change, 0)), 0),
                    coalesce(sum(greatest(-change, 0)), 0)
                from (
                    select sum(step) as change
                    from (
                        select {told} as told, 1 as step from ({self._now(cycle_id)})
                        union all
                        select {told} as told, -1 as step from ({_kept(path)})
                    )
                    group by told
                )
                """
            ).fetchall()
            counts.append(int(max(rows[0])))
        return counts

    def blank(self, places: Mapping[str, Collection[int]]) -> None:
        """Take persons out: by the SHA-256 of a file, the records of it that are theirs.

        What remains is that somebody was there: the set still differs by one from one without.
        """
        with duckdb.connect() as connection:
            connection.execute("create table gone (file_sha256 varchar, source_row bigint)")
            connection.executemany(
                "insert into gone values (?, ?)",
                [(sha256, row) for sha256, rows in places.items() for row in rows] or [("", 0)],
            )
            for path in sorted(self._folder.rglob("*.parquet")):
                kept = as_text(path)
                is_gone = "(file_sha256, source_row) in (from gone)"
                if not connection.execute(
                    f"select 1 from read_parquet({kept}) where {is_gone} limit 1"
                ).fetchall():
                    continue
                with whole_file(path) as temporary:
                    connection.execute(
                        f"""
                        copy (
                            select
                                if({is_gone}, null, file_sha256) as file_sha256,
                                if({is_gone}, null, source_row) as source_row,
                                if({is_gone}, cast(uuid() as varchar), answers_hash)
                                    as answers_hash,
                                if({is_gone}, cast(uuid() as varchar), all_hash) as all_hash
                            from ({_kept(path)})
                        ) to {as_text(temporary)} (format parquet)
                        """
                    )

    def _now(self, cycle_id: str) -> str:
        return f"""
            select
                _file_sha256 as file_sha256,
                _source_row as source_row,
                left(sha256({as_text(self.salt)} || answers), 32) as answers_hash,
                left(sha256({as_text(self.salt)} || answers || other_demographics), 32) as all_hash
            from warehouse.{".".join(CONTRIBUTIONS)}
            where cycle_id = {as_text(cycle_id)}
        """


def _kept(path: Path) -> str:
    """Return the query of a set; one of an older version knew no demographics beside its four."""
    return f"""
        select file_sha256, source_row, answers_hash, coalesce(all_hash, answers_hash) as all_hash
        from (
            from read_parquet({as_text(path)})
            union all by name
            select cast(null as varchar) as all_hash where false
        )
    """


def judge(
    connection: duckdb.DuckDBPyConnection,
    memory: ShownAnswers,
    *,
    unfit: Collection[str] = (),
    today: date,
) -> Timing:
    """Return which cycles of the attached `warehouse` are not shown as they are in it.

    `today`: as survey_days.closing_day has it.
    A cycle that opened again once its scores were published keeps them as they stand.
    """
    opened: list[str] = []
    standing: list[str] = []
    withheld: list[str] = []
    fewest = 0
    stand = _standing_cycles(connection)
    for cycle_id, closes_on, min_cell_n in connection.execute(
        "select cycle_id, closes_on, cast(min_cell_n as integer) from warehouse.marts.dim_cycles"
        f" where cycle_id in (select cycle_id from warehouse.{'.'.join(CONTRIBUTIONS)}"
        " union select cycle_id from warehouse.marts.fct_participation) order by all"
    ).fetchall():
        if cycle_id in unfit:
            continue
        is_open = closes_on is None or today <= closes_on
        if is_open and not memory.sets(cycle_id):
            opened.append(cycle_id)
        elif is_open or any(
            0 < count < min_cell_n for count in memory.differing(connection, cycle_id)
        ):
            (standing if cycle_id in stand else withheld).append(cycle_id)
            fewest = max(fewest, min_cell_n)
    return Timing(tuple(opened), tuple(standing), tuple(withheld), tuple(sorted(unfit)), fewest)


def new_sets(
    connection: duckdb.DuckDBPyConnection, memory: ShownAnswers, timing: Timing
) -> list[str]:
    """Return the cycles that are shown with responses that no publication of them had."""
    rows = connection.execute(
        f"select distinct cycle_id from warehouse.{'.'.join(CONTRIBUTIONS)} order by all"
    ).fetchall()
    others = {*timing.opened, *timing.standing, *timing.withheld, *timing.unfit}
    return [
        cycle_id
        for (cycle_id,) in rows
        if cycle_id not in others and 0 not in memory.differing(connection, cycle_id)
    ]


def timed(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    table: str,
    timing: Timing,
    *,
    is_shown_in_window: bool,
) -> str:
    """Return the query with the rows that may be shown now, standing ones in place of others.

    What compares a cycle with the one before (`previous_cycle_id`) tells on both.
    """
    columns = [name for name, *_ in connection.execute(f"describe {query}").fetchall()]
    if "cycle_id" not in columns:
        return query
    stand = [*timing.standing, *timing.unfit]
    kept = [*stand, *timing.withheld]
    gone = kept if is_shown_in_window else [*kept, *timing.opened]
    compares = "previous_cycle_id" in columns
    ours = _is_of(gone, compares=compares)
    standing = _columns(connection, table)
    if not gone:
        return query
    rows = f"select * from ({query}) where not ({ours})"
    if table == DOMAINS and not standing and _columns(connection, "idx_scores"):
        # A publication of an older version: of its cycles, those that its scores are about.
        named = "cycle_id, domain_type, domain_id"
        about = f"select {named} from {SHOWN}.main.idx_scores where {_is_of(stand, compares=False)}"
        return f"{rows} union all select * from ({query}) where ({named}) in ({about})"
    common = ", ".join(as_name(name) for name in columns if name in standing)
    if not stand or "cycle_id" not in standing:
        return rows
    never = _is_of([*timing.withheld, *timing.opened], compares=compares)
    return f"""
        {rows}
        union all by name
        select {common} from {SHOWN}.main.{as_name(table)}
        where ({_is_of(stand, compares=compares and "previous_cycle_id" in standing)})
            and not ({never})
            and cycle_id in (select cycle_id from warehouse.marts.dim_cycles)
    """


def keep_named(
    connection: duckdb.DuckDBPyConnection, known: Mapping[str, Described], timing: Timing
) -> None:
    """Put back what kept rows name and today's vocabulary lacks, as it was published with them.

    A unit that was taken out of units.csv since is in the figures that stand: without its row,
    they would be joined to nothing, and a database with foreign keys would refuse them.
    """
    stand = [*timing.standing, *timing.unfit]
    if not stand:
        return
    columns: dict[tuple[str, str], set[str]] = defaultdict(set)
    for database, table, column in connection.execute(
        "select database_name, table_name, column_name from duckdb_columns()"
    ).fetchall():
        columns[database, table].add(column)
    keys = [(name, key) for name, table in known.items() for key in table.foreign_keys]
    is_more = True
    while is_more:  # what is put back may name more
        is_more = any([_put_back(connection, name, key, stand, columns) for name, key in keys])


def _put_back(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    key: ForeignKey,
    stand: Collection[str],
    columns: Mapping[tuple[str, str], set[str]],
) -> int:
    """Return how many rows of the key's table were put back for rows of the one that names them."""
    ours, theirs, stood = columns["ilk", name], columns["ilk", key.table], columns[SHOWN, key.table]
    if not (ours.issuperset(key.columns) and (theirs & stood).issuperset(key.to)):
        return 0  # an older publication, or tables of a test
    named = ", ".join(map(as_name, key.columns))
    to = ", ".join(map(as_name, key.to))
    there = f"ilk.main.{as_name(key.table)}"
    whole = " and ".join(f"{as_name(column)} is not null" for column in key.columns)
    is_kept = _is_of(stand, compares=False) if "cycle_id" in ours else "true"
    rows = connection.execute(
        f"""
        insert into {there} by name
        select {", ".join(map(as_name, sorted(theirs & stood)))}
        from {SHOWN}.main.{as_name(key.table)}
        where ({to}) in (
            select ({named}) from ilk.main.{as_name(name)} where {whole} and ({is_kept})
        )
        and ({to}) not in (select ({to}) from {there})
        """
    ).fetchall()
    return int(rows[0][0])


def _is_of(cycle_ids: Collection[str], *, compares: bool) -> str:
    if not cycle_ids:
        return "false"
    listed = ", ".join(map(as_text, cycle_ids))
    previous = f" or coalesce(previous_cycle_id in ({listed}), false)" if compares else ""
    return f"cycle_id in ({listed}){previous}"


def attach_standing(connection: duckdb.DuckDBPyConnection, data_dir: Path) -> None:
    """Attach the publication that is shown now as `shown`, where there is one."""
    database = data_dir / "published" / "ilk.duckdb"
    if database.is_file():
        try:
            connection.execute(f"attach {as_text(database.resolve())} as {SHOWN} (read_only)")
        except duckdb.Error as error:
            raise PublicationError(
                f"{database} tidak dapat dibaca: pulihkan dari cadangan. / "
                f"It can't be read: restore it from the backup. {error}"
            ) from error


def _standing_cycles(connection: duckdb.DuckDBPyConnection) -> set[str]:
    if "cycle_id" not in _columns(connection, "idx_scores"):
        return set()
    rows = connection.execute(f"select distinct cycle_id from {SHOWN}.main.idx_scores").fetchall()
    return {cycle_id for (cycle_id,) in rows}


def _columns(connection: duckdb.DuckDBPyConnection, table: str, database: str = SHOWN) -> set[str]:
    rows = connection.execute(
        "select column_name from duckdb_columns() where database_name = ? and table_name = ?",
        [database, table],
    ).fetchall()
    return {name for (name,) in rows}
