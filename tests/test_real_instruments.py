"""Two real instruments through `ilk run`: 25 items of a personality test, a hospital's SERVQUAL.

Belongs here: statistics of instruments against figures that others published. The seeds are built
here, around those of examples/skm; skipped, with the reason, where the data aren't.
"""

import csv
import json
import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest

from tests.test_real_inputs import REPOSITORY, ilk_run, real, write_seed

CYCLE = "real"


def published(
    folder: Path,
    *,
    export: list[dict[str, object]],
    questions: list[dict[str, object]],
    units: Iterable[str],
    profile_unit: str | None = None,
    parameters: dict[str, float] | None = None,
) -> duckdb.DuckDBPyConnection:
    """Run one cycle over a plain export of a column a question, and open what was published.

    The unit is in the column `unit`, or for all `profile_unit`.
    """
    seeds = folder / "seeds"
    shutil.copytree(REPOSITORY / "examples" / "skm" / "seeds", seeds)

    def first(name: str) -> dict[str, str]:
        with (seeds / f"{name}.csv").open(encoding="utf-8") as file:
            return next(csv.DictReader(file))

    of_plain = {"profile_id": "plain"}
    instrument = {"instrument_id": "real"}
    perspectives = sorted({str(question["perspective_id"]) for question in questions})
    fixed = {
        **instrument,
        "service_id": first("services")["service_id"],
        "audience_id": first("category_audiences")["audience_id"],
        "provider_level_id": first("unit_levels")["unit_level_id"],
        "scale_min": 1,
    }
    columns = {"unit_id": "_profile_id" if profile_unit else "unit", "response_id": "id"}
    write_seed(
        seeds,
        "survey_cycles",
        [
            first("survey_cycles")
            | instrument
            | {"cycle_id": CYCLE, "opens_on": "2024-01-01", "closes_on": "2024-12-31"}
        ],
    )
    write_seed(
        seeds,
        "survey_sources",
        [of_plain | {"cycle_id": CYCLE, "kind": "landing", "location": f"{CYCLE}/*.csv"}],
    )
    write_seed(
        seeds, "units", [first("units") | {"unit_id": name, "unit_name": name} for name in units]
    )
    write_seed(seeds, "export_profiles", [first("export_profiles") | instrument | of_plain])
    write_seed(
        seeds,
        "perspectives",
        [first("perspectives") | {"perspective_id": name} for name in perspectives],
    )
    write_seed(
        seeds,
        "questions",
        [fixed | {"question_text": question["question_id"]} | question for question in questions],
    )
    write_seed(
        seeds,
        "method_parameters",
        [
            {"method_id": first("methods")["method_id"], "parameter": name, "value": value}
            for name, value in (parameters or {"min_cell_n": 10}).items()
        ],
    )
    write_seed(
        seeds,
        "export_columns",
        [
            of_plain | {"source_column": column, "target_kind": "attribute", "target": target}
            for target, column in columns.items()
        ]
        + [
            of_plain | {"source_column": name, "target_kind": "question", "target": name}
            for name in (str(question["question_id"]) for question in questions)
        ],
    )
    codes = [{"target": "*", "source_value": "NA", "code": "blank"}]
    if profile_unit:
        codes.append({"target": "unit_id", "source_value": "plain", "code": profile_unit})
    write_seed(seeds, "export_codes", [of_plain | code for code in codes])
    landing = folder / "landing" / CYCLE
    landing.mkdir(parents=True)
    with (landing / "export.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(export[0]))
        writer.writeheader()
        writer.writerows(export)
    ran = ilk_run(CYCLE, data=folder / "data", seeds=seeds, landing=folder / "landing")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return duckdb.connect(str(folder / "data" / "published" / "ilk.duckdb"), read_only=True)


# --- 25 items of the personality item pool, 2,800 persons, 1-6, some reverse-keyed ------------


@pytest.fixture(scope="module")
def bfi(tmp_path_factory: pytest.TempPathFactory) -> tuple[duckdb.DuckDBPyConnection, dict]:
    with real("real/psych_bfi/bfi.csv").open(encoding="utf-8") as file:
        persons = list(csv.DictReader(file))
    with real("real/psych_bfi/bfi.keys.csv").open(encoding="utf-8") as file:
        keys = list(csv.DictReader(file))
    known = json.loads(real("real/psych_bfi/expected_R_psych.json").read_text(encoding="utf-8"))
    questions = [
        {
            "question_id": row[scale].removeprefix("-"),
            "item_id": row[scale].removeprefix("-"),
            "perspective_id": scale,
            "scale_max": 6,
            "is_reverse_scored": str(row[scale].startswith("-")).lower(),
        }
        for row in keys
        for scale in known["alpha"]
    ]
    connection = published(
        tmp_path_factory.mktemp("bfi"),
        export=[{"id": person.pop("rownames"), **person} for person in persons],
        questions=questions,
        units=["everybody"],
        profile_unit="everybody",
        # Everybody counts, however much he left out: R asks nothing of him either.
        parameters={"min_answered_share": 0},
    )
    return connection, known


def alphas(connection: duckdb.DuckDBPyConnection, figure: str) -> dict[str, float]:
    return dict(
        connection.execute(
            f"select set_id, {figure} from idx_reliability "
            "where set_type = 'perspective' and item_id is null"
        ).fetchall()
    )


def test_alpha_over_pairs_is_the_one_of_psych(bfi):
    connection, known = bfi
    expected = {scale: figures["raw"] for scale, figures in known["alpha"].items()}
    assert alphas(connection, "pairwise_alpha") == pytest.approx(expected, abs=1e-8)
    assert [round(alpha, 4) for alpha in expected.values()] == [
        0.7030,
        0.7267,
        0.7617,
        0.8140,
        0.6002,
    ]


def test_alpha_is_over_those_who_answered_every_item(bfi):
    # By the formula over the complete rows of each scale, in pandas (ddof 1), reverse-keyed 7 - x.
    connection, _ = bfi
    assert alphas(connection, "respondent_count") == {
        "agree": 2709,
        "conscientious": 2707,
        "extraversion": 2713,
        "neuroticism": 2694,
        "openness": 2726,
    }
    assert alphas(connection, "alpha") == pytest.approx(
        {
            "agree": 0.7037558944,
            "conscientious": 0.7292772032,
            "extraversion": 0.7609326395,
            "neuroticism": 0.8133031432,
            "openness": 0.6025464286,
        },
        abs=1e-9,
    )


def test_what_was_left_out_is_counted_item_by_item(bfi):
    connection, known = bfi
    shares = dict(
        connection.execute(
            "select item_id, nonresponse_share from idx_reliability "
            "where set_type = 'perspective' and item_id is not null"
        ).fetchall()
    )
    expected = {item: 1 - answered / known["n"] for item, answered in known["item_n"].items()}
    assert shares == pytest.approx(expected, abs=1e-12)


def test_the_mean_of_every_item_is_the_one_of_psych(bfi):
    # Back from 1-4 to 1-6, and reverse-keyed ones to how they were asked.
    connection, known = bfi
    means = connection.execute(
        "select item_id, is_reverse_scored, score from idx_scores "
        "inner join dim_questions using (item_id) "
        "where component_type = 'item' and domain_type = 'national'"
    ).fetchall()
    found = {
        item: 6 - (score - 1) * 5 / 3 if is_reverse else 1 + (score - 1) * 5 / 3
        for item, is_reverse, score in means
    }
    assert found == pytest.approx(known["item_means"], abs=5e-9)


# --- SERVQUAL of eight clinics: perception and expectation of 15 items, 30 patients each ------


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    with real("real/servqual_hospital_id/nilai_survei.csv").open(encoding="utf-8") as file:
        answers = list(csv.DictReader(file))
    with real("real/servqual_hospital_id/sub_kriteria.csv").open(encoding="utf-8") as file:
        items = {row["ID_SUB"]: row["ID_KRITERIA"] for row in csv.DictReader(file)}
    patients: dict[str, dict[str, object]] = defaultdict(dict)
    for answer in answers:
        patients[answer["ID_RESPONDEN"]] |= {
            "id": answer["ID_RESPONDEN"],
            "unit": f"poli-{answer['ID_POLI']}",
            f"P{answer['ID_SUB']}": answer["NILAI_PERSEPSI"],
            f"H{answer['ID_SUB']}": answer["NILAI_HARAPAN"],
        }
    questions = [
        {
            "question_id": f"{letter}{item}",
            "item_id": f"item-{item}",
            "perspective_id": f"dimension-{dimension}",
            "scale_max": 5,
            "is_reverse_scored": "false",
            "asks": asks,
        }
        for item, dimension in items.items()
        for letter, asks in (("P", "performance"), ("H", "expectation"))
    ]
    folder = tmp_path_factory.mktemp("hospital")
    published(
        folder,
        export=list(patients.values()),
        questions=questions,
        units=sorted({str(patient["unit"]) for patient in patients.values()}),
    ).close()
    # What was computed: the publication rounds the figures of a clinic.
    connection = duckdb.connect(str(folder / "data" / "warehouse.duckdb"), read_only=True)
    connection.execute("use indexes")
    return connection


def test_the_gaps_of_eight_clinics_are_those_of_the_hospital(hospital):
    ours = {
        (unit.removeprefix("poli-"), item.removeprefix("item-")): figures
        for unit, item, *figures in hospital.execute(
            "select domain_id, item_id, 1 + (score - 1) * 4 / 3, 1 + (expectation - 1) * 4 / 3, "
            "gap * 4 / 3 from idx_expectations "
            "where domain_type = 'provider_unit' and component_type = 'item' "
            "and weighting_mode = 'none'"
        ).fetchall()
    }
    with real("real/servqual_hospital_id/nilai_perhitungan.csv").open(encoding="utf-8") as file:
        theirs = {
            (row["ID_POLI"], row["ID_SUB"]): [
                float(row[figure]) for figure in ("RATA_PERSEPSI", "RATA_HARAPAN", "NILAI_SERVQUAL")
            ]
            for row in csv.DictReader(file)
        }
    assert len(ours) == 120
    # They rounded to two decimals; of 30 ratings each, a sum is a whole number again.
    assert {cell: pytest.approx(figures, abs=5e-3) for cell, figures in theirs.items()} == ours
    for perception, expectation, gap in ours.values():
        assert 30 * perception == pytest.approx(round(30 * perception), abs=1e-9)
        assert 30 * expectation == pytest.approx(round(30 * expectation), abs=1e-9)
        assert gap == pytest.approx(perception - expectation, abs=1e-9)


def test_the_satisfaction_of_a_clinic_weighs_items_by_what_is_expected_of_them(hospital):
    for unit, index in hospital.execute(
        "select domain_id, satisfaction_index from idx_expectations "
        "where domain_type = 'provider_unit' and component_type = 'index' "
        "and weighting_mode = 'none'"
    ).fetchall():
        items = hospital.execute(
            "select score, expectation from idx_expectations where domain_id = ? "
            "and component_type = 'item' and weighting_mode = 'none'",
            [unit],
        ).fetchall()
        weights = sum(expectation for _, expectation in items)
        assert len(items) == 15
        assert index == pytest.approx(
            sum(score * expectation for score, expectation in items) / weights / 4, abs=1e-12
        )


def test_expectations_enter_no_score(hospital):
    assert hospital.execute(
        "select distinct answer_count from idx_scores where domain_type = 'national' "
        "and component_type = 'index'"
    ).fetchall() == [(3600,)]
