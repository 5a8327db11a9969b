"""What a cell of an export means: times, numbers, values, identifiers, in every spelling."""

from collections.abc import Sequence
from datetime import datetime

import duckdb
import pytest

from benchmarks import by_hand
from orchestration.engine_macros import EngineMacros
from orchestration.settings import REPOSITORY

MACROS = EngineMacros(REPOSITORY / "dbt_project")
NNBSP, ZERO_WIDTH = "\u202f", "\u200b"


def read(formula: str, texts: Sequence[str | None]) -> list:
    """What a piece of SQL on `text` makes of each text."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select {formula} from (select unnest(?::varchar[]) as text)", [list(texts)]
        ).fetchall()
    return [of for (of,) in rows]


def local(cell: str, date_order: str) -> datetime | None:
    """The time of day in Jakarta that a cell names."""
    instant = MACROS.parse_instant("text", "Asia/Jakarta", date_order)
    return read(MACROS.utc_to_local(instant, "Asia/Jakarta"), [cell])[0]


NINE = datetime(2025, 10, 27, 9, 5)
TIMES: dict[str, tuple[str, datetime | None]] = {
    # As browsers, spreadsheets and forms write it in Indonesia.
    "27/10/2025, 09.05.33": ("dmy", NINE.replace(second=33)),
    "27/10/2025 9.05": ("dmy", NINE),
    "27.10.2025 09:05": ("dmy", NINE),
    "27-10-2025 09:05": ("dmy", NINE),
    "27/10/2025 09.05 WIB": ("dmy", NINE),
    "27/10/2025 11.05 WIT": ("dmy", NINE),
    "27/10/2025 10:05:33 WITA": ("dmy", NINE.replace(second=33)),
    # Months by name, in both languages, long and short.
    "27 Okt 2025 09.05": ("dmy", NINE),
    "27 Okt. 2025, 09.05": ("dmy", NINE),
    "27 Oktober 2025 09:05": ("dmy", NINE),
    "27 October 2025 09:05": ("mdy", NINE),
    "27-Oct-25 09:05": ("dmy", NINE),
    "Senin, 27 Oktober 2025 pukul 09.05 WIB": ("dmy", NINE),
    "October 27, 2025 at 9:05 AM": ("dmy", NINE),
    "Mon Oct 27 2025 09:05:00 GMT+0700 (Western Indonesia Time)": ("ymd", NINE),
    "17 Agustus 2025": ("dmy", datetime(2025, 8, 17)),
    "17 Agt 2025": ("dmy", datetime(2025, 8, 17)),
    "5 Nopember 2025 08:00": ("dmy", datetime(2025, 11, 5, 8)),
    "5 Mei 2025": ("dmy", datetime(2025, 5, 5)),
    "5 Des 2025": ("dmy", datetime(2025, 12, 5)),
    # Years of two digits.
    "27/10/25 09.05": ("dmy", NINE),
    "10/27/25 9:05": ("mdy", NINE),
    "10/27/25 09:05:33": ("mdy", NINE.replace(second=33)),
    "25/10/27 09:05": ("ymd", NINE),
    # Twelve hours, with the narrow blank that browsers put before PM.
    f"10/27/2025 9:05:33{NNBSP}PM": ("mdy", NINE.replace(hour=21, second=33)),
    "10/27/2025 9:05 p.m.": ("mdy", NINE.replace(hour=21)),
    "10/27/2025 12:05 AM": ("mdy", NINE.replace(hour=0)),
    "10/27/2025 12:05 PM": ("mdy", NINE.replace(hour=12)),
    # Fractions of a second, whatever their length, and offsets.
    "2025-10-27 09:05:33.1": ("ymd", NINE.replace(second=33)),
    "2025-10-27 09:05:33.12+07": ("ymd", NINE.replace(second=33)),
    "2025-10-27T09:05:33.123456+07:00": ("dmy", NINE.replace(second=33)),
    "2025-10-27T02:05:33Z": ("dmy", NINE.replace(second=33)),
    "2025/10/27 9:05:33 AM GMT+7": ("dmy", NINE.replace(second=33)),
    "10/26/2025 10:05:00 PM EDT": ("mdy", NINE),
    "2025-10-27 07:35:00 +0530": ("ymd", NINE),
    "2025-03-01": ("dmy", datetime(2025, 3, 1)),
    # None of these is a time, or not in this order: never guessed.
    "10/27/2025 09:05": ("dmy", None),
    "27/10/2025 09:05": ("ymd", None),
    "31/02/2025 09:05": ("dmy", None),
    "27/10/2025 13:05 PM": ("dmy", None),
    "27/10/2025 09:05 XYZ": ("dmy", None),
    "27 10 2025": ("dmy", None),
    "27/10/5 09:05": ("dmy", None),
    "20251027": ("dmy", None),
    "kemarin": ("dmy", None),
    "": ("dmy", None),
}


@pytest.mark.parametrize("cell", TIMES)
def test_a_time_is_read_as_files_hold_it(cell: str) -> None:
    date_order, expected = TIMES[cell]
    assert local(cell, date_order) == expected


def test_times_without_a_zone_are_of_the_zone_their_tool_writes() -> None:
    instant = MACROS.parse_instant("text", "UTC", "ymd")
    found = read(MACROS.utc_to_local(instant, "Asia/Jakarta"), ["2025-10-26 23:30:00"])
    assert found == [datetime(2025, 10, 27, 6, 30)]


@pytest.mark.parametrize(
    ("cell", "plain"),
    [
        ("5", "5"), ("5.0", "5"), ("5.", "5"), ("+5", "5"), ("05", "5"), (" 5 ", "5"),
        ("5,0", "5"), ("5,00", "5"), (f"{NNBSP}5,0{ZERO_WIDTH}", "5"),
        ("\u00a0005\t", "5"), ("-03.0", "-3"), ("0", "0"), ("000", "0"), ("1000", "1000"),
        ("5.5", "5.5"), ("5,5", "5,5"), ("12345", "12345"), ("5 baik", "5 baik"), ("", ""),
    ],
)  # fmt: skip
def test_a_whole_number_is_the_same_however_it_is_written(cell: str, plain: str) -> None:
    assert read(MACROS.plain_number("text"), [cell]) == [plain]
    is_number = plain.removeprefix("-").isdigit() and len(plain) < 5
    assert read(MACROS._call("whole_number", "text"), [cell]) == [int(plain) if is_number else None]


@pytest.mark.parametrize(
    ("cell", "plain"),
    [
        ("12", "12"), ("0012", "12"), ("+12", "12"), ("12.", "12"), ("12,", "12"), ("12.0", "12"),
        ("12,0", "12"), ("12.00", "12"), ("12.0000", "12"), ("0", "0"), ("00", "0"),
        ("12.000", "12.000"), ("1,000", "1,000"), ("12.5", "12.5"), ("12.00.0", "12.00.0"),
        ("-12", "-12"), ("R_0012", "R_0012"), ("", ""),
    ],
)  # fmt: skip
def test_a_response_id_is_the_same_however_it_is_written(cell: str, plain: str) -> None:
    assert read(MACROS.plain_response_id("text"), [cell]) == [plain]
    by_hands = duckdb.execute(
        "select regexp_replace(?, ?, '\\1')", [cell, by_hand.WHOLE_NUMBER]
    ).fetchall()
    assert by_hands == [(plain,)]


NIP = "198501012010011001"
SPELLINGS = [
    NIP, "19850101 201001 1 001", f"'{NIP}", f"{NIP}.0", f"{NIP},0", "19850101.201001.1.001",
    "19850101-201001-1-001", f"NIP. {NIP}", f"NIP {NIP}", f"nip: {NIP}", f"NIP{NIP}",
    "NIP 19850101 201001 1 001", f"{ZERO_WIDTH}{NIP}", f"{NIP}\u00a0", f'="{NIP}"', f'"{NIP}"',
    f"\u2018{NIP}", f"{NIP}\u202c", f"{NIP}.", "19850101\u00a0201001\u00a01\u00a0001",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["", "nip"])
def test_a_nip_is_one_person_in_every_spelling(kind: str) -> None:
    assert read(MACROS.normal_identifier("text", kind), SPELLINGS) == [NIP] * len(SPELLINGS)


def test_an_address_is_one_person_with_capitals_and_blanks() -> None:
    cells = ["siti@x.go.id", "Siti@X.go.id", " SITI@x.go.id ", "mailto:siti@x.go.id"]
    assert read(MACROS.normal_identifier("text"), cells) == ["siti@x.go.id"] * 4


def test_what_only_looks_alike_stays_apart() -> None:
    cells = ["198501012010011010", "AbC12x", "abc12x", "A-17", "A17", "131 234 567", "", " "]
    by_content = read(MACROS.normal_identifier("text"), cells)
    assert by_content == [*cells[:-1], ""]
    assert read(MACROS.normal_identifier("text", "nip"), ["131 234 567"]) == ["131234567"]
    token = ["198501012010011001.0", "'AbC", "a@B.c", f" AbC{ZERO_WIDTH}"]
    assert read(MACROS.normal_identifier("text", "token"), token) == [*token[:-1], "AbC"]


def codes_of(values: list[tuple[str, str]], codes: list[tuple[str, str, str, int]]) -> dict:
    """The code of each value by target and value; codes: target, source value, code, precedence."""
    with duckdb.connect() as connection:
        connection.execute("create table seen (profile_id text, target text, value text)")
        connection.executemany("insert into seen values ('p', ?, ?)", [list(of) for of in values])
        connection.execute(
            "create table known (profile_id text, target text, source_value text, code text,"
            " precedence int)"
        )
        connection.executemany(
            "insert into known values ('p', ?, ?, ?, ?)", [list(c) for c in codes]
        )
        rows = connection.execute(
            f"select * from {MACROS.codes_of_values('seen', 'known')}"
        ).fetchall()
    return {(target, value): code for _, target, value, code in rows}


def test_values_are_found_whatever_their_capitals_blanks_and_accents() -> None:
    codes = [("unit_id", "Kantor Wilayah Bali", "A", 1), ("unit_id", "Café", "C", 1)]
    spellings = ["Kantor Wilayah Bali", "KANTOR WILAYAH  BALI", "kantor\u00a0wilayah\nbali"]
    found = codes_of([("unit_id", of) for of in [*spellings, "Cafe\u0301", "Bali"]], codes)
    assert [found["unit_id", spelling] for spelling in spellings] == ["A"] * 3
    assert found["unit_id", "Cafe\u0301"] == "C"
    assert found["unit_id", "Bali"] is None


def test_spellings_that_folding_alone_makes_one_are_left_out_where_they_mean_different_things() -> (
    None
):
    codes = [("q", "Ya", "1", 1), ("q", "YA", "2", 1), ("q", "ya ya", "3", 2)]
    found = codes_of([("q", of) for of in ("Ya", "YA", "ya", "Ya Ya")], codes)
    assert found == {("q", "Ya"): "1", ("q", "YA"): "2", ("q", "ya"): None, ("q", "Ya Ya"): "3"}


def test_a_row_of_codes_wins_over_an_id_and_an_id_over_a_name() -> None:
    rows = [("a", "x", 1), ("a", "a", 2), ("b", "b", 2), ("B", "c", 3), ("Dua", "d", 3)]
    codes = [("unit_id", *row) for row in [*rows, ("Dua", "e", 3)]]
    found = codes_of([("unit_id", of) for of in ("a", "b", "Dua")], codes)
    assert found == {("unit_id", "a"): "x", ("unit_id", "b"): "b", ("unit_id", "Dua"): None}


def test_a_number_with_a_decimal_mark_finds_the_row_of_its_code() -> None:
    codes = [("gender", "1", "L", 1), ("gender", "2", "P", 1)]
    found = codes_of([("gender", of) for of in ("1.0", "2,0", "3")], codes)
    assert list(found.values()).count(None) == 1
    assert (found["gender", "1.0"], found["gender", "2,0"]) == ("L", "P")


@pytest.mark.parametrize(
    ("cells", "answer"),
    [(("4", ""), "4"), ((None, "3"), "3"), (("4", "4,0"), "4"), (("4", "3"), "4 <> 3"),
     (("", None), None), (("Baik", "BAIK "), "Baik")],
)  # fmt: skip
def test_a_question_in_two_columns_has_the_answer_of_the_one_that_is_filled(
    cells: tuple[str | None, ...], answer: str | None
) -> None:
    with duckdb.connect() as connection:
        formula = MACROS._call("one_answer", ["one", "two"])
        found = connection.execute(
            f"select {formula} from (select ?::varchar as one, ?::varchar as two)", list(cells)
        ).fetchall()
    assert found == [(answer,)]
