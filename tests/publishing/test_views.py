"""The views and the keys of published tables: one grain, figures as the tables have them.

Belongs here: what a BI tool relies on, over the publication of the sample. Doesn't: what is hidden
(test_disclosure_control.py), PostgreSQL (its own tests run the same text).
"""

import json
import shutil
import subprocess
from collections.abc import Iterator

import duckdb
import pytest

from orchestration.dbt_build import manifest_path
from orchestration.publishing.specifications import TableSpec, read_described, specifications
from orchestration.settings import REPOSITORY
from tests.conftest import Sample
from tests.publishing.bi_questions import bi_questions

# The figure that null_reason speaks of, by table: NULL where there is a reason, and nowhere else.
MAIN_FIGURE = {
    "audit_reconciliation": "valid_count",
    "audit_restatements": None,  # a text or a number, or none on either side
    "fct_participation": "response_rate",
    "fct_participation_days": "required_sample_share",
    "fct_strata": "weight",
    "idx_change_parts": "part",
    "idx_changes": "delta",
    "idx_coverage": "availability",
    "idx_drivers": None,  # the ILK's instrument asks of none
    "idx_expectations": None,  # likewise
    "idx_nonresponse": "if(variable = 'all', score, 0)",
    "idx_peers": "score",
    "idx_priorities": "score",
    "idx_rankings": "score",
    "idx_robustness": "probability",
    "idx_scores": "score",
    "idx_self_gaps": "gap",
    "idx_targets": "score",
    "idx_verifications": "survey_score",
    "v_change": "delta",
    "v_index": "score",
    "v_index_by_level": "score",
    "v_index_by_region": "score",
    "v_index_by_unit": "score",
    "v_participation": "required_sample_share",
    "v_participation_by_day": "required_sample_share",
    "v_service_perspective": "score",
}


@pytest.fixture(scope="module")
def connection(sample: Sample) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(sample.database, read_only=True) as found:
        yield found


@pytest.fixture(scope="module")
def specs(sample: Sample, connection) -> dict[str, TableSpec]:
    return specifications(read_described(manifest_path(sample.settings)), connection)


def test_every_table_has_a_key_that_tells_its_rows_apart(connection, specs):
    def repeated(spec: TableSpec) -> int:
        keys = ", ".join(spec.key)
        twice = f"select {keys} from {spec.name} group by {keys} having count(*) > 1"
        return connection.execute(f"select count(*) from ({twice})").fetchall()[0][0]

    assert [spec.name for spec in specs.values() if not spec.key] == []
    assert {spec.name: repeated(spec) for spec in specs.values() if repeated(spec)} == {}


def test_every_foreign_key_leads_to_a_row(connection, specs):
    lost = {}
    keys = [(spec, key) for spec in specs.values() for key in spec.foreign_keys]
    assert len(keys) > 80
    for spec, key in keys:
        assert key.to == specs[key.table].key, (
            f"{spec.name}: {key.to} is not the key of {key.table}; say `to:` in its order"
        )
        named = " and ".join(f"{column} is not null" for column in key.columns)
        count = connection.execute(
            f"select count(*) from (select {', '.join(key.columns)} from {spec.name} where {named}"
            f" except select {', '.join(key.to)} from {key.table})"
        ).fetchall()[0][0]
        if count:
            lost[f"{spec.name} {key}"] = count
    assert not lost, f"declare only what holds: {lost}"


def test_whatever_has_a_cycle_a_domain_or_a_reason_says_where_they_lead(specs):
    """But records of what was: cycles and domains may have left the seeds since."""
    leads = {
        "cycle_id": "dim_cycles",
        "domain_type": "dim_domains",
        "unit_level_id": "dim_unit_levels",
        "region_id": "dim_regions",
        "role_id": "dim_roles",
        "recipient_category_id": "dim_recipient_categories",
        "null_reason": "dim_null_reasons",
    }
    silent = {
        f"{spec.name}.{column}"
        for spec in specs.values()
        if spec.view is None
        for column, table in leads.items()
        if column in {one.name for one in spec.columns}
        and spec.name != table
        and not any(column in key.columns and key.table == table for key in spec.foreign_keys)
    }
    assert silent == {
        "audit_restatements.cycle_id",
        "audit_restatements.domain_type",
        "audit_runs.cycle_id",
        "dim_domain_types.domain_type",
    }


