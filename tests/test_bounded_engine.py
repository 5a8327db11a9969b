"""DuckDB for whatever grows with people: its limit, where it spills, and that nobody goes without.

Belongs here: the engine; the border, the list of rejected rows and the proof that an erasure takes
out nothing else, under a limit. Doesn't: dbt's own limit (test_settings.py, faults/disks.py).
"""

import ast
import errno
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from orchestration.bounded_engine import SPILLED, BoundedEngine
from orchestration.exports.erasure import ErasureError, check_nothing_else_changed
from orchestration.run_lock import run_lock
from tests.small_cycle import SmallCycle, row
from tests.test_house_rules import obeyed
from tests.test_rooms import modules, named

# Who opens DuckDB without a limit, and why that doesn't grow with people.
WITHOUT_LIMIT = {
    "expectations.raw_files": "the registry",
    "expectations.file_profiles": "staff frames",
    "expectations.seeds": "seeds",
    "orchestration.cycles.fingerprints": "the registry",
    "orchestration.exports.forgotten": "rows pass by, those of forgotten people are kept",
    "orchestration.onboarding.sight": "the one file that a person looks at",
    "orchestration.lineage.tables": "the catalogue",
    "orchestration.response_files": "the catalogue",
    "orchestration.stages.unfit_cycles": "one row a cycle",
    "orchestration.stages.uneven_response": "figures",
    "orchestration.sample_plan": "the publication",
    "orchestration.auditing.final_cycles": "the publication",
    "orchestration.auditing.reproduction": "publications",
    "orchestration.auditing.rollback": "publications",
    "orchestration.postgres.loading": "the publication",
    "orchestration.publishing.data_package": "the publication",
    "orchestration.publishing.publication": "the publication",
    "orchestration.publishing.reading.book": "the publication",
    "orchestration.publishing.reading.headline": "the publication",
    "orchestration.publishing.region_files": "the publication",
    "orchestration.publishing.reports.build": "the publication",
    "orchestration.publishing.spreadsheets": "the publication",
    "orchestration.publishing.standing": "what publications have shown",
}


class OnOneCore(BoundedEngine):
    """One whose need of memory is the same on any machine: each thread has buffers of its own."""

    @contextmanager
    def opened(self, **settings: int | bool | str) -> Iterator[duckdb.DuckDBPyConnection]:
        with super().opened(threads=1, **settings) as connection:
            yield connection


class WithoutPlace(OnOneCore):
    """One that may spill nowhere."""

    @contextmanager
    def opened(self, **settings: int | bool | str) -> Iterator[duckdb.DuckDBPyConnection]:
        with super().opened(temp_directory="", **settings) as connection:
            yield connection


def test_what_spills_is_its_owners_alone_and_gone_afterwards(tmp_path: Path):
    place = tmp_path / SPILLED
    with BoundedEngine("60MB", place).opened(threads=1) as connection:
        connection.execute("create table many as select random() as n from range(20_000_000)")
        files = [path for path in place.rglob("*") if path.is_file()]
        assert files, "160 MB are more than 60"
        [folder] = place.iterdir()
        assert [stat.S_IMODE(of.stat().st_mode) for of in (place, folder)] == [0o700, 0o700]
    assert list(place.iterdir()) == []


def test_where_the_data_may_only_be_read_it_spills_into_the_systems_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refused(code: int) -> None:
        def make(folder: Path) -> None:
            raise OSError(code, "refused", str(folder))

        monkeypatch.setattr("orchestration.bounded_engine.make_private", make)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    engine = BoundedEngine("60MB", tmp_path / "data" / SPILLED)
    for code in (errno.EROFS, errno.EACCES):
        refused(code)
        with engine.scratch() as folder:
            assert folder.parent == tmp_path
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert list(tmp_path.iterdir()) == []
    refused(errno.ENOSPC)
    with pytest.raises(OSError, match="refused"), engine.scratch():
        pass


def test_what_a_killed_process_spilled_goes_with_the_next_run(tmp_path: Path):
    left = tmp_path / SPILLED / ".spilled-x" / "duckdb_temp_storage-0.tmp"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"3201011234567890")
    with run_lock(tmp_path):
        assert not (tmp_path / SPILLED).exists()


def test_who_reads_rows_of_people_has_a_limit():
    opening = {
        named(path)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "duckdb.connect"
    }
    obeyed(
        opening ^ {*WITHOUT_LIMIT, "orchestration.bounded_engine"},
        "open it by settings.engine (BoundedEngine), or say in WITHOUT_LIMIT why what it reads "
        "doesn't grow with people",
    )


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> SmallCycle:
    """People enough for a border of some tens of MB; some answer twice, some rows come again."""
    cycle = SmallCycle(tmp_path_factory.mktemp("many"))
    people = 200_000
    rows = [row(n % 3600, nip=f"19870101{n:010}").split(",", 1) for n in range(people)]
    told = [f"R-{n:012},{rest}" for n, (_, rest) in enumerate(rows)]
    cycle.drop("c1/p/a.csv", told[: people // 2])
    again = [f"R-{n:012}-b,{rest}" for n, (_, rest) in enumerate(rows[: people // 6])]
    cycle.drop("c1/p/b.csv", [*told[people // 2 - 500 :], *again])
    return cycle


def test_a_border_that_spills_says_the_same(many: SmallCycle, tmp_path: Path):
    place = many.data / SPILLED
    ample = many.check("c1")
    assert not all(outcome.passed for outcome in ample["export_files"])
    limit = "31MB"  # 26 are too few with a place, 36 enough without
    with pytest.raises(duckdb.OutOfMemoryException):
        many.check("c1", WithoutPlace(limit, tmp_path / SPILLED))
    assert many.check("c1", OnOneCore(limit, place)) == ample
    assert list(place.iterdir()) == []


def test_that_an_erasure_takes_out_nothing_else_is_proved_within_the_limit(tmp_path: Path):
    before, after = tmp_path / "before.parquet", tmp_path / "after.parquet"
    with duckdb.connect() as connection:
        for path, kept in ((before, "true"), (after, "n <> 7")):
            connection.execute(
                f"copy (select n as _source_row, '' as _file_sha256, '' as _pulled_at,"
                f" md5(n::varchar) as answer from range(400_000) as of_file(n) where {kept})"
                f" to '{path}' (format parquet)"
            )
    limit = "100MB"  # 60 are too few with a place, 140 without
    with pytest.raises(duckdb.OutOfMemoryException):
        check_nothing_else_changed(
            WithoutPlace(limit, tmp_path / SPILLED), before, after, erased={7}
        )
    engine = OnOneCore(limit, tmp_path / SPILLED)
    check_nothing_else_changed(engine, before, after, erased={7})
    with pytest.raises(ErasureError, match=r"\(2 differ\)"):
        check_nothing_else_changed(engine, before, after, erased={8})
