"""Real exports of others, untouched, through `ilk run`; skipped, with the reason, where missing."""

import csv
import json
import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from tests.ilk_process import run_ilk

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared" / "data"


def real(path: str) -> Path:
    """A file of the shared data, or a skip that names it."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"real data not here: {path}")
    return found


def ilk_run(
    cycle_id: str, *, data: Path, seeds: Path, landing: Path
) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "ILK_DATA_DIR": str(data),
        "ILK_SEEDS_DIR": str(seeds),
        "ILK_LANDING_URL": str(landing),
        "ILK_PSEUDONYM_KEY": "a key of the tests",
    }
    return run_ilk("run", cycle_id, environment=environment)


@pytest.fixture(scope="module")
def skm(tmp_path_factory: pytest.TempPathFactory) -> tuple[duckdb.DuckDBPyConnection, dict]:
    export = real("real/skm_polres_id/wide_respondents.csv")
    known = json.loads(real("real/skm_polres_id/expected.json").read_text(encoding="utf-8"))
    folder = tmp_path_factory.mktemp("skm")
    landing = folder / "landing" / "skm-2020" / "skm-plain"
    landing.mkdir(parents=True)
    shutil.copy(export, landing)
    ran = ilk_run(
        "skm-2020",
        data=folder / "data",
        seeds=REPOSITORY / "examples" / "skm" / "seeds",
        landing=folder / "landing",
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return duckdb.connect(str(folder / "data" / "published" / "ilk.duckdb"), read_only=True), known


def scores(connection: duckdb.DuckDBPyConnection, where: str) -> list[tuple]:
    return connection.execute(
        "select domain_id, perspective_id, score, score_100, band, respondent_count "
        f"from idx_scores where weighting_mode = 'none' and {where} "
        "order by domain_id, perspective_id"
    ).fetchall()


def test_the_skm_of_a_police_unit_is_the_published_one(skm):
    connection, known = skm
    [(_, _, score, score_100, band, respondents)] = scores(
        connection, "domain_type = 'national' and component_type = 'index'"
    )
    assert score_100 == pytest.approx(known["ikm_exact_1_9"], abs=1e-9)
    assert score_100 == pytest.approx(85.8485350, abs=5e-7)
    assert score == pytest.approx(3.43394140, abs=1e-8)
    assert (band, respondents) == ("B", known["n"])


def test_the_nine_elements_of_the_skm_are_the_published_ones(skm):
    connection, known = skm
    elements = dict(
        connection.execute(
            "select question_id, score from idx_scores inner join dim_questions using (item_id) "
            "where domain_type = 'national' and component_type = 'item' and weighting_mode = 'none'"
        ).fetchall()
    )
    assert elements == pytest.approx(known["nrr"], abs=1e-9)


def test_the_skm_by_sex_is_the_published_one(skm):
    connection, known = skm
    by_sex = {
        sex: {"n": respondents, "ikm": score_100}
        for sex, _, _, score_100, _, respondents in scores(
            connection, "domain_type = 'gender' and component_type = 'index'"
        )
    }
    # Below the nation a publication rounds: counts to 5, scores to a step.
    steps = dict(
        connection.execute(
            "select domain_id, score_step from idx_scores where weighting_mode = 'none' "
            "and domain_type = 'gender' and component_type = 'index'"
        ).fetchall()
    )
    for sex, expected in known["by_jenis_kelamin"].items():
        assert by_sex[sex]["n"] == 5 * round(expected["n"] / 5)
        assert by_sex[sex]["ikm"] == pytest.approx(expected["ikm"], abs=25 * steps[sex] / 2 + 1e-9)


LIMESURVEY_QUESTIONS = {
    **{f"qArray5Point[{i}]": ("reliability", 1, 5) for i in range(1, 7)},
    **{f"qArray10Point[L{i}]": ("tangible", 1, 10) for i in range(1, 4)},
}


def write_seed(folder: Path, name: str, rows: list[dict]) -> None:
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def limesurvey(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """LimeSurvey's own sample survey: city as the unit, three of its arrays as the instrument."""
    export = real("exports/limesurvey/sample82556_code_short_all.csv")
    folder = tmp_path_factory.mktemp("limesurvey")
    seeds = folder / "seeds"
    shutil.copytree(REPOSITORY / "examples" / "skm" / "seeds", seeds)
    [cycle] = csv.DictReader((seeds / "survey_cycles.csv").open(encoding="utf-8"))
    [category] = csv.DictReader((seeds / "category_audiences.csv").open(encoding="utf-8"))
    [service] = csv.DictReader((seeds / "services.csv").open(encoding="utf-8"))
    [level] = csv.DictReader((seeds / "unit_levels.csv").open(encoding="utf-8"))
    [unit, *_] = csv.DictReader((seeds / "units.csv").open(encoding="utf-8"))
    profile = {
        "profile_id": "lime",
        "instrument_id": "lime-1",
        "tool": "limesurvey",
        "timezone": "Asia/Jakarta",
        "description": "LimeSurvey's sample survey",
    }
    write_seed(
        seeds,
        "survey_cycles",
        [
            cycle
            | {
                "cycle_id": "lime",
                "instrument_id": "lime-1",
                "opens_on": "2024-03-01",
                "closes_on": "2024-04-01",
            }
        ],
    )
    write_seed(
        seeds,
        "survey_sources",
        [{"cycle_id": "lime", "profile_id": "lime", "kind": "landing", "location": "lime/*.csv"}],
    )
    write_seed(
        seeds,
        "units",
        [
            unit | {"unit_id": city, "unit_name": city}
            for city in ("Surabaya", "Denpasar", "Malang")
        ],
    )
    write_seed(seeds, "export_profiles", [profile])
    write_seed(
        seeds,
        "questions",
        [
            {
                "instrument_id": "lime-1",
                "question_id": column,
                "item_id": column,
                "service_id": service["service_id"],
                "perspective_id": perspective,
                "audience_id": category["audience_id"],
                "provider_level_id": level["unit_level_id"],
                "scale_min": lowest,
                "scale_max": highest,
                "is_reverse_scored": "false",
                "question_text": column,
            }
            for column, (perspective, lowest, highest) in LIMESURVEY_QUESTIONS.items()
        ],
    )
    write_seed(
        seeds,
        "perspectives",
        [
            {
                "index_id": cycle["index_id"],
                "perspective_id": name,
                "name_id": name,
                "name_en": name,
                "sort_order": order,
            }
            for order, name in enumerate(("reliability", "tangible"), start=1)
        ],
    )
    write_seed(
        seeds,
        "index_weights",
        [
            {
                "method_id": cycle["method_id"],
                "component_type": "service",
                "component_id": service["service_id"],
                "weight": 1,
            }
        ],
    )
    write_seed(
        seeds,
        "export_columns",
        [
            {
                "profile_id": "lime",
                "source_column": column,
                "target_kind": "attribute",
                "target": target,
            }
            for column, target in {
                "id": "response_id",
                "submitdate": "submitted_at",
                "city": "unit_id",
                "startdate": "started_at",
                "token": "respondent_identifier",
            }.items()
        ]
        + [
            {
                "profile_id": "lime",
                "source_column": column,
                "target_kind": "question",
                "target": column,
            }
            for column in LIMESURVEY_QUESTIONS
        ],
    )
    write_seed(
        seeds,
        "export_codes",
        [{"profile_id": "lime", "target": "*", "source_value": "N/A", "code": "not_available"}],
    )
    landing = folder / "landing" / "lime"
    landing.mkdir(parents=True)
    shutil.copy(export, landing)
    ran = ilk_run("lime", data=folder / "data", seeds=seeds, landing=folder / "landing")
    assert (folder / "data" / "warehouse.duckdb").exists(), ran.stdout + ran.stderr
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return duckdb.connect(str(folder / "data" / "warehouse.duckdb"), read_only=True)