def test_a_row_has_a_reason_where_it_has_no_figure_and_nowhere_else(connection, specs):
    """The second figure of a row that was counted may be NULL for a reason of its own (no se)."""
    of_reason = {
        spec.name for spec in specs.values() if "null_reason" in {one.name for one in spec.columns}
    }
    assert of_reason - {"dim_null_reasons"} == set(MAIN_FIGURE)
    wrong = {
        table: connection.execute(
            f"select null_reason, count(*) from {table}"
            f" where (null_reason is null) <> ({figure} is not null) group by all"
        ).fetchall()
        for table, figure in MAIN_FIGURE.items()
        if figure
    }
    assert {table: rows for table, rows in wrong.items() if rows} == {}
    for table in of_reason:
        if "is_suppressed" in {column.name for column in specs[table].columns}:
            hidden = "null_reason in ('suppressed', 'secondary')"
            assert (
                connection.execute(
                    f"select null_reason, count(*) from {table}"
                    f" where is_suppressed and ({hidden}) is not true group by all"
                ).fetchall()
                == []
            ), table


def test_where_there_is_no_score_there_is_no_error_and_no_interval(connection):
    assert connection.execute(
        """
        select count(*) > 1000, count(se), count(ci_low), count(ci_high), count(is_band_certain)
        from idx_scores
        where score is null and null_reason = 'too_few_children'
        """
    ).fetchone() == (True, 0, 0, 0, 0)


def test_a_hidden_rows_reason_follows_from_published_counts_alone(connection):
    """Of a unit that nobody's unit is below: those who rate it are its own people."""
    assert connection.execute(
        """
        select distinct scores.null_reason, told.respondent_count < 10
        from idx_scores as scores
        inner join dim_unit_levels as levels on levels.level_rank = 3
        inner join dim_cycle_units as units
            on units.cycle_id = scores.cycle_id and units.unit_id = scores.domain_id
            and units.unit_level_id = levels.unit_level_id
        left join fct_participation_units as told
            on told.cycle_id = scores.cycle_id and told.unit_id = scores.domain_id
            and told.role_id = 'penerima'
        where scores.domain_type = 'provider_unit' and scores.is_suppressed
        order by all
        """
    ).fetchall() == [("secondary", False), ("secondary", None), ("suppressed", True)]
    assert connection.execute(
        "select distinct null_reason, staff_count < 10 from fct_participation"
        " where is_suppressed order by all"
    ).fetchall() == [("secondary", False), ("suppressed", True)]


def test_every_domain_of_a_figure_has_its_name_and_is_part_of_another(connection):
    assert connection.execute(
        """
        select domain_type, domain_id, name_id, name_en, parent_domain_type, parent_domain_id
        from dim_domains
        where cycle_id = 'ilk-2025-s2' and domain_id in
            ('national', 'setjen', '11', '11|wilayah', 'wilayah>pusat', 'pemberi|pusat', 'L')
        order by sort_order
        """
    ).fetchall() == [
        ("national", "national", "Nasional", "Nation", None, None),
        (
            "equal_level",
            "national",
            "Nasional, tiap tingkat sama berat",
            "Nation, all levels alike",
            None,
            None,
        ),
        ("unit_median", "national", "Nasional, median unit", "Nation, median of units", None, None),
        (
            "direction",
            "wilayah>pusat",
            "Wilayah menilai Pusat",
            "Regional rates Central",
            "provider_level",
            "pusat",
        ),
        ("provider_region", "11", "Aceh", "Aceh", "national", "national"),
        (
            "provider_region_level",
            "11|wilayah",
            "Aceh · Wilayah",
            "Aceh · Regional",
            "provider_region",
            "11",
        ),
        (
            "provider_unit",
            "setjen",
            "Sekretariat Jenderal Kementerian Hukum",
            "Sekretariat Jenderal Kementerian Hukum",
            "provider_region_level",
            "31|pusat",
        ),
        ("gender", "L", "L", "L", "national", "national"),
        (
            "role_provider_level",
            "pemberi|pusat",
            "Pemberi layanan menilai Pusat",
            "Provider of the service rates Central",
            "role",
            "pemberi",
        ),
    ]


