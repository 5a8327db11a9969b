"""One response in several exports, one person twice, a spreadsheet's totals: what counts once.

Belongs here: which rows of a cycle count, by whole small cycles. Doesn't: reasons that the sample
shows (test_rejections.py).
"""

import re
from pathlib import Path

import duckdb
import pytest
import xlsxwriter

from benchmarks import by_hand
from tests.small_cycle import SmallCycle, row

UNKNOWN = "1980-01-01 00:00:00"


@pytest.fixture(scope="module")
def cycle(tmp_path_factory: pytest.TempPathFactory) -> SmallCycle:
    """A cycle with all of them."""
    cycle = SmallCycle(tmp_path_factory.mktemp("counts"))
    cycle.add("survey_sources", "c1,q,landing,c1/q/*", "c1,p,landing,c1/p2/*")
    cycle.add("export_profiles", "q,i,plain,Asia/Jakarta,,,")
    for line in ("id,attribute,response_id", "Waktu,attribute,submitted_at", "Q2,question,U2",
                 "NIP,attribute,respondent_identifier", "Unit,attribute,unit_id",
                 "Q1,question,U1"):  # fmt: skip
        cycle.add("export_columns", f"q,{line}")
    # Weekly exports of one tool: the second holds the first's responses, one of them edited.
    cycle.drop("c1/p/minggu-1.csv", [*map(row, range(100, 120))])
    later = [*map(row, range(100, 130))]
    later[0] = later[0].replace(",A,4,3", ",B,1,1")
    cycle.drop("c1/p/minggu-2.csv", later)
    # Another survey of the profile, whose tool counts from the same number.
    cycle.drop("c1/p2/minggu-1.csv", [row(number, unit="B", day=5) for number in range(100, 105)])
    # Downloaded again, and saved by a spreadsheet and a script on the way.
    cycle.drop("c1/p/unduhan.csv", [f"00{row(200)}", row(201).replace("201", "201.0", 1)])
    cycle.drop("c1/p/unduhan (2).csv", [row(200), f"0{row(201)}"])
    cycle.drop("c1/p/unduhan (10).csv", [row(200).replace(",4,3", ",1,1")])
    # One person, no times: in bagian-10, pulled after bagian-2, the lower number.
    cycle.drop("c1/p/bagian-2.csv", [f"21,{UNKNOWN},p1,A,4,4"])
    cycle.drop(
        "c1/p/bagian-10.csv",
        [
            f"7,{UNKNOWN},p1,A,1,1",
            f"9,{UNKNOWN},p2,A,2,2",
            f"8,{UNKNOWN},p2,A,2,2",  # the lower number further down
            f"x5,{UNKNOWN},p3,A,2,2",  # ids that are no numbers: the row further down
            f"x4,{UNKNOWN},p3,A,2,2",
            "30,2025-10-03 08:00:00,p4,A,2,2",  # a time that is known is later than one that isn't
            f"31,{UNKNOWN},p4,A,2,2",
            "33,2025-10-03 08:00:00,p5,A,2,2",  # the later time, whatever the number
            "32,2025-10-04 08:00:00,p5,A,2,2",
            f"900,{UNKNOWN},p6,A,2,2",  # numbers of two profiles say nothing: the later pull
        ],
    )
    cycle.drop(
        "c1/q/lain.csv",
        [
            f"3,{UNKNOWN},p6,A,2,2",
            "Nilai maksimal,,,,4,4",
            ",,,Rata-rata,\"4,00\",3",
            ",Jumlah,,A,24,18",
            ",,,,24,18",
            "max-1,2025-10-03 08:00:00,total@x.go.id,A,2,2",  # no total: words of a person
        ],
    )  # fmt: skip
    cycle.drop(
        "c1/staff_frame.csv",
        ["A,masyarakat,penerima,90", "B,masyarakat,penerima,10"],
        "unit_id,recipient_category_id,role_id,staff_count",
    )
    return cycle


@pytest.fixture(scope="module")
def fates(cycle: SmallCycle) -> tuple[str, dict]:
    """What `ilk run` says, and each record's fate by file and number, the first being row 2."""
    ran = cycle.run("c1")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout, {
        (
            name.removeprefix("c1/p/").removeprefix("c1/q/").removeprefix("c1/"),
            source_row - 1,
        ): reason
        for name, source_row, reason in cycle.warehouse(
            """
            select name, _source_row, rejection_reason
            from marts.fct_responses inner join staging.stg_raw__export_files
                on sha256 = _file_sha256
            """
        )
    }


def test_a_response_in_two_exports_counts_once_as_the_later_has_it(fates):
    _, fate = fates
    first = [fate["minggu-1.csv", number] for number in range(1, 21)]
    assert first == ["superseded"] * 20
    assert [fate["minggu-2.csv", number] for number in range(1, 31)] == [None] * 30


def test_how_many_rows_repeat_a_response_is_said_with_a_row_and_where_it_stands_again(fates):
    output, _ = fates
    assert "20 rows bear the response id of a later row, such as row 2" in output
    assert "(again: c1/p/minggu-2.csv, baris / row 2; by file: c1/p/minggu-2.csv: 20)" in output
    assert "by file: c1/p/unduhan (10).csv: 1, c1/p/unduhan (2).csv: 1)" in output