def test_a_limesurvey_export_of_522_columns_lands_whole(limesurvey):
    raw = limesurvey.execute(
        "select header, record_count from staging.stg_raw__export_files"
    ).fetchall()
    assert [(len(header), records) for header, records in raw] == [(522, 4)]


def test_each_response_of_a_limesurvey_export_is_judged(limesurvey):
    judged = limesurvey.execute(
        "select response_id, unit_id, is_accepted, rejection_reason, valid_count, "
        "cast(submitted_at as varchar) from marts.fct_responses order by _source_row"
    ).fetchall()
    assert judged == [
        ("1", "Surabaya", False, "out_of_window", 9, "2026-11-22 06:19:25"),
        # Submitted five minutes into April in Jakarta, the last day of the window.
        ("2", "Denpasar", True, None, 9, "2024-03-31 17:05:10"),
        # LimeSurvey leaves submitdate empty where somebody stopped; 1980 is complete, date unknown.
        ("3", "Malang", False, "incomplete", 0, None),
        ("4", None, False, "unknown_unit", 0, None),
    ]


def test_ratings_of_other_scales_are_put_on_one_to_four(limesurvey):
    # 1 + 3 (code - min) / (max - min): 5 4 3 2 1 5 on 1-5 and three 10 on 1-10.
    rated = limesurvey.execute(
        "select question_id, answer_code, score from marts.fct_answers "
        "where answer_status = 'valid' order by question_id"
    ).fetchall()
    assert [(code, score) for _, code, score in rated] == [
        (10, 4.0),
        (10, 4.0),
        (10, 4.0),
        (5, 4.0),
        (4, 3.25),
        (3, 2.5),
        (2, 1.75),
        (1, 1.0),
        (5, 4.0),
    ]
