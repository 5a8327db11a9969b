"""A cycle from its window to its last publication, as `ilk run` publishes it."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.auditing.final_cycles import finalise
from orchestration.auditing.opening import AuditError
from orchestration.cycles import fingerprints
from orchestration.settings import Settings, get_settings
from tests.small_cycle import KEY, SmallCycle

CYCLES = (
    "cycle_id,index_id,instrument_id,method_id,year,semester,opens_on,closes_on,"
    "previous_cycle_id,status"
)
WRITTEN = re.compile(r"\s+")


def rows(count: int, day: date, *, unit: str = "A") -> list[str]:
    """Ratings of both questions differ: of an extreme one not even the nation's is exact."""
    return [
        f"{unit}{number},{day} 08:{number // 60:02}:{number % 60:02},,{unit},"
        f"{3 + number % 2},{1 + number % 4}"
        for number in range(count)
    ]


def window(survey: SmallCycle, opens_on: date, closes_on: date) -> None:
    survey.seed(
        "survey_cycles",
        CYCLES,
        f"c1,skm,i,skm-1.0,2026,1,{opens_on},{closes_on},,open",
        "c2,skm,i,skm-1.0,2020,1,2020-01-01,2020-01-31,,closed",
    )


def test_an_open_cycle_shows_participation_and_a_closed_one_its_scores(tmp_path: Path):
    survey = SmallCycle(tmp_path)
    today = datetime.now(UTC).date()
    opened = today - timedelta(days=9)
    window(survey, opened, today + timedelta(days=1))
    survey.drop("c1/p/a.csv", rows(40, opened))

    in_window = survey.run("c1")

    assert in_window.returncode == 0, in_window.stdout
    said = WRITTEN.sub(" ", in_window.stdout)
    assert "c1: skor terbit sesudah masa survei berakhir" in said
    assert survey.published("select sum(respondent_count) from fct_participation") == [(40,)]
    scores = "select count(*) from {} where cycle_id = 'c1'"
    for table in ("idx_scores", "idx_evenness", "idx_reliability", "fct_strata", "idx_coverage"):
        assert survey.published(scores.format(table)) == [(0,)], table
    assert survey.published("select count(*) from dim_cycles where cycle_id = 'c1'") == [(1,)]
    settings = Settings(
        data_dir=survey.data, seeds_dir=survey.seeds, pseudonym_key=KEY, pages=False
    )
    with pytest.raises(AuditError, match="It has no scores yet"):
        finalise(settings, "c1")

    # A day later, with one answer more, the window has closed.
    window(survey, opened, today - timedelta(days=1))
    survey.drop("c1/p/a.csv", rows(41, opened))
    closed = survey.run("c1")
    assert closed.returncode == 0, closed.stdout
    national = (
        "select respondent_count from idx_scores where domain_type = 'national'"
        " and component_type = 'index' and weighting_mode = 'none'"
    )
    assert survey.published(national) == [(41,)]

    # Three came late: the figures stand, and the run says so without a number of theirs.
    survey.drop("c1/p/a.csv", rows(44, opened))
    late = survey.run("c1")
    assert late.returncode == 0, late.stdout
    said = WRITTEN.sub(" ", late.stdout)
    assert "c1: angka yang sudah terbit dipertahankan; kurang dari 10 orang berubah" in said
    assert survey.published(national) == [(41,)]
    assert survey.published("select sum(respondent_count) from fct_participation") == [(41,)]
    assert survey.published(
        "select standing_cycles from audit_runs where outcome = 'published'"
        " order by started_at desc limit 1"
    ) == [('["c1"]',)]


def test_who_has_still_to_answer_is_published_before_anybody_has(tmp_path: Path):
    survey = SmallCycle(tmp_path)
    today = datetime.now(UTC).date()
    opened = today - timedelta(days=9)
    survey.seed(
        "survey_cycles",
        CYCLES,
        *(f"{each},skm,i,skm-1.0,2026,{each[1]},{opened},{today},,open" for each in ("c1", "c2")),
    )
    survey.add("units", "C,Unit C,unit,pelayanan,indonesia,,2020-01-01,")
    staff = [f"{unit},masyarakat,penerima,{n}" for unit, n in (("A", 40), ("B", 8), ("C", 30))]
    for cycle_id in ("c1", "c2"):
        survey.drop(
            f"{cycle_id}/staff_frame.csv",
            staff,
            "unit_id,recipient_category_id,role_id,staff_count",
        )
    survey.drop("c1/p/a.csv", [])  # an export of which nobody has answered yet
    survey.drop("c2/p/a.csv", [f"{n},{opened} 08:00:0{n},,A,," for n in range(3)])  # not finished

    ran = survey.run("c1", "c2")
    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.count("partisipasi saja") == 2 and "Masalah" not in ran.stdout
    # Eight are too few to be told: B stands with the smallest that isn't.
    told = "select unit_id, staff_count, respondent_count, shortfall from fct_participation_units"
    for cycle_id in ("c1", "c2"):
        rows_told = survey.published(f"{told} where cycle_id = '{cycle_id}' order by all")
        assert rows_told == [("A", 40, 0, 36), (None, 38, 0, 36)]
    days = (
        "select cycle_id, sum(new_respondent_count) from fct_participation_region_days group by 1"
    )
    assert sorted(survey.published(days)) == [("c1", 0), ("c2", 0)]
    assert survey.published("select count(*) from idx_scores") == [(0,)]
    rejected = "select cycle_id, sum(response_count) from audit_reconciliation"
    assert survey.published(f"{rejected} where not is_accepted group by 1") == [("c2", 3)]
    sent = survey.data / "published" / "fieldwork" / "c1"
    assert sorted(path.name for path in sent.iterdir()) == ["all.csv", "indonesia.csv"]


def test_the_end_of_a_window_is_something_new(monkeypatch: pytest.MonkeyPatch):
    settings = get_settings()

    def fingerprint(day: date) -> str:
        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime(day.year, day.month, day.day, tzinfo=tz)

        monkeypatch.setattr(fingerprints, "datetime", Clock)
        return fingerprints.cycle_fingerprint(settings, "ilk-2025-s2")

    closes_on = date(2025, 11, 7)
    day = timedelta(days=1)
    assert fingerprint(closes_on) == fingerprint(closes_on - day)
    assert fingerprint(closes_on) != fingerprint(closes_on + day)
    assert fingerprint(closes_on + day) == fingerprint(closes_on + 30 * day)