def test_ids_of_another_source_are_another_surveys(fates):
    _, fate = fates
    assert [fate["p2/minggu-1.csv", number] for number in range(1, 6)] == [None] * 5


def test_the_last_download_counts_however_ids_are_spelled(fates):
    """Pulled in the order of people's numbers: none, (2), (10)."""
    _, fate = fates
    assert (fate["unduhan.csv", 1], fate["unduhan.csv", 2]) == ("superseded", "superseded")
    assert (fate["unduhan (2).csv", 1], fate["unduhan (2).csv", 2]) == ("superseded", None)
    assert fate["unduhan (10).csv", 1] is None


def test_of_submissions_without_times_the_higher_number_counts_whatever_the_file(fates):
    _, fate = fates
    assert fate["bagian-2.csv", 1] is None
    assert fate["bagian-10.csv", 1] == "superseded"
    assert (fate["bagian-10.csv", 2], fate["bagian-10.csv", 3]) == (None, "superseded")


def test_ids_that_are_no_numbers_or_of_two_profiles_leave_it_to_pull_and_row(fates):
    _, fate = fates
    assert (fate["bagian-10.csv", 4], fate["bagian-10.csv", 5]) == ("superseded", None)
    assert (fate["bagian-10.csv", 10], fate["lain.csv", 1]) == ("superseded", None)


def test_a_known_time_is_later_than_an_unknown_one_and_the_later_time_than_any_number(fates):
    _, fate = fates
    assert (fate["bagian-10.csv", 6], fate["bagian-10.csv", 7]) == (None, "superseded")
    assert (fate["bagian-10.csv", 8], fate["bagian-10.csv", 9]) == ("superseded", None)


def test_the_script_that_the_warehouse_is_measured_against_counts_the_same_responses(
    cycle: SmallCycle, fates, tmp_path: Path
):
    scores = tmp_path / "by_hand.parquet"
    by_hand.main(cycle.data / "landing", cycle.seeds, "c1", scores)
    national = "where domain_type = 'national' and component_type = 'index'"
    columns = "weighting_mode, round(score, 9), respondent_count, answer_count"
    by_script = duckdb.sql(f"select {columns} from '{scores}' {national}").fetchall()
    assert by_script == cycle.warehouse(f"select {columns} from indexes.idx_scores {national}")


def test_a_spreadsheets_totals_are_no_responses(fates):
    _, fate = fates
    assert [fate["lain.csv", number] for number in (2, 3, 4, 5)] == ["summary_row"] * 4
    assert fate["lain.csv", 6] is None


def test_a_file_whose_rows_stand_in_another_is_told_where_there_are_no_ids(tmp_path: Path):
    cycle = SmallCycle(tmp_path)
    cycle.seed(
        "export_columns",
        "profile_id,source_column,target_kind,target",
        "p,Waktu,attribute,submitted_at",
        "p,Unit,attribute,unit_id",
        "p,Q1,question,U1",
        "p,Q2,question,U2",
    )
    header, rows = "Waktu,Unit,Q1,Q2", [row(number) for number in range(40)]
    plain = [cells.split(",", 1)[1].replace(",,", ",") for cells in rows]
    cycle.drop("c1/p/a.csv", plain, header)
    cycle.drop("c1/p/b.csv", plain[:20], header)
    with xlsxwriter.Workbook(cycle.data / "landing" / "c1" / "p" / "jawaban (1).xlsx") as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate([header, *plain]):
            sheet.write_row(number, 0, cells.split(","))
            if number:
                sheet.write_row(number, 2, [4.0, 3.0])
    # Of a later export one answer was edited; of a third file less than half stands elsewhere.
    cycle.drop("c1/p/edited.csv", [plain[0].replace(",4,3", ",1,1"), *plain[1:5]], header)
    others = [cells.replace(",4,3", ",1,1") for cells in plain[5:8]]
    cycle.drop("c1/p/other.csv", [*others, *plain[1:3]], header)
    outcomes = [outcome for of in cycle.check("c1").values() for outcome in of]
    assert not [of for of in outcomes if not of.passed and of.severity == "critical"]
    said = "\n".join(message for outcome in outcomes for message in outcome.messages)
    assert re.search(r"c1/p/b.csv: .*20 dari 20 barisnya ada juga di c1/p/a.csv", said)
    assert re.search(r"jawaban \(1\).xlsx: .*40 dari 40 barisnya ada juga di c1/p/a.csv", said)
    assert "40 of its 40 rows stand in c1/p/a.csv too" in said
    assert re.search(r"edited.csv: .*4 dari 5 barisnya ada juga di c1/p/a.csv", said)
    assert said.count("barisnya ada juga di") == 3


