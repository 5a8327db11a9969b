"""The publication in PostgreSQL: types, keys, words, roles, and swaps that readers don't notice."""

import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace as replace_spec
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from bi_questions import bi_questions
from postgres_cases import KNOWN, ROWS, TABLES, VIEW, ask, said, write_publication
from psycopg.conninfo import conninfo_to_dict

from orchestration.dbt_build import manifest_path
from orchestration.postgres import PostgresError, loading, server
from orchestration.postgres.loading import published_there, replace
from orchestration.postgres.server import connected
from orchestration.postgres.structure import Found, changes, structure
from orchestration.publishing.specifications import (
    ColumnSpec,
    Described,
    ForeignKey,
    TableSpec,
    Words,
    read_described,
)
from tests.conftest import Sample
from tests.postgres_server import PostgresServer

READERS = 20
SWAPS = 10
Load = Callable[..., str]


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.database()


@pytest.fixture
def load(url: str, tmp_path: Path) -> Load:
    """Writes a publication and loads it; returns its id."""

    def loaded(version: int, known: Mapping[str, Described] = KNOWN, **said: Any) -> str:
        publication_id = write_publication(tmp_path / str(version), version, known=known, **said)
        load_folder(url, tmp_path / str(version), publication_id, known)
        return publication_id

    return loaded


def load_folder(
    url: str, folder: Path, publication_id: str, known: Mapping[str, Described] = KNOWN
) -> None:
    with connected(url) as connection, connection.transaction():
        replace(connection, folder / "ilk.duckdb", known, publication_id)


# --- readers -------------------------------------------------------------------------------------

AGREE = """
select distinct version from (
    select version from ilk.dim_cycles union all select version from ilk.idx_scores
    union all select version from ilk.v_latest
    union all select cast(substr(publication_id, 4) as bigint) from ilk.publication
) as every
"""


class Readers:
    """Clients that read all the time, each in both ways, and keep what they saw amiss."""

    def __init__(
        self, url: str, tables: tuple[str, ...] = ("dim_cycles", "idx_scores", "v_latest")
    ) -> None:
        self._url, self._tables = url, tables
        self._is_over = threading.Event()
        self.read_count = 0
        self.amiss: list[str] = []
        self.seen: set[int] = set()
        self._threads = [threading.Thread(target=self._read) for _ in range(READERS)]

    def __enter__(self) -> "Readers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        try:
            with psycopg.connect(self._url, autocommit=True) as connection:
                repeatable = psycopg.IsolationLevel.REPEATABLE_READ
                while not self._is_over.is_set():
                    self._judge(connection.execute(AGREE).fetchall(), "a statement")
                    connection.execute("begin isolation level repeatable read")
                    versions = []
                    for table in self._tables:
                        versions += connection.execute(
                            f"select distinct version from ilk.{table}"
                        ).fetchall()
                    counted = connection.execute("select count(*) from ilk.idx_scores").fetchall()
                    connection.execute("commit")
                    self._judge(list(dict.fromkeys(versions)), f"a {repeatable.name} transaction")
                    if counted != [(ROWS,)]:
                        self.amiss.append(f"{counted} rows")
                    self.read_count += 2
        except psycopg.Error as error:
            self.amiss.append(f"{type(error).__name__}: {error}")

    def _judge(self, versions: list[tuple[int]], where: str) -> None:
        if len(versions) != 1:
            self.amiss.append(f"{versions} in {where}")
        self.seen.update(version for (version,) in versions)


def test_readers_meet_no_error_and_no_mixture_while_publications_are_swapped(
    url: str, load: Load
) -> None:
    load(0)
    with Readers(url) as readers:
        for version in range(1, SWAPS + 1):
            load(version)
    assert readers.amiss == []
    assert readers.seen == set(range(SWAPS + 1)), "each publication was read"
    print(f"{readers.read_count} reads during {SWAPS} swaps")


