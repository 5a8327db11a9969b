"""The rule of time: what is new, what is kept as it stands, and what waits for the window's end."""

import dataclasses
import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from publishing_cases import (
    CELL,
    CYCLE,
    DECLARED,
    Person,
    Unit,
    declared,
    group,
    write_warehouse,
)

from orchestration.publishing.publication import PublicationReport, publish
from orchestration.publishing.specifications import Described, ForeignKey, Words
from orchestration.publishing.standing import ShownAnswers, Timing
from orchestration.publishing.tables import Declaration

CLOSES_ON = date(2025, 7, 31)
PERSONS = group("u1", "upt", "r1", 40) + group("u2", "upt", "r1", 60)
MORE = [Person(Unit("u1", "upt", "r1"), "keduanya", "m")]
DOMAINS = {
    "dim_domains": Declaration(
        model=("marts", "dim_domains"),
        rows_of=("marts", "dim_domains"),
        grain=("cycle_id", "domain_type", "domain_id"),
        has_persons=True,
    )
}
WITH_DOMAINS = (
    "create table marts.dim_domains as select distinct cycle_id, domain_type, domain_id"
    " from figures.shown_scores"
)
CHANGES = declared("indexes", "idx_changes", *CELL, "previous_cycle_id", is_over_two_cycles=True)


def published_after(
    folder: Path,
    persons: list[Person],
    *,
    shift: float = 0.0,
    today: date = CLOSES_ON + timedelta(days=1),
    sql: str = "",
    **arguments,
) -> PublicationReport:
    """Publish a warehouse of these persons; `shift` moves every score, as another method would."""
    warehouse = folder / "warehouse.duckdb"
    write_warehouse(warehouse, persons, shift=shift)
    with duckdb.connect(warehouse) as connection:
        connection.execute(sql or "select 1")
    return publish(
        **{
            "warehouse": warehouse,
            "declared": DECLARED,
            "data_dir": folder,
            "fingerprint": {"persons": str(len(persons))},
            "today": today,
            **arguments,
        }
    )


