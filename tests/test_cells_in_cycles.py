"""Whole cycles whose files spell things as real ones do: what is read, lost, told or blocked."""

from pathlib import Path

import pytest

from tests.small_cycle import SmallCycle, row

NIP = "198501012010011001"
SPELLINGS = [
    NIP, "19850101 201001 1 001", f"'{NIP}", f"{NIP}.0", "19850101.201001.1.001", f"NIP. {NIP}",
    f"\u200b{NIP}", f"{NIP} ",
]  # fmt: skip


@pytest.fixture(scope="module")
def spelled(tmp_path_factory: pytest.TempPathFactory) -> tuple[SmallCycle, str]:
    """A cycle of one file in which nothing is spelled as the seeds spell it."""
    cycle = SmallCycle(tmp_path_factory.mktemp("spelled"))
    cycle.seed(
        "export_profiles",
        "profile_id,instrument_id,tool,timezone,description,written_timezone",
        "p,i,plain,Asia/Jakarta,,UTC",
    )
    cycle.add("export_columns", "p,Q1 (revisi),question,U1")
    cycle.add("export_codes", "p,U2,Cukup  Baik,3", "p,unit_id,Loket Pendaftaran,B")
    header = "id,Waktu,NIP,Unit,Q1,Q2,Q1 (revisi)"
    units = [
        "A",
        "a",
        "UNIT A",
        "Unit\u00a0 A",
        "KANTOR A",
        "kantor a",
        "Unit B",
        "loket  pendaftaran",
    ]
    rows = [
        f'{n},"2{n % 8}/10/25, 09.05.33","{nip}",{units[n % 8]},"4,0",CUKUP BAIK,'
        for n, nip in enumerate(SPELLINGS)
    ]
    rows += [
        f"{n},2 Okt 2025 09.05 WIB,21{n:04}012010011001,{units[n % 8]},,cukup baik,3"
        for n in range(10, 40)
    ]
    # 23:30 UTC of 30 September is 1 October in Jakarta; 17:30 of 31 October is November there.
    rows += [
        "50,2025-09-30 23:30:00,210150012010011001,A,4,3,",
        "51,2025-10-31 17:30:00,210151012010011001,A,4,3,",
        "52,2025-10-02 08:00:00,210152012010011001,A,4,3,2",
    ]
    cycle.drop("c1/p/a.csv", rows, header)
    ran = cycle.run("c1")
    assert ran.returncode == 0, ran.stdout
    return cycle, ran.stdout


def test_one_person_in_eight_spellings_counts_once_and_is_told_by_rows(spelled) -> None:
    cycle, said = spelled
    assert cycle.warehouse(
        "select count(*) filter (is_accepted), count(*) filter (rejection_reason = 'superseded'),"
        " count(distinct respondent_key) from marts.fct_responses"
        " where cast(response_id as integer) < 8"
    ) == [(1, 7, 1)]
    assert "c1/p/a.csv baris/row 2 = c1/p/a.csv baris/row 3" in said
    assert NIP not in said


def test_units_are_found_by_id_name_and_code_whatever_their_capitals_and_blanks(spelled) -> None:
    cycle, _ = spelled
    found = cycle.warehouse(
        "select unit_id, count(*) from marts.fct_responses group by all order by all"
    )
    assert found == [("A", 31), ("B", 10)]


def test_answers_are_read_whatever_their_mark_capitals_and_column(spelled) -> None:
    cycle, _ = spelled
    assert cycle.warehouse(
        "select question_id, answer_code, count(*) from marts.fct_answers"
        " inner join marts.fct_responses using (response_key)"
        " where cast(response_id as integer) < 50 group by all order by all"
    ) == [("U1", 3, 30), ("U1", 4, 1), ("U2", 3, 31)]


def test_an_answer_that_two_columns_give_differently_is_rejected_with_both(spelled) -> None:
    cycle, said = spelled
    assert cycle.warehouse(
        "select rejection_reason, value, source_column from marts.audit_rejections"
        " where rejected = 'answer'"
    ) == [("off_scale", "4 <> 2", "Q1 | Q1 (revisi)")]
    assert "1 rows answer U1 differently in two of its columns, the first is row 42" in said


def test_the_window_is_judged_in_the_profiles_zone_for_times_written_in_utc(spelled) -> None:
    cycle, _ = spelled
    assert cycle.warehouse(
        "select response_id from marts.fct_responses where rejection_reason = 'out_of_window'"
    ) == [("51",)]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([row(n, month=9) for n in range(9)], "100.0% of the times lie outside the window"),
        (
            [row(n, unit="Bandung") for n in range(5)] + [row(n) for n in range(5, 15)],
            "33.3% of the cells lead to no known unit_id",
        ),
        ([row(n).replace(",4,3", ",4,Puas") for n in range(9)], "are no known code"),
    ],
    ids=["window", "units", "question"],
)  # fmt: skip
def test_a_file_that_would_lose_its_responses_for_one_reason_blocks(
    tmp_path: Path, rows: list[str], sentence: str
) -> None:
    cycle = SmallCycle(tmp_path)
    cycle.drop("c1/p/a.csv", rows)
    blocking = [
        message
        for outcomes in cycle.check("c1").values()
        for outcome in outcomes
        if outcome.severity == "critical" and not outcome.passed
        for message in outcome.messages
    ]
    assert sentence in "\n".join(blocking)


def test_a_file_that_blocks_publishes_nothing(tmp_path: Path) -> None:
    cycle = SmallCycle(tmp_path)
    cycle.drop("c1/p/a.csv", [row(n, month=9) for n in range(9)])
    ran = cycle.run("c1")
    assert ran.returncode == 1
    assert "100.0% of the times lie outside the window" in ran.stdout
    assert not (cycle.data / "published" / "ilk.duckdb").exists()


def test_a_channel_that_loses_all_its_answers_is_not_published(tmp_path: Path) -> None:
    cycle = SmallCycle(tmp_path)
    cycle.add("unit_levels", "loket,Loket,Counter,2")  # no unit stands on it: nobody is rated
    questions = (cycle.seeds / "questions.csv").read_text(encoding="utf-8").splitlines()
    cycle.seed(
        "questions", *(line.replace("masyarakat,unit", "masyarakat,loket") for line in questions)
    )
    cycle.drop("c1/p/a.csv", [row(n) for n in range(9)])
    ran = cycle.run("c1")
    assert ran.returncode == 1
    assert "assert_each_source_keeps_an_answer" in ran.stdout
    assert not (cycle.data / "published" / "ilk.duckdb").exists()