def test_readers_meet_no_error_and_no_mixture_while_the_structure_changes(
    url: str, load: Load
) -> None:
    def changed(version: int) -> dict[str, Any]:
        """Every other time a column more, another type, another view, another key."""
        if version % 2 == 0:
            return {}
        wider = TABLES["idx_scores"].replace("i / 7 as score", "i::varchar as score, i as more")
        view = f"{VIEW} having count(*) > 0"
        known = KNOWN | {
            "v_latest": said("v_latest", view=view),
            "idx_scores": said("idx_scores", key=("row_number",), required=("row_number",)),
        }
        return {"tables": TABLES | {"idx_scores": wider}, "known": known}

    load(0)
    with Readers(url) as readers:
        for version in range(1, 7):
            load(version, **changed(version))
    assert readers.amiss == []
    assert readers.seen == set(range(7)), "each publication was read"


def test_a_column_more_is_had_under_readers_in_any_order(url: str, load: Load) -> None:
    wider = TABLES["idx_scores"].replace("i / 7 as score", "i / 7 as score, i as more")
    load(0)
    with Readers(url, tables=("v_latest", "idx_scores", "dim_cycles")) as readers:
        for version in range(1, 4):
            load(version, tables=TABLES | {"idx_scores": wider} if version % 2 else TABLES)
    assert readers.amiss == []
    assert readers.seen == set(range(4))


def test_a_reader_whose_snapshot_is_older_still_sees_the_old_rows(url: str, load: Load) -> None:
    load(1)
    with psycopg.connect(url) as reader:
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select 1").fetchall()
        load(2)
        assert reader.execute(AGREE).fetchall() == [(1,)]
        assert reader.execute("select count(*) from ilk.idx_scores").fetchall() == [(ROWS,)]