def test_a_view_has_each_units_score_once_and_units_without_answers_too(connection):
    kinds = {"v_index_by_unit": "provider_unit", "v_index_by_region": "provider_region"}
    for view, kind in kinds.items():
        assert (
            connection.execute(
                f"""
            select count(*), count(score), round(sum(score), 6), sum(respondent_count)
            from {view}
            """
            ).fetchall()[0][1:]
            == (
                connection.execute(
                    f"""
                select count(score), round(sum(score), 6), sum(respondent_count)
                from idx_scores
                inner join dim_cycles using (cycle_id, weighting_mode)
                where domain_type = '{kind}' and component_type = 'index'
                """
                ).fetchall()[0]
            )
        ), view
    assert connection.execute(
        "select (select count(*) from v_index_by_unit), count(*) from dim_cycle_units"
        " where cycle_id in (select cycle_id from idx_scores)"
    ).fetchall() == [(1800, 1800)]


def test_the_grid_of_a_unit_is_whole_and_says_what_was_not_asked(connection):
    assert connection.execute(
        """
        select count(*) as units, min(cells), max(cells), min(reasons), max(reasons)
        from (
            select
                unit_id, count(*) as cells,
                count(*) filter (score is not null or null_reason is not null) as reasons
            from v_service_perspective
            where cycle_id = 'ilk-2025-s2'
            group by unit_id
        )
        """
    ).fetchall() == [(900, 19, 19, 19, 19)]
    assert connection.execute(
        """
        select distinct grid.null_reason = 'not_asked', questions.question_id is null
        from v_service_perspective as grid
        left join dim_questions as questions
            on questions.service_id = grid.service_id
            and questions.perspective_id = grid.perspective_id
            and questions.provider_level_id = grid.unit_level_id
        where grid.null_reason in ('not_asked', 'no_answers')
        order by all
        """
    ).fetchall() == [(False, False), (True, True)]


def test_participation_of_a_unit_is_what_the_table_of_units_tells(connection):
    assert connection.execute(
        """
        select count(*), count(*) filter (told.unit_id is not null)
        from v_participation as view
        left join fct_participation_units as told
            on told.cycle_id = view.cycle_id and told.unit_id = view.unit_id
            and told.role_id = 'penerima'
            and told.staff_count = view.staff_count
            and told.respondent_count = view.respondent_count
            and told.required_sample = view.required_sample and told.shortfall = view.shortfall
        where view.null_reason is null
        """
    ).fetchall() == [(1788, 1788)]


def test_each_question_of_bi_tools_is_answered_by_one_select(connection):
    answers = {name: connection.execute(sql).fetchall() for name, sql in bi_questions().items()}
    rows = {name: len(found) for name, found in answers.items()}
    assert rows == {
        "The index by province, with its interval": 38,
        "What changed, with its test": 16,
        "The three lowest of each unit": 93,
        "Participation by day": 33,
        "Services and perspectives of one unit": 19,
    }
    day, new, respondents = answers["Participation by day"][-1]
    assert str(day) == "2025-11-07"
    assert respondents == sum(row[1] for row in answers["Participation by day"]) >= new


def test_clients_of_duckdb_1_read_the_views_alike(connection, sample):
    client = [
        shutil.which("uv") or str(REPOSITORY / ".uv/bin/uv"),
        *("run", "--no-project", "--isolated", "--with", "duckdb==1.2.2", "python", "-c"),
    ]
    try:
        subprocess.run([*client, "import duckdb"], check=True, capture_output=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"skipped: DuckDB 1.2.2 can't be installed here: {error}")
        pytest.skip(f"DuckDB 1.2.2 can't be installed here: {error}")
    views = [
        spec
        for spec in connection.execute(
            "select view_name from duckdb_views() where not internal"
        ).fetchall()
    ]
    asked = bi_questions() | {
        name: f"select count(*), count(null_reason) from {name}"
        if name in MAIN_FIGURE
        else f"select count(*) from {name}"
        for (name,) in views
    }
    code = (
        "import duckdb, json, sys; c = duckdb.connect(sys.argv[1], read_only=True); "
        "asked = json.loads(sys.argv[2]); print(json.dumps("
        "{name: repr(c.execute(sql).fetchall()) for name, sql in asked.items()}))"
    )
    answer = subprocess.run(
        [*client, code, str(sample.database), json.dumps(asked)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == {
        name: repr(connection.execute(sql).fetchall()) for name, sql in asked.items()
    }