def test_a_file_whose_rows_stand_in_another_under_other_ids_is_told(tmp_path: Path):
    """Three zeros may be thousands, and stay. Rows that bear one id are told by it alone."""
    cycle = SmallCycle(tmp_path)
    cycle.drop("c1/p/a.csv", map(row, range(10, 30)))
    decimals = [row(number).replace(",", ".000,", 1) for number in range(10, 22)]
    cycle.drop("c1/p/b.csv", [*decimals, row(70)])
    cycle.drop("c1/p/c.csv", [row(25).replace(",", ".00,", 1), *map(row, range(40, 45))])
    outcomes = cycle.check("c1")["survey_responses"]
    found = {outcome.check: " ".join(outcome.messages) for outcome in outcomes}
    assert "1 rows bear the response id of a later row" in found["response_ids_are_unique"]
    copied = found["files_do_not_hold_each_other"]
    assert "c1/p/b.csv: " in copied and "c1/p/c.csv: " not in copied
    assert "12 of its 13 rows stand in c1/p/a.csv too" in copied
    assert "12 dari 13 barisnya ada juga di c1/p/a.csv" in copied


def test_one_survey_in_two_sources_blocks_its_cycle(tmp_path: Path):
    """Of the ids that both have most say the same; a survey of its own just counts from 1 too."""
    cycle = SmallCycle(tmp_path)
    cycle.drop("c1/p/a.csv", map(row, range(12)))
    again = [row(number).replace(",4,3", ",2,2") for number in range(10)]

    def told(exports: list[str], *locations: str) -> dict[str, str]:
        """What the border says of the files, by rule."""
        cycle.seed("survey_sources", "cycle_id,profile_id,kind,location",
                   *(f"c1,p,landing,{location}" for location in locations))  # fmt: skip
        cycle.drop("c1/p2/b.csv", exports)
        outcomes = cycle.check("c1")["survey_responses"]
        return {outcome.check: " ".join(outcome.messages) for outcome in outcomes
                if not outcome.passed and outcome.check.startswith("response")}  # fmt: skip

    found = told([*again, row(10, unit="B"), row(11, day=3)], "c1/p/*", "c1/p2/*")
    assert list(found) == ["responses_are_of_one_source"]
    assert "10 dari 12 barisnya ada juga di c1/p/a.csv" in found["responses_are_of_one_source"]
    assert "10 of its 12 rows stand in c1/p/a.csv too" in found["responses_are_of_one_source"]
    assert "(c1/p2/* – c1/p/*)" in found["responses_are_of_one_source"]
    others = [row(number, unit="B") for number in range(5, 12)]
    assert told([*again[:5], *others], "c1/p/*", "c1/p2/*") == {}
    # Named by one location, they are one survey: what is in use already is of it too.
    assert list(told([*again, *others[5:]], "c1/p*/*")) == ["response_ids_are_unique"]


def test_a_file_of_which_most_is_rejected_is_told_once(tmp_path: Path):
    cycle = SmallCycle(tmp_path)
    cycle.drop("c1/p/a.csv", [row(0), *(row(n).replace(",4,3", ",,") for n in range(1, 20))])
    cycle.drop("c1/p/b.csv", [*map(row, range(40, 60)), row(60).replace(",4,3", ",,")])
    cycle.seed("methods", "method_id,weighting_mode,band_scheme_id,description",
               "skm-1.0,poststrat,permenpan_14_2017,")  # fmt: skip
    ran = cycle.run("c1")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "c1/p/a.csv: periksa filter ekspor" in ran.stdout
    assert "19 dari 20 jawaban ditolak (tidak selesai 19), lebih dari 30%" in ran.stdout
    assert "19 of 20 responses are rejected (not finished 19), more than 30%" in ran.stdout
    assert "jawaban ditolak (" in ran.stdout and ran.stdout.count("jawaban ditolak (") == 1

    # No staff frame: poststrat can't be computed, and is absent.
    modes = "select distinct weighting_mode from idx_scores"
    assert cycle.published(modes) == [("none",)]
    assert cycle.published(
        "select weighting_mode, absent_mode, absent_mode_reason from dim_cycles order by cycle_id"
    ) == [("none", "poststrat", "no_staff_frame"), ("poststrat", None, None)]
    assert "tanpa bobot" in ran.stdout and "unweighted" in ran.stdout


def test_a_total_whose_label_stands_in_a_column_that_nobody_maps_is_no_response(tmp_path: Path):
    cycle = SmallCycle(tmp_path)
    cycle.seed(
        "export_columns",
        "profile_id,source_column,target_kind,target",
        "p,Nama,ignore,",
        "p,_profile_id,attribute,unit_id",
        "p,Q1,question,U1",
        "p,Q2,question,U2",
    )
    cycle.add("export_codes", "p,unit_id,p,A")
    totals = ["Jumlah,79,60", "NRR,3.9,3", "Nilai maksimal,4,3", "Rata-rata dibulatkan,4,3"]
    cycle.drop("c1/p/a.csv", ["Max Weber,4,3"] * 20 + totals, "Nama,Q1,Q2")
    ran = cycle.run("c1")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert cycle.warehouse(
        "select rejection_reason, count(*) from marts.fct_responses group by all order by all"
    ) == [("summary_row", 4), (None, 20)]
    assert "off_scale" not in ran.stdout