def test_a_reader_that_holds_a_table_whose_structure_changes_is_waited_for_then_named(
    url: str, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(1)
    monkeypatch.setattr(server, "LOCK_SECONDS", 1)
    changed = TABLES | {"idx_scores": TABLES["idx_scores"].replace("i / 7", "i")}
    with psycopg.connect(url) as reader:
        reader.execute("select count(*) from ilk.idx_scores").fetchall()
        with pytest.raises(PostgresError, match="Close the readers that hold it"):
            load(2, tables=changed)
        assert reader.execute(AGREE).fetchall() == [(1,)], "it was not ended"
    load(3, tables=changed)
    assert ask(url, AGREE) == [(3,)]


def test_of_two_publishers_one_waits_and_gives_up(
    url: str, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(1)
    monkeypatch.setattr(server, "LOCK_SECONDS", 1)
    with psycopg.connect(url) as other:
        other.execute(f"select pg_advisory_xact_lock({loading.LOCK_NUMBER})")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            load(2)
    assert ask(url, AGREE) == [(1,)]


# --- rows ----------------------------------------------------------------------------------------


def test_a_cycle_that_did_not_change_is_left_alone(url: str, load: Load) -> None:
    fixed = {name: select.replace("{version}", "7") for name, select in TABLES.items()}
    load(1, tables=fixed)
    written = "select cycle_id, min(xmin::text::bigint) from ilk.idx_scores group by 1 order by 1"
    before = dict(ask(url, written))
    changed = fixed["idx_scores"].replace("i / 7 as", "if(i % 3 = 1, 0, i / 7) as")
    load(2, tables=fixed | {"idx_scores": changed})
    after = dict(ask(url, written))
    assert {cycle for cycle in before if before[cycle] != after[cycle]} == {"c1"}
    assert ask(url, "select max(score) from ilk.idx_scores where cycle_id = 'c1'") == [(0,)]
    fewer = changed.replace(f"range({ROWS})", "range(2)")
    load(3, tables=fixed | {"idx_scores": fewer})
    assert ask(url, "select cycle_id, count(*) from ilk.idx_scores group by 1 order by 1") == [
        ("c0", 1),
        ("c1", 1),
    ]


def test_rows_that_somebody_took_away_come_again(url: str, load: Load) -> None:
    fixed = {name: select.replace("{version}", "7") for name, select in TABLES.items()}
    load(1, tables=fixed)
    with psycopg.connect(url) as hand:
        hand.execute("delete from ilk.idx_scores where row_number < 10")
    load(2, tables=fixed)
    assert ask(url, "select count(*) from ilk.idx_scores") == [(ROWS,)]


def test_a_parents_row_may_change_under_children_that_stay(url: str, load: Load) -> None:
    fixed = {name: select.replace("{version}", "7") for name, select in TABLES.items()}
    load(1, tables=fixed)
    load(2, tables=fixed | {"dim_cycles": TABLES["dim_cycles"]})
    assert ask(url, "select distinct version from ilk.dim_cycles") == [(2,)]


def test_a_row_that_refers_to_nothing_stops_the_load_not_the_commit(
    url: str, load: Load, tmp_path: Path
) -> None:
    load(1)
    less = TABLES["dim_cycles"].replace("range(3)", "range(2)")
    write_publication(tmp_path / "2", 2, tables=TABLES | {"dim_cycles": less})
    with connected(url) as connection:
        connection.execute("begin")
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            replace(connection, tmp_path / "2" / "ilk.duckdb", KNOWN, "id-2")
    assert ask(url, AGREE) == [(1,)]


# --- structure -----------------------------------------------------------------------------------


def columns_of(url: str, table: str) -> dict[str, str]:
    return dict(
        ask(
            url,
            "select column_name, data_type from information_schema.columns"
            f" where table_schema = 'ilk' and table_name = '{table}'",
        )
    )


def test_a_column_a_type_a_table_a_view_may_come_change_and_go(url: str, load: Load) -> None:
    load(1, tables=TABLES | {"dim_old": "select {version} as version"})
    assert columns_of(url, "idx_scores")["score"] == "double precision"
    changed = TABLES["idx_scores"].replace("i / 7 as score", "'a' as score, true as is_new")
    known = KNOWN | {"v_latest": said("v_latest", view="select 'x' as other from dim_cycles")}
    load(2, tables=TABLES | {"idx_scores": changed, "dim_new": "select 1 as one"}, known=known)
    assert columns_of(url, "idx_scores")["score"] == "text"
    assert columns_of(url, "idx_scores")["is_new"] == "boolean"
    assert columns_of(url, "v_latest") == {"other": "text"}
    assert columns_of(url, "dim_old") == {}
    assert ask(url, "select one from ilk.dim_new") == [(1,)]
    load(3)
    assert columns_of(url, "idx_scores")["score"] == "double precision"
    assert "is_new" not in columns_of(url, "idx_scores")
    assert columns_of(url, "dim_new") == {}
    assert ask(url, AGREE) == [(3,)]


def test_keys_foreign_keys_and_indexes_are_declared(url: str, load: Load) -> None:
    load(1)
    load(2)  # as they are after a swap
    found = ask(
        url,
        "select conname, pg_get_constraintdef(oid) from pg_constraint"
        " where connamespace = 'ilk'::regnamespace order by 1",
    )
    assert found == [
        ("dim_cycles_key", "PRIMARY KEY (cycle_id)"),
        (
            "idx_scores_fkey_1",
            "FOREIGN KEY (cycle_id) REFERENCES ilk.dim_cycles(cycle_id)"
            " DEFERRABLE INITIALLY DEFERRED",
        ),
        ("idx_scores_key", "UNIQUE NULLS NOT DISTINCT (cycle_id, row_number, item_id)"),
    ]


def test_comments_are_in_both_languages(url: str, load: Load) -> None:
    load(1)
    of = "obj_description('ilk.{}'::regclass), col_description('ilk.{}'::regclass, {})"
    assert ask(url, f"select {of.format('idx_scores', 'idx_scores', 4)}") == [
        ("Satu baris per idx_scores / One row per idx_scores", "Skornya / It's the score")
    ]
    assert ask(url, "select obj_description('ilk.v_latest'::regclass)") == [
        ("Satu baris per v_latest / One row per v_latest",)
    ]


def test_every_column_of_the_record_says_what_it_is(url: str, load: Load) -> None:
    load(1)
    told = ask(
        url,
        "select col_description('ilk.publication'::regclass, number)"
        " from generate_series(1, 4) as of(number)",
    )
    assert all(comment is not None and " / " in comment for (comment,) in told)


def test_a_publication_of_before_takes_the_place_of_todays_and_the_other_way_round(
    url: str, load: Load, tmp_path: Path
) -> None:
    reasons = "select 'few' as null_reason, {version} as version"
    today_tables = {
        "dim_cycles": TABLES["dim_cycles"],
        "dim_null_reasons": reasons,
        "idx_scores": f"select *, null::varchar as null_reason from ({TABLES['idx_scores']})",
    }
    scores = KNOWN["idx_scores"]
    today = {
        "dim_cycles": KNOWN["dim_cycles"],
        "dim_null_reasons": said(
            "dim_null_reasons", key=("null_reason",), required=("null_reason",)
        ),
        "idx_scores": replace_spec(
            scores,
            foreign_keys=(
                *scores.foreign_keys,
                ForeignKey(("null_reason",), "dim_null_reasons", ("null_reason",)),
            ),
        ),
        "v_latest": said("v_latest", view="select cycle_id, null_reason from idx_scores"),
        "v_reasons": said("v_reasons", view="select null_reason from dim_null_reasons"),
    }
    load(1, known=today, tables=today_tables)
    before = write_publication(tmp_path / "2", 2)  # it has a view that today reads otherwise
    load_folder(url, tmp_path / "2", before, today)
    assert ask(url, "select distinct version from ilk.idx_scores") == [(2,)]
    relations = "select relname from pg_class where relnamespace = 'ilk'::regnamespace"
    assert ask(url, f"{relations} and relkind in ('r', 'v') order by 1") == [
        ("dim_cycles",),
        ("idx_scores",),
        ("publication",),
    ]
    with connected(url) as connection:
        assert loading.holds(connection, tmp_path / "2" / "ilk.duckdb", today, before)
    load(3, known=today, tables=today_tables)
    assert ask(url, "select null_reason from ilk.v_reasons") == [("few",)]
    assert ask(url, "select count(*) from ilk.v_latest") == [(ROWS,)]


def test_a_record_that_lost_its_row_says_in_short_what_to_do(url: str, load: Load) -> None:
    tables = TABLES | {f"dim_{number}": "select {version} as version" for number in range(30)}
    load(1, tables=tables)
    with psycopg.connect(url) as hand:
        hand.execute("delete from ilk.publication")
    with pytest.raises(PostgresError, match="drop schema ilk cascade") as raised:
        load(2, tables=tables)
    assert "Run that there, then any cycle" in str(raised.value)
    assert len(str(raised.value)) < 400
    with psycopg.connect(url) as hand:
        hand.execute("drop schema ilk cascade")
    load(3, tables=tables)
    assert ask(url, AGREE) == [(3,)]


def test_a_table_made_by_others_is_left_alone_and_named(url: str, load: Load) -> None:
    load(1)
    for name in ("theirs", "dim_new"):
        with psycopg.connect(url) as theirs:
            theirs.execute(f"create table ilk.{name} as select 1 as a")
    with pytest.raises(PostgresError, match="dim_new"):
        load(2, tables=TABLES | {"dim_new": "select 1 as one"})
    load(3, tables={"dim_cycles": TABLES["dim_cycles"]}, known={})
    assert ask(url, "select a from ilk.theirs union all select a from ilk.dim_new") == [(1,), (1,)]


def test_a_view_that_others_built_on_a_table_keeps_the_last_publication(
    url: str, load: Load
) -> None:
    load(1)
    with psycopg.connect(url) as theirs:
        theirs.execute("create view public.theirs as select score from ilk.idx_scores")
    load(2)
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        load(3, tables={"dim_cycles": TABLES["dim_cycles"]}, known={})
    assert ask(url, AGREE) == [(2,)]


def a_table(name: str, *columns: str, **said: Any) -> TableSpec:
    """A table of required texts; a column `name:TYPE` is of that type."""
    none = Words("", "")
    parts = [column.partition(":") for column in columns]
    made = (ColumnSpec(name, kind or "VARCHAR", none, none, "", True) for name, _, kind in parts)
    return TableSpec(
        name=name, label=none, description=none, columns=tuple(made),
        **{"key": (), "foreign_keys": (), "view": None} | said,
    )  # fmt: skip


def held(before: list[TableSpec], after: list[TableSpec]) -> tuple[set[str], set[str]]:
    """Tables that readers are kept from, and views that are made anew, from one to the other."""
    was, wanted = (
        structure({spec.name: spec for spec in specs}, version=15) for specs in (before, after)
    )
    found = Found(
        columns=was.tables,
        views=frozenset(was.views),
        links=frozenset((spec.name, key.table) for spec in before for key in spec.foreign_keys),
        marks=was.marks,
    )
    to_do = changes(wanted, found)
    return set(to_do.held), set(to_do.dropped_views)


DIM = a_table("dim_x", "id", key=("id",))
IDX = a_table("idx_x", "id", "score", foreign_keys=(ForeignKey(("id",), "dim_x", ("id",)),))
SEEN = a_table("v_x", "score", view="select score from idx_x")


def test_nothing_is_held_where_nothing_changes() -> None:
    assert held([DIM, IDX, SEEN], [DIM, IDX, SEEN]) == (set(), set())


def test_a_column_more_needs_the_table_alone() -> None:
    wider = replace_spec(IDX, columns=(*IDX.columns, *a_table("t", "more").columns))
    assert held([DIM, IDX, SEEN], [DIM, wider, SEEN]) == ({"idx_x"}, set())
    assert held([DIM, wider, SEEN], [DIM, IDX, SEEN]) == ({"idx_x"}, set()), "nor one less"


def test_another_type_takes_what_is_made_of_the_column() -> None:
    retyped = a_table("idx_x", "id", "score:DOUBLE", foreign_keys=IDX.foreign_keys)
    assert held([DIM, IDX, SEEN], [DIM, retyped, SEEN]) == ({"idx_x"}, {"v_x"})
    of_key = [a_table("dim_x", "id:INTEGER", key=("id",)), SEEN]
    both = [*of_key, a_table("idx_x", "id:INTEGER", "score", foreign_keys=IDX.foreign_keys)]
    assert held([DIM, IDX, SEEN], both) == ({"dim_x", "idx_x"}, set())


def test_another_view_needs_itself_alone() -> None:
    other = a_table("v_x", "score", view="select max(score) as score from idx_x")
    assert held([DIM, IDX, SEEN], [DIM, IDX, other]) == (set(), {"v_x"})
    assert held([DIM, IDX, SEEN], [DIM, IDX]) == (set(), {"v_x"})


def test_a_table_that_goes_takes_foreign_keys_to_it() -> None:
    alone = replace_spec(IDX, foreign_keys=())
    assert held([DIM, IDX], [alone]) == ({"dim_x", "idx_x"}, set())


def test_a_type_without_a_counterpart_is_refused() -> None:
    column = ColumnSpec("parts", "INTEGER[]", Words("", ""), Words("", ""), "", False)
    spec = TableSpec("idx_x", Words("", ""), Words("", ""), (column,), (), (), None)
    with pytest.raises(PostgresError, match=r"idx_x.parts: tipe INTEGER\[\]"):
        structure({"idx_x": spec}, version=15)


def test_before_version_15_a_key_with_nulls_is_a_plain_unique() -> None:
    column = ColumnSpec("item_id", "VARCHAR", Words("", ""), Words("", ""), "", False)
    spec = TableSpec("idx_x", Words("", ""), Words("", ""), (column,), ("item_id",), (), None)
    of = {version: structure({"idx_x": spec}, version=version) for version in (14, 15)}
    assert "unique (" in of[14].keys["idx_x"][0]
    assert "unique nulls not distinct (" in of[15].keys["idx_x"][0]


# --- roles ---------------------------------------------------------------------------------------


def test_the_readers_role_reads_everything_and_writes_nothing(
    postgres: PostgresServer, url: str, load: Load
) -> None:
    load(1)
    name = conninfo_to_dict(url)["dbname"]
    postgres.run(name, "drop role if exists bi; create role bi login in role ilk_reader")
    bi = postgres.url(name, "bi")
    assert ask(bi, AGREE) == [(1,)]
    for statement in (
        "insert into ilk.dim_cycles values ('x', 1)",
        "delete from ilk.idx_scores",
        "update ilk.publication set publication_id = 'x'",
        "truncate ilk.idx_scores",
        "drop view ilk.v_latest",
        "create table ilk.mine (a int)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(bi, statement)
    load(2, tables=TABLES | {"dim_new": "select 1 as one"})
    assert ask(bi, "select one from ilk.dim_new") == [(1,)], "a new table is granted too"


# --- values --------------------------------------------------------------------------------------


def test_values_arrive_to_the_bit(url: str, tmp_path: Path) -> None:
    texts = ["", "NULL", "\\N", "\\.", 'a "b" ,;', "two\nlines\r\nthree", "tab\tend\\", "ü€𝄞", None]
    doubles = [0.1 + 0.2, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3, None]
    folder = tmp_path / "1"
    folder.mkdir()
    with duckdb.connect(str(folder / "ilk.duckdb")) as connection:
        connection.execute(
            """
            create table t (
                n integer, words varchar, score double, is_x boolean, day_on date,
                seen timestamp, seen_zone timestamptz, weight decimal(12, 3), small smallint,
                big bigint, real float
            );
            create table one_column (words varchar)
            """
        )
        for number in range(9):
            connection.execute(
                "insert into t values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    number, texts[number], doubles[number % 6], [True, False, None][number % 3],
                    "1945-08-17", "2026-11-27 23:59:59.123456", "2026-11-27 23:59:59+07",
                    "-123456789.125", -32768, -(2**63), 0.1,
                ],
            )  # fmt: skip
            connection.execute("insert into one_column values (?)", [texts[number]])
    load_folder(url, folder, "id-1", {})
    with duckdb.connect(str(folder / "ilk.duckdb"), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        expected = connection.execute("select * from t order by n").fetchall()
        lines = connection.execute("select words from one_column").fetchall()
    with psycopg.connect(url, options="-c timezone=UTC") as reader:
        found = reader.execute("select * from ilk.t order by n").fetchall()
        assert sorted(map(repr, reader.execute("select words from ilk.one_column"))) == sorted(
            map(repr, lines)
        )
    assert [bits(row[2]) for row in found] == [bits(row[2]) for row in expected]
    assert [row[:-1] for row in found] == [row[:-1] for row in expected]
    assert [struct.pack("f", row[-1]) for row in found] == [struct.pack("f", 0.1)] * 9


def bits(value: float | None) -> bytes | None:
    return None if value is None else struct.pack("d", value)


def test_a_text_with_nul_is_refused_by_name_and_the_last_publication_stays(
    url: str, load: Load
) -> None:
    load(1)
    noted = TABLES["dim_cycles"].replace("{version} as", "chr(0) as note, {version} as")
    with pytest.raises(PostgresError, match=r"dim_cycles.note.*dari 3 baris"):
        load(2, tables=TABLES | {"dim_cycles": noted})
    assert ask(url, AGREE) == [(1,)]


def test_a_database_of_another_encoding_is_refused(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    latin = postgres.database(encoding="SQL_ASCII")
    write_publication(tmp_path / "1", 1)
    with pytest.raises(PostgresError, match="UTF8"):
        load_folder(latin, tmp_path / "1", "id-1")


@pytest.fixture(scope="module")
def sample_there(postgres: PostgresServer, sample: Sample) -> str:
    """A database that holds the sample's publication."""
    url = postgres.database()
    known = read_described(manifest_path(sample.settings))
    load_folder(url, sample.database.parent, "sample", known)
    return url


def test_what_bi_users_ask_is_answered_alike(sample: Sample, sample_there: str) -> None:
    with (
        duckdb.connect(str(sample.database), read_only=True) as files,
        psycopg.connect(sample_there, options="-c search_path=ilk") as reader,
    ):
        for question, select in bi_questions().items():
            found = reader.execute(select).fetchall()
            assert found == files.execute(select).fetchall(), question
            assert found, question


def test_every_table_of_the_sample_is_the_same_there(
    sample: Sample, sample_there: str, tmp_path: Path
) -> None:
    with (
        duckdb.connect(str(sample.database), read_only=True) as files,
        psycopg.connect(sample_there, options="-c timezone=UTC") as reader,
    ):
        relations = files.execute(
            "select table_name, list({'name': column_name, 'type': data_type})"
            " from duckdb_columns() where not internal group by all order by all"
        ).fetchall()
        assert len(relations) > 30
        for table, columns in relations:
            copied = tmp_path / f"{table}.csv"
            with (
                copied.open("wb") as file,
                reader.cursor().copy(f"copy (select * from ilk.{table}) to stdout csv") as rows,
            ):
                for block in rows:
                    file.write(block)
            types = {column["name"]: column["type"] for column in columns}
            names = [
                row[0]
                for row in reader.execute(
                    "select attname from pg_attribute where attrelid = %s::regclass"
                    " and attnum > 0 and not attisdropped order by attnum",
                    [f"ilk.{table}"],
                )
            ]
            assert sorted(names) == sorted(types)
            there = (
                f"read_csv('{copied}', header = false, auto_detect = false, delim = ',',"
                " quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false,"
                " columns = {" + ", ".join(f"'{name}': '{types[name]}'" for name in names) + "})"
            )
            files.execute(f"create or replace temp table there as from {there}")
            of = "select count(*), sum(hash(whole_row)) from {} as whole_row"
            [found] = files.execute(of.format("there")).fetchall()
            [expected] = files.execute(
                of.format(f"(select {', '.join(names)} from {table})")
            ).fetchall()
            assert found == expected, table


# --- killed --------------------------------------------------------------------------------------


def test_a_publisher_killed_in_the_middle_leaves_the_last_publication(
    url: str, load: Load, tmp_path: Path
) -> None:
    load(1)
    write_publication(tmp_path / "2", 2)
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, signal, sys; from pathlib import Path;"
            "sys.path.insert(0, sys.argv[1]);"
            "from orchestration.postgres import loading, server;"
            "from postgres_cases import KNOWN;"
            "loading._let_read = lambda *_: os.kill(os.getpid(), signal.SIGKILL);"
            "manager = server.connected(sys.argv[2]); connection = manager.__enter__();"
            "connection.execute('begin');"
            "loading.replace(connection, Path(sys.argv[3]), KNOWN, 'id-2')",
            str(Path(__file__).parent),
            url,
            str(tmp_path / "2" / "ilk.duckdb"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert killed.returncode == -9, killed.stderr
    assert ask(url, AGREE) == [(1,)]
    load_folder(url, tmp_path / "2", "id-2")
    assert ask(url, AGREE) == [(2,)]


@pytest.fixture
def restarted(postgres: PostgresServer) -> Iterator[PostgresServer]:
    """The server, which is up again after the test."""
    yield postgres
    try:
        postgres.run("postgres", "select 1")
    except psycopg.OperationalError:
        postgres.start()


def test_a_server_killed_in_the_middle_holds_the_last_publication_when_it_is_back(
    restarted: PostgresServer, url: str, load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    load(1)
    fill = loading._fill

    def kill_then_fill(*arguments: Any, **said: Any) -> None:
        if "idx_scores" in arguments:
            restarted.kill()
        fill(*arguments, **said)

    with monkeypatch.context() as patched:
        patched.setattr(loading, "_fill", kill_then_fill)
        with pytest.raises(psycopg.OperationalError):
            load(2)
    restarted.start()
    assert ask(url, AGREE) == [(1,)]
    with connected(url) as connection:
        assert published_there(connection) == "id-1"
    load_folder(url, tmp_path / "2", "id-2")
    assert ask(url, AGREE) == [(2,)]
