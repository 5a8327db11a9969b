"""A publication: what it holds, and that readers meet the last one whole or the next one whole."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from publishing_cases import (
    CELL,
    CYCLE,
    DECLARED,
    FIGURES,
    Person,
    Unit,
    declared,
    group,
    write_warehouse,
)

from orchestration.publishing import PublicationError, publication, swap
from orchestration.publishing.checksums import differing_files
from orchestration.publishing.publication import PublicationReport, table_checksums
from orchestration.publishing.publication import publish as publish_declared
from orchestration.settings import REPOSITORY

PERSONS = (
    group("u1", "upt", "r1", 5)
    + group("u2", "upt", "r1", 15)
    + group("u3", "upt", "r1", 20)
    + group("u4", "upt", "r2", 30)
    + [Person(Unit("w1", "wilayah", "r2"), "individu_pegawai", "m")] * 40
)
FINGERPRINT = {"code": "abc", "seeds": "def"}
PUBLISHED = {"dim_cycles", "dim_units", "fct_participation", "idx_scores"}


def publish(**arguments) -> PublicationReport:
    return publish_declared(**{"declared": DECLARED, **arguments})


@pytest.fixture
def warehouse(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    write_warehouse(path, PERSONS)
    return path


def published(data_dir: Path, query: str):
    with duckdb.connect((data_dir / "published/ilk.duckdb").resolve(), read_only=True) as reader:
        return reader.execute(query).fetchall()


def publish_again(warehouse: Path, *, shift: float):
    write_warehouse(warehouse, PERSONS, shift=shift)
    return publish(warehouse=warehouse, data_dir=warehouse.parent, fingerprint=FINGERPRINT)


def entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# --- what it holds -----------------------------------------------------------------------------


def test_every_declared_table_is_published_as_duckdb_and_parquet_and_no_other(warehouse):
    report = publish(warehouse=warehouse, data_dir=warehouse.parent, fingerprint=FINGERPRINT)
    link = warehouse.parent / "published"
    assert link.is_symlink()
    assert link.readlink() == Path("publications") / report.publication_id
    assert set(report.row_counts) == PUBLISHED
    tables = published(
        warehouse.parent, "select table_schema, table_name from information_schema.tables"
    )
    assert set(tables) == {("main", table) for table in PUBLISHED}
    for table in PUBLISHED:
        parquet = duckdb.read_parquet(str(link / "parquet" / table / f"{table}.parquet"))
        assert parquet.count("*").fetchall() == [(report.row_counts[table],)]
        assert (link / "csv" / f"{table}.csv").is_file()
    assert json.loads((link / "publication.json").read_text(encoding="utf-8"))["fingerprint"] == (
        FINGERPRINT
    )
    assert not (link / "xlsx").exists(), "workbooks come with the pages"
    package = json.loads((link / "datapackage.json").read_text(encoding="utf-8"))
    assert package["id"] == report.publication_id
    assert differing_files(link) == []


def test_a_hidden_row_keeps_its_keys_and_no_figure_in_both_weighting_modes(warehouse):
    publish(warehouse=warehouse, data_dir=warehouse.parent, fingerprint=FINGERPRINT)
    shown = " or ".join(f"{figure} is not null" for figure in FIGURES)
    assert published(
        warehouse.parent,
        f"select count(*) from idx_scores where is_suppressed and ({shown})",
    ) == [(0,)]
    hidden = published(
        warehouse.parent,
        """
        select distinct weighting_mode, domain_id from idx_scores
        where is_suppressed and domain_type = 'provider_unit' and component_type = 'index'
        """,
    )
    assert set(hidden) == {(mode, unit) for mode in ("none", "poststrat") for unit in ("u1", "u2")}


def test_the_median_of_units_is_taken_over_the_shown_ones_and_the_equal_level_stays(warehouse):
    publish(warehouse=warehouse, data_dir=warehouse.parent, fingerprint=FINGERPRINT)
    of_shown = """
        select weighting_mode, median(score) as score from idx_scores
        where domain_type = 'provider_unit' and component_type = 'index' and not is_suppressed
        group by all order by all
    """
    kept = "select weighting_mode, score from idx_scores where domain_type = '{}' order by all"
    of_publication = published(warehouse.parent, kept.format("unit_median"))
    assert of_publication == published(warehouse.parent, of_shown)
    with duckdb.connect(warehouse, read_only=True) as inside:
        of_all = inside.execute(
            f"from ({kept.format('unit_median').replace('idx_scores', 'indexes.idx_scores')})"
        ).fetchall()
        equal_level = inside.execute(
            kept.format("equal_level").replace("idx_scores", "indexes.idx_scores")
        ).fetchall()
    assert of_publication != of_all
    assert published(warehouse.parent, kept.format("equal_level")) == equal_level


def test_other_index_tables_lose_the_figures_of_hidden_cells(warehouse):
    # A coverage has a service and no perspective: it is judged as the service.
    with duckdb.connect(warehouse) as inside:
        inside.execute(
            """
            create table indexes.idx_coverage as
            select distinct cycle_id, domain_type, domain_id, service_id, 0.5 as availability
            from indexes.idx_scores where component_type = 'service'
            """
        )
    keys = ("cycle_id", "domain_type", "domain_id", "service_id")
    publish(
        warehouse=warehouse,
        declared=DECLARED | declared("indexes", "idx_coverage", *keys),
        data_dir=warehouse.parent,
        fingerprint=FINGERPRINT,
    )
    assert published(
        warehouse.parent,
        """
        select
            bool_or(coverage.is_suppressed),
            bool_and(coverage.is_suppressed = (availability is null)),
            bool_and(coverage.is_suppressed = scores.is_suppressed)
        from idx_coverage as coverage
        join idx_scores as scores using (cycle_id, domain_type, domain_id, service_id)
        where component_type = 'service'
        """,
    ) == [(True, True, True)]


def test_a_change_is_hidden_where_the_earlier_cycle_was(warehouse):
    with duckdb.connect(warehouse) as inside:
        inside.execute(
            f"""
            insert into marts.dim_cycles by name
                select * replace ('next' as cycle_id, '{CYCLE}' as previous_cycle_id)
                from marts.dim_cycles;
            create table indexes.idx_changes as
                select * replace ('next' as cycle_id), 0.1 as delta from (
                    select cycle_id, domain_type, domain_id, service_id, perspective_id, item_id
                    from indexes.idx_scores
                    where component_type = 'index' and weighting_mode = 'none'
                )
            """
        )
    publish(
        warehouse=warehouse,
        declared=DECLARED | declared("indexes", "idx_changes", *CELL, is_over_two_cycles=True),
        data_dir=warehouse.parent,
        fingerprint=FINGERPRINT,
    )
    hidden = "select domain_id from idx_changes where is_suppressed and delta is null order by all"
    assert published(warehouse.parent, hidden) == [("u1",), ("u2",)]


def test_a_client_of_duckdb_1_reads_the_file(warehouse):
    publish(warehouse=warehouse, data_dir=warehouse.parent, fingerprint=FINGERPRINT)
    uv = shutil.which("uv") or str(REPOSITORY / ".uv/bin/uv")  # as the Makefile finds it
    client = [uv, "run", "--no-project", "--isolated", "--with", "duckdb==1.2.2", "python", "-c"]
    try:
        subprocess.run([*client, "import duckdb"], check=True, capture_output=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"skipped: DuckDB 1.2.2 can't be installed here: {error}")
        pytest.skip(f"DuckDB 1.2.2 can't be installed here: {error}")
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); "
        "print(duckdb.__version__, c.execute('select count(*) from idx_scores').fetchone()[0])"
    )
    file = str(warehouse.parent / "published/ilk.duckdb")
    answer = subprocess.run(
        [*client, code, file], capture_output=True, text=True, encoding="utf-8", timeout=120
    )
    rows = published(warehouse.parent, "select count(*) from idx_scores")[0][0]
    assert answer.stdout.split() == ["1.2.2", str(rows)], answer.stderr


# --- what is refused ---------------------------------------------------------------------------


def test_a_declaration_with_a_fault_is_refused_in_its_words(warehouse):
    faulty = dataclasses.replace(DECLARED["dim_units"], faults=("has response_key: drop it",))
    with pytest.raises(PublicationError, match="dim_units has response_key: drop it"):
        publish(
            warehouse=warehouse,
            declared=DECLARED | {"dim_units": faulty},
            data_dir=warehouse.parent,
            fingerprint=FINGERPRINT,
        )
    assert not (warehouse.parent / "published").exists()


def test_a_declared_table_that_the_warehouse_lacks_is_named(warehouse):
    with pytest.raises(PublicationError, match=r"has no indexes\.idx_new, whose rows"):
        publish(
            warehouse=warehouse,
            declared=DECLARED | declared("indexes", "idx_new"),
            data_dir=warehouse.parent,
            fingerprint=FINGERPRINT,
        )


def test_the_rows_of_another_model_are_published_under_a_tables_name(warehouse):
    with duckdb.connect(warehouse) as inside:
        inside.execute(
            """
            create table figures.shown_units as
                select unit_id, 7 as step from marts.dim_units where unit_id <> 'u1'
            """
        )
    shown = dataclasses.replace(DECLARED["dim_units"], rows_of=("figures", "shown_units"))
    publish(
        warehouse=warehouse,
        declared=DECLARED | {"dim_units": shown},
        data_dir=warehouse.parent,
        fingerprint=FINGERPRINT,
    )
    assert published(warehouse.parent, "select unit_id, step from dim_units order by all") == [
        ("u2", 7), ("u3", 7), ("u4", 7), ("w1", 7)
    ]  # fmt: skip


def test_a_small_cell_that_nobody_judged_is_refused_with_its_cycle(warehouse):
    with duckdb.connect(warehouse) as inside:
        inside.execute(
            "update figures.shown_scores set is_suppressed = false "
            "where domain_id = 'u1' and service_id = 'umum' and item_id is null"
        )
    with pytest.raises(PublicationError, match=f"{CYCLE}: .* run the cycle again"):
        publish(warehouse=warehouse, data_dir=warehouse.parent, fingerprint=FINGERPRINT)


def test_a_missing_warehouse_is_named(tmp_path):
    with pytest.raises(PublicationError, match="There is no warehouse"):
        publish(warehouse=tmp_path / "none.duckdb", data_dir=tmp_path, fingerprint={})


def test_a_warehouse_that_is_being_written_is_not_published(warehouse):
    with (
        duckdb.connect(warehouse),
        pytest.raises(PublicationError, match="close what has it open"),
    ):
        publish(warehouse=warehouse, data_dir=warehouse.parent, fingerprint=FINGERPRINT)


def test_a_folder_in_the_place_of_the_link_is_not_replaced(warehouse):
    (warehouse.parent / "published").mkdir()
    with pytest.raises(PublicationError, match="move it out of the way"):
        publish(warehouse=warehouse, data_dir=warehouse.parent, fingerprint=FINGERPRINT)


# --- the swap ----------------------------------------------------------------------------------


def test_the_same_content_again_changes_nothing(warehouse):
    first = publish(warehouse=warehouse, data_dir=warehouse.parent, fingerprint=FINGERPRINT)
    inode = os.lstat(warehouse.parent / "published").st_ino
    second = publish_again(warehouse, shift=0.0)
    assert (first.is_new, second.is_new) == (True, False)
    assert second.publication_id == first.publication_id
    assert second.checksums == first.checksums == table_checksums(second.folder / "ilk.duckdb")
    assert os.lstat(warehouse.parent / "published").st_ino == inode
    assert entries(warehouse.parent / "publications") == {first.publication_id}


def test_other_scores_have_other_checksums_and_other_tables_the_same(warehouse):
    first = publish(warehouse=warehouse, data_dir=warehouse.parent, fingerprint=FINGERPRINT)
    second = publish_again(warehouse, shift=0.5)
    differing = {name for name in PUBLISHED if first.checksums[name] != second.checksums[name]}
    assert differing == {"idx_scores"}


def test_another_fingerprint_is_another_publication_with_equal_checksums(warehouse):
    first = publish(warehouse=warehouse, data_dir=warehouse.parent, fingerprint=FINGERPRINT)
    second = publish(warehouse=warehouse, data_dir=warehouse.parent, fingerprint={"code": "new"})
    assert second.publication_id != first.publication_id
    assert second.checksums == first.checksums


def test_as_many_publications_are_kept_as_asked_and_an_old_reader_keeps_its_file(warehouse):
    first = publish_again(warehouse, shift=0.0)
    reader = duckdb.connect(first.folder / "ilk.duckdb", read_only=True)
    ids = [publish_again(warehouse, shift=shift).publication_id for shift in (0.1, 0.2, 0.3)]
    assert entries(warehouse.parent / "publications") == set(ids), "three where nobody asks"
    kept = [folder.name for folder in swap.kept_publications(warehouse.parent)]
    assert kept == ids[::-1], "the one shown first"
    write_warehouse(warehouse, PERSONS, shift=0.4)
    last = publish(warehouse=warehouse, data_dir=warehouse.parent, fingerprint={}, kept=2)
    assert entries(warehouse.parent / "publications") == {ids[-1], last.publication_id}
    assert reader.execute("select count(*) from idx_scores").fetchall() == [
        (first.row_counts["idx_scores"],)
    ]
    reader.close()


def test_readers_meet_whole_publications_only_while_one_goes_back_and_forth(warehouse):
    folders = [publish_again(warehouse, shift=shift).folder for shift in (0.0, 0.1)]
    scores = [
        duckdb.sql(
            f"select distinct score from '{folder}/parquet/idx_scores/*.parquet' where"
            " domain_type = 'national' and weighting_mode = 'none' order by all"
        ).fetchall()
        for folder in folders
    ]
    script = Path(__file__).with_name("hammering_reader.py")
    readers = [
        subprocess.Popen(
            [sys.executable, str(script), str(warehouse.parent)],
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        for _ in range(2)
    ]
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        for folder in folders:
            with swap.going_back(warehouse.parent) as show:
                show(folder)
            time.sleep(0.01)
    (warehouse.parent / "stop").touch()
    for reader in readers:
        said = json.loads(reader.communicate()[0])
        assert said["errors"] == []
        assert {tuple(seen) for seen in said["seen"]} == {
            tuple(score for (score,) in rows) for rows in scores
        }


def test_the_shown_publication_alone_can_be_kept(warehouse):
    first = publish_again(warehouse, shift=0.0)
    second = publish_again(warehouse, shift=0.1)
    assert swap.keep_the_shown_alone(warehouse.parent) == [first.publication_id]
    assert entries(warehouse.parent / "publications") == {second.publication_id}
    assert (warehouse.parent / "published").resolve() == second.folder.resolve()


def test_going_back_to_the_publication_before_needs_no_new_files(warehouse):
    first = publish_again(warehouse, shift=0.0)
    publish_again(warehouse, shift=0.1)
    back = publish_again(warehouse, shift=0.0)
    assert (back.publication_id, back.is_new) == (first.publication_id, False)
    assert (warehouse.parent / "published").resolve() == first.folder.resolve()


@pytest.mark.parametrize(
    ("room", "step"),
    [
        (publication, "shown_figures"),
        (publication, "_comments"),
        (publication, "_checksums"),
        (swap, "sync_tree"),
        (swap, "sync"),
        (swap, "_point"),
    ],
)
def test_a_failure_at_any_step_leaves_the_last_publication_and_no_debris(
    warehouse, monkeypatch, room, step
):
    first = publish_again(warehouse, shift=0.0)

    def fail(*arguments, **named):
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(room, step, fail)
        with pytest.raises(OSError, match="the disk is full"):
            publish_again(warehouse, shift=0.1)
    assert (warehouse.parent / "published").resolve() == first.folder.resolve()
    assert table_checksums(warehouse.parent / "published/ilk.duckdb") == first.checksums
    assert entries(warehouse.parent / "publications") == {first.publication_id}
    assert not entries(warehouse.parent / "spilled")
    assert entries(warehouse.parent) - {"spilled"} == {
        "warehouse.duckdb", "publications", "published", "audit"
    }  # fmt: skip
    assert entries(warehouse.parent / "audit/shown_answers") == {CYCLE, "salt", ".pending"}
    assert publish_again(warehouse, shift=0.1).row_counts == first.row_counts


def test_what_is_published_is_read_within_the_limit_of_memory(warehouse):
    """Who answered what is: by whom two publications differ."""
    told = {"warehouse": warehouse, "data_dir": warehouse.parent, "fingerprint": FINGERPRINT}
    with pytest.raises(duckdb.OutOfMemoryException):
        publish(**told, memory_limit="1MB")
    assert publish(**told, memory_limit="1GB").is_new


def test_pages_are_swapped_with_the_tables_that_they_were_made_from(warehouse, monkeypatch):
    def write_site(database, folder, *_):
        folder.mkdir()
        scores = json.dumps(table_checksums(database))
        (folder / "index.html").write_text(scores, encoding="utf-8")

    def fail(*_):
        raise OSError("the disk is full")

    def publish_pages(shift: float):
        write_warehouse(warehouse, PERSONS, shift=shift)
        return publish(
            warehouse=warehouse,
            data_dir=warehouse.parent,
            fingerprint=FINGERPRINT,
            with_pages=True,
        )

    pages = warehouse.parent / "published/site/index.html"
    for shift in (0.0, 0.1):
        monkeypatch.setattr(publication, "write_site", write_site)
        shown = publish_pages(shift)
        assert json.loads(pages.read_text(encoding="utf-8")) == shown.checksums
        assert {path.stem for path in (shown.folder / "xlsx").iterdir()} == PUBLISHED
        assert differing_files(shown.folder) == []
        monkeypatch.setattr(publication, "write_site", fail)
        with pytest.raises(OSError, match="the disk is full"):
            publish_pages(0.2)
        assert json.loads(pages.read_text(encoding="utf-8")) == shown.checksums
        assert shown.publication_id in entries(warehouse.parent / "publications")


def test_a_second_publication_at_the_same_time_is_refused(warehouse):
    with (
        swap.next_publication(warehouse.parent),
        pytest.raises(PublicationError, match="Another publication is being written"),
    ):
        publish(warehouse=warehouse, data_dir=warehouse.parent, fingerprint=FINGERPRINT)


def test_a_killed_publication_leaves_the_last_one_and_the_next_clears_up(warehouse):
    first = publish_again(warehouse, shift=0.0)
    write_warehouse(warehouse, PERSONS, shift=0.1)
    code = (
        "from pathlib import Path; import sys;"
        "from publishing_cases import DECLARED;"
        "from orchestration.publishing.publication import publish;"
        "publish(warehouse=Path(sys.argv[1]), declared=DECLARED, data_dir=Path(sys.argv[2]),"
        " fingerprint={})"
    )
    started = [sys.executable, "-c", code, str(warehouse), str(warehouse.parent)]
    building = warehouse.parent / "publications/.building"
    found = os.pathsep.join(
        [str(Path(publication.__file__).parents[2]), str(Path(__file__).parent)]
    )
    process = subprocess.Popen(started, env=os.environ | {"PYTHONPATH": found})
    while process.poll() is None and not (building / "ilk.duckdb").exists():
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert building.exists(), "the process was to be killed while it wrote"
    assert table_checksums(warehouse.parent / "published/ilk.duckdb") == first.checksums
    second = publish(warehouse=warehouse, data_dir=warehouse.parent, fingerprint=FINGERPRINT)
    assert entries(warehouse.parent / "publications") == {
        first.publication_id,
        second.publication_id,
    }
    assert table_checksums(warehouse.parent / "published/ilk.duckdb") == second.checksums


def test_hammering_readers_meet_whole_publications_only(warehouse):
    expected = []
    readers = []
    for number in range(6):
        publish_again(warehouse, shift=number / 100)
        expected.append(
            [row[0] for row in published(
                warehouse.parent,
                "select distinct score from idx_scores "
                "where domain_type = 'national' and weighting_mode = 'none' order by all",
            )]
        )  # fmt: skip
        if not readers:
            script = Path(__file__).with_name("hammering_reader.py")
            readers = [
                subprocess.Popen(
                    [sys.executable, str(script), str(warehouse.parent)],
                    stdout=subprocess.PIPE, text=True, encoding="utf-8",
                )
                for _ in range(2)
            ]  # fmt: skip
            time.sleep(0.5)
    (warehouse.parent / "stop").touch()
    for reader in readers:
        saw = json.loads(reader.communicate(timeout=60)[0])
        assert saw["errors"] == []
        places = [expected.index(scores) for scores in saw["seen"]]
        assert places == sorted(places)
        assert len(places) > 1


def test_the_data_folder_can_be_moved(warehouse, tmp_path):
    publish(warehouse=warehouse, data_dir=warehouse.parent, fingerprint=FINGERPRINT)
    moved = shutil.move(warehouse.parent, tmp_path.with_name(tmp_path.name + "-moved"))
    assert (Path(moved) / "published/ilk.duckdb").is_file()