def shown(folder: Path, sql: str) -> list[tuple]:
    with duckdb.connect((folder / "published/ilk.duckdb").resolve(), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def national(folder: Path) -> float:
    [(score,)] = shown(
        folder,
        "select score from idx_scores where domain_type = 'national' and component_type = 'index'"
        " and weighting_mode = 'none'",
    )
    return score


def everything(folder: Path) -> dict[str, list[tuple]]:
    return {name: shown(folder, f"from {name} order by all") for name in DECLARED}


# --- the window --------------------------------------------------------------------------------


def test_scores_are_published_on_the_day_after_the_window_and_participation_in_it(tmp_path):
    open_still = published_after(tmp_path, PERSONS, today=CLOSES_ON)
    assert open_still.timing == Timing(opened=(CYCLE,))
    assert open_still.row_counts["idx_scores"] == 0
    assert open_still.row_counts["fct_participation"] == 2
    assert shown(tmp_path, "select count(*) from dim_cycles") == [(1,)]

    # One person more on the last day: nothing was shown that could be compared with.
    closed = published_after(tmp_path, PERSONS + MORE)
    assert closed.timing == Timing()
    assert closed.row_counts["idx_scores"] > 0


def test_a_cycle_that_opens_again_keeps_its_scores_as_they_stand(tmp_path):
    published_after(tmp_path, PERSONS)
    score = national(tmp_path)
    again = published_after(tmp_path, PERSONS + MORE * 20, shift=0.1, today=CLOSES_ON)
    assert again.timing.standing == (CYCLE,)
    assert national(tmp_path) == score


def test_a_change_against_a_cycle_whose_window_is_open_waits_for_it(tmp_path):
    sql = next_cycle(opens="date '2025-07-01'", closes="date '2025-07-10'")
    published_after(tmp_path, PERSONS, today=CLOSES_ON, sql=sql, declared=DECLARED | CHANGES)
    assert shown(tmp_path, "select count(*) from idx_changes") == [(0,)]


def test_which_groups_answered_is_told_with_the_scores_and_stands_with_them(tmp_path):
    genders = "select domain_id from dim_domains where domain_type = 'gender' order by all"

    def publish_domains(persons: list[Person], **arguments) -> list[tuple]:
        published_after(
            tmp_path, persons, sql=WITH_DOMAINS, declared=DECLARED | DOMAINS, **arguments
        )
        return shown(tmp_path, genders)

    before = publish_domains(PERSONS, today=CLOSES_ON)
    assert before == []
    told = publish_domains(PERSONS)
    assert told
    another = [Person(Unit("u1", "upt", "r1"), "keduanya", "another")]
    assert publish_domains(PERSONS + another) == told


def test_domains_of_a_cycle_that_stands_since_an_older_version_are_those_of_its_scores(tmp_path):
    published_after(tmp_path, PERSONS)
    another = [Person(Unit("u1", "upt", "r1"), "keduanya", "another")]
    published_after(tmp_path, PERSONS + another, sql=WITH_DOMAINS, declared=DECLARED | DOMAINS)
    domains = "select cycle_id, domain_type, domain_id from"
    assert shown(tmp_path, f"{domains} dim_domains order by all") == shown(
        tmp_path, f"{domains} (select distinct * from ({domains} idx_scores)) order by all"
    )
    assert shown(tmp_path, "select 1 from dim_domains where domain_id = 'another'") == []


# --- few persons differ ------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 9])
def test_fewer_than_min_cell_n_further_persons_leave_every_figure_as_it_stands(tmp_path, count):
    published_after(tmp_path, PERSONS)
    before = everything(tmp_path)
    report = published_after(tmp_path, PERSONS + MORE * count, shift=0.1)
    assert report.timing.standing == (CYCLE,)
    assert everything(tmp_path) == before
    [sentence] = report.timing.sentences
    assert "fewer than 10 persons changed" in sentence


def test_min_cell_n_further_persons_make_new_figures(tmp_path):
    published_after(tmp_path, PERSONS)
    score = national(tmp_path)
    report = published_after(tmp_path, PERSONS + MORE * 10, shift=0.1)
    assert report.timing == Timing()
    assert national(tmp_path) != score


def test_the_same_persons_make_new_figures_with_another_method_or_in_renamed_files(tmp_path):
    published_after(tmp_path, PERSONS)
    score = national(tmp_path)
    report = published_after(
        tmp_path,
        list(reversed(PERSONS)),
        shift=0.1,
        sql="update people.ratings_contributions set _file_sha256 = 'another'",
    )
    assert report.timing == Timing()
    assert national(tmp_path) == pytest.approx(score + 0.1)


def test_a_person_who_went_and_one_who_changed_an_answer_count(tmp_path):
    published_after(tmp_path, PERSONS)
    assert published_after(tmp_path, PERSONS[1:]).timing.standing == (CYCLE,)
    changed = [dataclasses.replace(PERSONS[0], gender="m"), *PERSONS[1:]]
    assert published_after(tmp_path, changed).timing.standing == (CYCLE,)


def test_what_is_published_differs_enough_from_every_earlier_publication(tmp_path):
    published_after(tmp_path, PERSONS)
    assert published_after(tmp_path, PERSONS + MORE * 12).timing == Timing()
    # 11 fewer than the last one, but one more than the first, which a reader may have kept.
    assert published_after(tmp_path, PERSONS + MORE).timing.standing == (CYCLE,)
    assert published_after(tmp_path, PERSONS + MORE * 13).timing.standing == (CYCLE,)
    assert published_after(tmp_path, PERSONS).timing == Timing()


def test_ten_persons_one_after_the_other_make_new_figures_together(tmp_path):
    published_after(tmp_path, PERSONS)
    timings = [
        published_after(tmp_path, PERSONS + MORE * count).timing.standing for count in (3, 6, 9, 12)
    ]
    assert timings == [(CYCLE,), (CYCLE,), (CYCLE,), ()]


def next_cycle(*, opens: str = "date '2025-08-01'", closes: str = "date '2025-08-31'") -> str:
    """A second cycle of other persons, compared with the first."""
    return f"""
        insert into marts.dim_cycles by name
            select * replace (
                'next' as cycle_id, '{CYCLE}' as previous_cycle_id,
                {opens} as opens_on, {closes} as closes_on
            ) from marts.dim_cycles;
        insert into people.ratings_contributions
            select 'next', 'its export', _source_row, answers, other_demographics
            from people.ratings_contributions;
        insert into indexes.idx_scores
            select * replace ('next' as cycle_id) from indexes.idx_scores;
        insert into figures.disclosure_hidden_cells
            select * replace ('next' as cycle_id) from figures.disclosure_hidden_cells;
        create table indexes.idx_changes as
            select 'next' as cycle_id, '{CYCLE}' as previous_cycle_id, domain_type, domain_id,
                service_id, perspective_id, item_id, score - 3 as delta
            from indexes.idx_scores
            where cycle_id = 'next' and component_type = 'index' and weighting_mode = 'none';
    """


def test_the_next_cycles_change_against_a_cycle_that_stands_stands_too(tmp_path):
    later = {"today": date(2025, 9, 1), "declared": DECLARED | CHANGES}
    published_after(tmp_path, PERSONS, sql=next_cycle(), **later)
    changes = shown(tmp_path, "from idx_changes order by all")
    assert changes
    # One further person of the first cycle; of the next, none.
    report = published_after(
        tmp_path,
        PERSONS + MORE,
        sql=next_cycle() + "delete from people.ratings_contributions where cycle_id = 'next' and"
        f" _source_row > {len(PERSONS)}",
        shift=0.1,
        **later,
    )
    assert report.timing.standing == (CYCLE,)
    assert shown(tmp_path, "from idx_changes order by all") == changes


def test_a_unit_taken_out_since_stays_beside_the_figures_that_stand(tmp_path):
    """Figures that stand name the units of their time: a foreign key must find them."""
    units = ForeignKey(("unit_id",), "dim_units", ("unit_id",))
    regions = ForeignKey(("region_id",), "dim_regions", ("region_id",))
    known = {
        name: Described(name, Words("", ""), Words("", ""), {}, key, links, None)
        for name, key, links in (
            ("fct_participation", (), (units,)),
            ("dim_units", ("unit_id",), (regions,)),
            ("dim_regions", ("region_id",), ()),
        )
    }
    made = "create table marts.dim_regions as select distinct region_id from marts.dim_units;"
    gone = "delete from marts.dim_units where unit_id = 'u2';"
    arguments = {
        "known": known,
        "declared": DECLARED | declared("marts", "dim_regions"),
    }
    persons = [*PERSONS, *group("u3", "upt", "r3", 20)]
    published_after(tmp_path, persons, sql=made, **arguments)
    units_then = shown(tmp_path, "from dim_units order by all")

    report = published_after(
        tmp_path, [*PERSONS[:-1], *group("u3", "upt", "r3", 20)], sql=made + gone, **arguments
    )
    assert report.timing.standing == (CYCLE,)
    assert shown(tmp_path, "from dim_units order by all") == units_then
    # With its unit, the region that nothing else names today.
    gone = "delete from marts.dim_units where unit_id = 'u3'; delete from marts.dim_regions where"
    published_after(tmp_path, persons[1:], sql=f"{made} {gone} region_id = 'r3'", **arguments)
    assert shown(tmp_path, "from dim_units order by all") == units_then
    assert shown(tmp_path, "from dim_regions order by all") == [("r1",), ("r3",)]
    # Figures that are new name the units of today.
    persons = [*persons, *MORE * 20]
    published_after(tmp_path, persons, sql=f"{made} {gone} region_id = 'r3'", **arguments)
    assert "u3" not in {unit for unit, *_ in shown(tmp_path, "select unit_id from dim_units")}


# --- the memory --------------------------------------------------------------------------------


def test_the_deleted_rows_of_a_cycle_that_stands_are_not_in_the_file(tmp_path):
    # DuckDB leaves deleted rows in a file: they must never have been written.
    published_after(tmp_path, PERSONS)
    report = published_after(tmp_path, PERSONS + MORE, sql="""
        update indexes.idx_scores set null_reason = 'not-to-be-found-anywhere'
    """)  # fmt: skip
    assert b"not-to-be-found" not in (report.folder / "ilk.duckdb").read_bytes()


@pytest.mark.parametrize("step", ["before the swap", "after the swap"])
def test_a_killed_run_leaves_the_memory_of_what_is_shown(tmp_path, monkeypatch, step):
    published_after(tmp_path, PERSONS)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        if step == "before the swap":
            killed.setattr("orchestration.publishing.swap.Building.show", die)
        else:
            killed.setattr(ShownAnswers, "confirm", die)
        published_after(tmp_path, PERSONS + MORE * 20)
    is_shown = step == "after the swap"
    # One person from the set that the killed run was about to show.
    again = published_after(tmp_path, PERSONS + MORE * 21)
    assert again.timing.standing == ((CYCLE,) if is_shown else ())


def test_a_cycle_whose_publication_is_lost_is_not_shown_with_few_persons_more(tmp_path):
    published_after(tmp_path, PERSONS)
    (tmp_path / "published").unlink()
    shutil.rmtree(tmp_path / "publications")
    report = published_after(tmp_path, PERSONS + MORE)
    assert report.timing.withheld == (CYCLE,)
    assert "Restore the last publication" in report.timing.sentences[0]
    assert (report.row_counts["idx_scores"], report.row_counts["fct_participation"]) == (0, 0)
    assert published_after(tmp_path, PERSONS).timing == Timing()


def test_a_set_that_an_older_version_remembered_counts_as_well(tmp_path):
    published_after(tmp_path, PERSONS)
    [path] = ShownAnswers(tmp_path).sets(CYCLE)
    old = path.with_name("old.parquet")
    duckdb.sql(f"copy (select * exclude (all_hash) from '{path}') to '{old}' (format parquet)")
    old.replace(path)
    assert published_after(tmp_path, PERSONS).timing == Timing()
    [first] = [file for file in ShownAnswers(tmp_path).sets(CYCLE) if file == path]
    assert "all_hash" not in duckdb.sql(f"from '{first}'").columns
    assert published_after(tmp_path, PERSONS + MORE).timing.standing == (CYCLE,)


def test_the_memory_names_nobody_and_forgets_who_is_to_be_forgotten(tmp_path):
    published_after(tmp_path, PERSONS)
    memory = ShownAnswers(tmp_path)
    [path] = memory.sets(CYCLE)
    known = f"from read_parquet('{path}')"
    hashed = duckdb.sql(f"select answers_hash, all_hash {known}").fetchall()
    hashes = {each for row in hashed for each in row}
    assert len(hashes) == 2  # two kinds of persons, by what they said
    assert not any(repr(person) in path.read_text("latin-1") for person in PERSONS)

    memory.blank({"the export": {3}})
    rows = duckdb.sql(f"select file_sha256, source_row, answers_hash, all_hash {known}").fetchall()
    assert sorted(row[1] for row in rows if row[1]) == [1, 2, *range(4, 101)]
    [gone] = [row for row in rows if row[0] is None]
    assert not {*gone[2:]} & hashes
    # The set without the forgotten person differs by one from the set with them.
    assert published_after(tmp_path, PERSONS[:2] + PERSONS[3:]).timing.standing == (CYCLE,)
