"""`ilk forget`: a person goes, everybody else stays where they are, and nobody comes back."""

import csv
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from expectations.border import Border
from expectations.raw_files import Cycle
from orchestration import forgetting
from orchestration.auditing.final_cycles import ERASURE
from orchestration.cycles.state import BorderPassed, cycle_states
from orchestration.exports.erasure import MARK, ErasureError, erase_records
from orchestration.exports.forgotten import Forgotten, ForgottenKeyError
from orchestration.exports.pull_report import PullReport
from orchestration.exports.pulling import pull_cycle
from orchestration.exports.registry import Registry, read_registry
from orchestration.forgetting import ForgetError, forget, read_identifiers
from orchestration.publishing.publication import table_checksums
from orchestration.seeds.survey_cycles import find_cycle, read_cycles
from orchestration.settings import Settings
from tests.conftest import SAMPLE_LANDING, ilk
from tests.privacy.privacy_cases import landing_rows, old_workbook, traces

CYCLE, LAST = "ilk-2025-s1", "ilk-2025-s2"
# In limesurvey's CSV and in msform's workbook of the cycle.
PERSON = "199601042020021002"
OTHER = "198308032007061001"
KEY = "a key for tests"


@pytest.fixture(scope="module")
def pulled_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the landing and the raw zone of one cycle of the sample; no warehouse."""
    folder = tmp_path_factory.mktemp("pulled")
    shutil.copytree(SAMPLE_LANDING / CYCLE, folder / "landing" / CYCLE)
    assert len(pull(settings_in(folder)).new) == 4
    return folder


@pytest.fixture
def pulled(pulled_once: Path, tmp_path: Path) -> Settings:
    """A copy of it that a test may change."""
    shutil.copytree(pulled_once, tmp_path / "own")
    return settings_in(tmp_path / "own")


def settings_in(folder: Path) -> Settings:
    return Settings(
        data_dir=folder / "data", landing_url=str(folder / "landing"), pseudonym_key=KEY
    )


def pull(settings: Settings, key: str | None = KEY, *, accept_fewer: bool = False) -> PullReport:
    return pull_cycle(
        cycle_id=CYCLE,
        seeds_dir=settings.seeds_dir,
        landing=settings.landing,
        raw_dir=settings.raw_dir,
        pulled_at=datetime(2025, 6, 1, tzinfo=UTC),
        engine=settings.engine,
        pseudonym_key=key,
        accept_fewer=accept_fewer,
    )


def landed(settings: Settings, profile_id: str) -> Path:
    (path,) = (Path(settings.landing) / CYCLE / profile_id).iterdir()
    return path


def readings(settings: Settings) -> dict[str, list[dict]]:
    """What the warehouse would read: by file name, the rows but for the file's own hash."""
    rows = {}
    for file in Registry(settings.raw_dir).current(CYCLE):
        parquet = settings.raw_dir / file.kind / f"cycle_id={CYCLE}" / f"{file.sha256}.parquet"
        with duckdb.connect() as connection:
            relation = connection.read_parquet(str(parquet))
            columns = [name for name in relation.columns if name != "_file_sha256"]
            rows[file.name] = [
                dict(zip(columns, row, strict=True)) for row in relation.select(*columns).fetchall()
            ]
            assert file.record_count == len(rows[file.name])
    return rows


def state(settings: Settings) -> tuple[list[dict], set[str]]:
    files = {str(path.relative_to(settings.raw_dir)) for path in settings.raw_dir.rglob("*")}
    return read_registry(settings.raw_dir).to_pylist(), files


def test_a_person_goes_and_nobody_else_moves(pulled: Settings, tmp_path: Path) -> None:
    before = readings(pulled)

    report = forget(pulled, [PERSON])

    assert sum(file.response_count for file in report.files) == 2
    after = readings(pulled)
    assert after.keys() == before.keys()
    for name, rows in before.items():
        assert after[name] == [row for row in rows if row.get("NIP") != PERSON]
    assert traces([pulled.data_dir], {PERSON}, tmp_path / "scratch") == []
    assert traces([pulled.data_dir], {OTHER}, tmp_path / "scratch") != []


def test_a_cleared_export_differs_in_the_persons_records_alone(pulled: Settings) -> None:
    forget(pulled, [PERSON])
    (row,) = [row for row in Registry(pulled.raw_dir).current(CYCLE) if "limesurvey" in row.name]
    cleared = (pulled.raw_dir / "files" / row.sha256).read_bytes().split(b"\r\n")
    original = landed(pulled, "limesurvey").read_bytes().split(b"\r\n")
    assert len(cleared) == len(original)
    ((old, new),) = [pair for pair in zip(original, cleared, strict=True) if pair[0] != pair[1]]
    assert PERSON.encode() in old
    assert new == MARK.encode() + b";" * old.count(b";")


def test_the_record_tells_what_was_done_and_not_to_whom(pulled: Settings) -> None:
    forget(pulled, [PERSON])
    (path,) = (pulled.data_dir / "forgotten").iterdir()
    text = path.read_text(encoding="utf-8")
    record = json.loads(text)
    assert record["identifier_count"] == 1
    assert {file["name"] for file in record["files"]} == {
        f"{CYCLE}/limesurvey/survei-{CYCLE}.csv",
        f"{CYCLE}/msform/survei-{CYCLE}.xlsx",
    }
    (hashed,) = Forgotten.read(pulled.raw_dir, KEY).hashes[CYCLE]
    assert PERSON not in text
    assert hashed not in text
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_unchanged_landing_brings_nobody_back(pulled: Settings, tmp_path: Path) -> None:
    forget(pulled, [PERSON])
    before = state(pulled)
    report = pull(pulled)
    assert len(report.unchanged) == 4
    assert not report.refused
    assert state(pulled) == before
    assert traces([pulled.data_dir], {PERSON}, tmp_path / "scratch") == []


def test_a_new_export_that_still_holds_the_person_is_cleared_as_it_lands(
    pulled: Settings, tmp_path: Path
) -> None:
    forget(pulled, [PERSON])
    for profile_id in ("limesurvey", "gform"):
        path = landed(pulled, profile_id)
        path.write_bytes(path.read_bytes() + b"\r\n")
    book = landed(pulled, "msform")
    with zipfile.ZipFile(book, "a") as workbook:
        workbook.writestr("docProps/again.xml", "<again/>")

    report = pull(pulled)

    assert len(report.superseded) == 3
    assert traces([pulled.data_dir], {PERSON}, tmp_path / "scratch") == []
    assert state(pulled)[1] >= {f"files/{row['sha256']}" for row in state(pulled)[0]}
    before = state(pulled)
    assert len(pull(pulled).unchanged) == 4
    assert state(pulled) == before


def test_an_old_workbook_that_counts_stays_with_its_remedy_and_one_that_does_not_goes_whole(
    pulled: Settings, tmp_path: Path
) -> None:
    path = landed(pulled, "msform")
    workbook_of_today = path.read_bytes()
    header, *rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    (of_person,) = [row for row in rows if PERSON in row]
    others = [row for row in rows if row is not of_person][:9]
    texts = [[str(cell) for cell in row] for row in (header, of_person, *others)]
    path.write_bytes(old_workbook(texts))
    pull(pulled, accept_fewer=True)
    before = readings(pulled)
    assert before[f"{CYCLE}/msform/{path.name}"][0]["NIP"] == PERSON

    with pytest.raises(
        ForgetError, match=r"an old \.xls workbook can't be edited\..* / Save it as XLSX"
    ):
        forget(pulled, [PERSON])
    assert readings(pulled) == before

    path.write_bytes(workbook_of_today)  # as if Excel had saved it anew
    pull(pulled)
    forget(pulled, [PERSON])
    assert traces([pulled.data_dir], {PERSON}, tmp_path / "scratch") == []
    assert all(row.get("NIP") != PERSON for rows in readings(pulled).values() for row in rows)


def test_what_the_border_listed_of_the_person_goes_and_does_not_come_back(pulled: Settings) -> None:
    path = landed(pulled, "limesurvey")
    with (pulled.seeds_dir / "export_columns.csv").open(encoding="utf-8-sig", newline="") as lines:
        headings = [
            row["source_column"]
            for row in csv.DictReader(lines)
            if (row["profile_id"], row["target_kind"]) == ("limesurvey", "question")
        ]
    header, *rows = landing_rows(CYCLE, "limesurvey")
    (record,) = [number for number, row in enumerate(rows, start=2) if PERSON in row]
    rows[record - 2][header.index(headings[0])] = "siti@x.go.id"
    with path.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target, delimiter=";").writerows([header, *rows])
    pull(pulled)
    cycle = find_cycle(read_cycles(pulled.seeds_dir), CYCLE)
    border = Border(
        raw_dir=pulled.raw_dir,
        seeds_dir=pulled.seeds_dir,
        export_files=pulled.export_files,
        dbt_project_dir=pulled.dbt_project_dir,
        quality_dir=pulled.quality_dir,
        cycle=Cycle(CYCLE, cycle.instrument_id, cycle.opens_on, cycle.closes_on, None, True),
        engine=pulled.engine,
        max_off_scale_share=0.2,
        max_superseded_share=0.1,
    )

    def listed() -> list[tuple[str, str]]:
        if not border.failing_rows_file.is_file():
            return []
        with border.failing_rows_file.open(encoding="utf-8-sig", newline="") as lines:
            return [(row["file"], row["row"]) for row in csv.DictReader(lines)]

    border.check()
    # As a spreadsheet counts: the header's row is 1.
    assert (f"{CYCLE}/limesurvey/{path.name}", str(record)) in listed()
    other = pulled.quality_dir / "another cycle"
    other.mkdir()
    quoting = {"survey_responses": [{"messages": ["that quote cells"]}]}
    cycle_states(pulled).pass_border(CYCLE, BorderPassed("now", quoting))

    forget(pulled, [PERSON])

    assert [path.name for path in pulled.quality_dir.iterdir()] == [other.name]
    assert cycle_states(pulled).border_passed(CYCLE) is None
    border.check()
    assert listed() == []


def test_versions_that_no_longer_count_are_cleared_too(pulled: Settings, tmp_path: Path) -> None:
    path = landed(pulled, "limesurvey")
    path.write_bytes(path.read_bytes().replace(PERSON.encode(), b""))
    pull(pulled)
    report = forget(pulled, [PERSON])
    assert [Path(file.name).suffix for file in report.files] == [".csv", ".xlsx"]
    assert report.cycles == [CYCLE]
    assert traces([pulled.data_dir], {PERSON}, tmp_path / "scratch") == []
    rows = {row["sha256"]: row for row in read_registry(pulled.raw_dir).to_pylist()}
    for row in rows.values():
        assert (pulled.raw_dir / "files" / row["sha256"]).exists()
        assert row["superseded_by"] is None or row["superseded_by"] in rows


def test_a_refused_file_that_names_the_person_is_erased(pulled: Settings, tmp_path: Path) -> None:
    path = landed(pulled, "limesurvey")
    path.write_bytes(path.read_bytes().rstrip() + b'\r\n"cut off')
    assert pull(pulled).refused
    report = forget(pulled, [PERSON])
    assert len(report.unread_files_erased) == 1
    assert traces([pulled.data_dir], {PERSON}, tmp_path / "scratch") == []
    assert pull(pulled).refused  # and what can't be searched is not kept again
    assert traces([pulled.data_dir], {PERSON}, tmp_path / "scratch") == []


@pytest.mark.parametrize(
    "step",
    [
        (forgetting, "_drop_from_warehouse"),
        (forgetting, "_write_record"),
        (Forgotten, "let_stand_in"),
        (Registry, "save"),
        (Registry, "read_rows"),
    ],
    ids=lambda step: step[1],
)
def test_a_crash_at_any_step_and_the_same_again_end_alike(
    pulled: Settings, step: tuple[object, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    untouched = settings_in(tmp_path / "other")
    shutil.copytree(pulled.data_dir, untouched.data_dir)
    forget(untouched, [PERSON])

    calls = []

    def fail_the_second_time_at_the_latest(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == 3 or step[1] != "read_rows":
            raise KeyboardInterrupt
        return original(*arguments)

    original = getattr(*step)
    with monkeypatch.context() as patched:
        patched.setattr(*step, fail_the_second_time_at_the_latest)
        with pytest.raises(KeyboardInterrupt):
            forget(pulled, [PERSON])
    forget(pulled, [PERSON])

    assert state(pulled) == state(untouched)
    assert traces([pulled.data_dir], {PERSON}, tmp_path / "scratch") == []


def test_a_pull_after_a_crash_brings_nobody_back(
    pulled: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Registry, "save", lambda registry: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            forget(pulled, [PERSON])
    pull(pulled)
    assert all(row.get("NIP") != PERSON for rows in readings(pulled).values() for row in rows)
    forget(pulled, [PERSON])
    assert traces([pulled.data_dir], {PERSON}, tmp_path / "scratch") == []


KILLED = """
import os, signal, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("create schema marts; create table marts.answers (cycle_id text, told text)")
connection.execute("checkpoint")
connection.execute("insert into marts.answers values (?, ?), ('another', 'stays')", sys.argv[2:])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_run_left_beside_the_warehouse_goes_too_and_the_next_run_can_open_it(
    pulled: Settings,
) -> None:
    command = [sys.executable, "-c", KILLED, str(pulled.warehouse), CYCLE, PERSON]
    subprocess.run(command, check=False)
    assert PERSON.encode() in pulled.warehouse.with_suffix(".duckdb.wal").read_bytes()
    of_shards = {  # a run in shards leaves them
        cycle: pulled.response_files.of_cycle("responses_answered", cycle) / "00000.parquet"
        for cycle in (CYCLE, LAST)
    }
    for path in of_shards.values():
        path.parent.mkdir(parents=True)
        pq.write_table(pa.table({"told": [PERSON]}), path)

    forget(pulled, [PERSON])
    assert pq.read_table(of_shards[CYCLE]).to_pydict() == {"told": []}
    assert pq.read_table(of_shards[LAST]).to_pydict() == {"told": [PERSON]}

    left = list(pulled.data_dir.glob("warehouse*"))
    assert all(PERSON.encode() not in path.read_bytes() for path in left)
    assert [path.stat().st_mode & 0o777 for path in left] == [0o600]
    with duckdb.connect(str(pulled.warehouse)) as connection:
        assert connection.execute("from marts.answers").fetchall() == [("another", "stays")]


@pytest.mark.parametrize("key", [None, "another key"])
def test_without_the_key_of_the_list_nothing_is_pulled(pulled: Settings, key: str | None) -> None:
    forget(pulled, [PERSON])
    with pytest.raises(ForgottenKeyError, match="set the key of that time"):
        pull(pulled, key)


def test_an_answer_to_a_later_cycle_is_a_new_one(pulled: Settings) -> None:
    forget(pulled, [PERSON])
    forgotten = Forgotten.read(pulled.raw_dir, KEY)
    assert CYCLE in forgotten.hashes
    assert "a cycle that opens later" not in forgotten.hashes


def test_who_is_named_in_another_persons_record_is_told(pulled: Settings) -> None:
    path = landed(pulled, "gform")
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))
    rows[1][1] = f"atasan {PERSON}"
    with path.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows(rows)
    pull(pulled)
    report = forget(pulled, [PERSON])
    assert report.mentions == (f"{CYCLE}/gform/survei-{CYCLE}.csv, row 2, column 'Alamat email'",)


SPELLED = [
    "19960104 202002 1 002", "19960104.202002.1.002", f"'{PERSON}", f"{PERSON}.0", f"NIP. {PERSON}",
    f"\u200b{PERSON}", f'="{PERSON}"',
]  # fmt: skip


@pytest.mark.parametrize("typed", [PERSON, "NIP 19960104 202002 1 002"])
def test_a_person_goes_in_whatever_spelling_and_comes_back_in_none(
    pulled: Settings, tmp_path: Path, typed: str
) -> None:
    path = landed(pulled, "gform")
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))
    place = rows[0].index("NIP (18 angka, tanpa spasi)")
    for row, spelling in zip(rows[1:], SPELLED, strict=False):
        row[place] = spelling
    with path.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows(rows)
    pull(pulled)
    report = forget(pulled, [typed])
    cleared = {file.name: file.response_count for file in report.files}
    assert cleared[f"{CYCLE}/gform/survei-{CYCLE}.csv"] == len(SPELLED)
    assert report.mentions == ()
    secrets = {PERSON, *SPELLED}
    assert traces([pulled.data_dir / "raw"], secrets, tmp_path / "scratch") == []
    path.write_bytes(path.read_bytes() + b"\n")
    pull(pulled)
    assert traces([pulled.data_dir / "raw"], secrets, tmp_path / "scratch") == []


def test_who_is_named_in_another_spelling_is_told(pulled: Settings) -> None:
    path = landed(pulled, "gform")
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))
    rows[1][1] = "atasan 19960104 202002 1 002, ruang 3"
    with path.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows(rows)
    pull(pulled)
    assert len(forget(pulled, [PERSON]).mentions) == 1


def test_a_refused_file_that_names_the_person_in_another_spelling_is_erased(
    pulled: Settings, tmp_path: Path
) -> None:
    lone = landed(pulled, "gform").with_name("rusak.csv")
    lone.write_text("a,b,c\n19960104 202002 1 002,x,y\n1,2\n3,4,5\n", encoding="utf-8")
    assert pull(pulled).refused
    assert len(forget(pulled, [PERSON]).unread_files_erased) == 1


def test_a_file_of_nobody_else_goes_whole_and_is_refused_from_then_on(
    pulled: Settings, tmp_path: Path
) -> None:
    path = landed(pulled, "gform")
    lone = path.with_name("satu-orang.csv")
    with path.open(encoding="utf-8", newline="") as lines:
        header, row, *_ = csv.reader(lines)
    row[2] = PERSON
    with lone.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows([header, row])
    pull(pulled)
    forget(pulled, [PERSON])
    assert traces([pulled.data_dir], {PERSON}, tmp_path / "scratch") == []
    (refusal,) = pull(pulled).refused
    assert refusal.code == "forgotten"
    assert traces([pulled.data_dir], {PERSON}, tmp_path / "scratch") == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\n \n", "holds no identifier"),
        (b"198308032007061001\n12345\n", "line 2"),
        (b"\xff\xfe1\x002\x00", "UTF-8"),
    ],
)
def test_a_list_of_identifiers_that_would_harm_is_refused_without_naming_anybody(
    content: bytes, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    with pytest.raises(ForgetError, match=sentence) as refused:
        read_identifiers(path)
    assert "12345" not in str(refused.value)


TEXT = 'NIP;"a\r\nb";c\r\n1;"x;""y""";é\r\n\r\n2;"line\nbreak";z\r3;;\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_record_is_replaced_and_all_other_bytes_stay(encoding: str, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(TEXT.encode(encoding))
    erase_records(source, target, encoding=encoding, delimiter=";", records={4: {"2"}})
    expected = TEXT.replace('2;"line\nbreak";z\r', f"{MARK};;\r").encode(encoding)
    assert target.read_bytes() == expected


def workbook(path: Path, rows: list[list[object]], *, elsewhere: str = "") -> None:
    """A workbook as Excel writes it: shared texts, an empty row, a table that starts lower down."""
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("Jawaban")
    for number, row in enumerate(rows):
        sheet.write_row(2 + number, 1, row)
    book.add_worksheet("Lain").write(0, 0, elsewhere)
    book.close()


ROWS: list[list[object]] = [
    ["NIP", "unit", "nilai"],
    ["11111111", "A", 4],
    [],
    ["22222222", "A", 3],
    ["33333333", "B", 2.5],
]


def test_a_workbooks_row_is_emptied_with_the_texts_that_were_its_alone(tmp_path: Path) -> None:
    source, target = tmp_path / "source.xlsx", tmp_path / "target.xlsx"
    workbook(source, ROWS)
    erase_records(
        source,
        target,
        encoding="xlsx:Jawaban",
        delimiter="",
        records={6: {"22222222"}},
    )
    rows = CalamineWorkbook.from_path(target).get_sheet_by_name("Jawaban").to_python()
    assert rows == [
        ["NIP", "unit", "nilai"],
        ["11111111", "A", 4.0],
        ["", "", ""],
        [MARK, "", ""],
        ["33333333", "B", 2.5],
    ]
    with zipfile.ZipFile(target) as parts:
        assert all(b"22222222" not in parts.read(name) for name in parts.namelist())


def test_a_workbook_that_names_the_person_elsewhere_is_not_half_cleared(tmp_path: Path) -> None:
    source = tmp_path / "source.xlsx"
    workbook(source, ROWS, elsewhere="22222222 again")
    with pytest.raises(ErasureError, match="in another place too"):
        erase_records(
            source,
            tmp_path / "target.xlsx",
            encoding="xlsx:Jawaban",
            delimiter="",
            records={6: {"22222222"}},
        )
    assert not (tmp_path / "target.xlsx").exists()


def test_the_command_clears_a_final_cycle_and_no_publication_tells_what_the_person_answered(
    own_sample: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = own_sample()
    assert ilk("finalise", CYCLE).exit_code == 0

    def warehouse(sql: str) -> list[tuple]:
        with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    # Somebody whose response counts, and who answered in this cycle alone.
    ((person, pseudonym),) = warehouse(
        "select any_value(_raw.NIP), respondent_key from marts.fct_responses as responses"
        f" inner join read_parquet('{settings.raw_dir}/survey_responses/*/*.parquet',"
        " union_by_name=true) as _raw using (_file_sha256, _source_row)"
        " group by respondent_key having count(*) = 1 and bool_and(is_accepted)"
        f" and any_value(responses.cycle_id) = '{CYCLE}' and any_value(_raw.NIP) is not null"
        " order by respondent_key limit 1"
    )
    counts = "select cycle_id, count(*) from marts.fct_responses group by all order by all"
    before = dict(warehouse(counts))
    published = settings.published_dir.resolve()
    shown = table_checksums(published / "ilk.duckdb")
    identifiers = tmp_path / "identifiers.txt"
    identifiers.write_text(f"  {person}\n", encoding="utf-8")

    forgotten = ilk("forget", "--identifier-file", str(identifiers))

    assert forgotten.exit_code == 0, forgotten.output
    assert person not in forgotten.output
    # The next cycle is compared with this one, so its changes are to be computed again too.
    assert f"ilk run {CYCLE} {LAST}\n" in forgotten.output
    assert f"Final: {CYCLE}. Angka yang terbit tetap" in forgotten.output
    assert f'--restate "{ERASURE}"' in forgotten.output.replace("\n", " ")
    assert traces([settings.data_dir], {person, pseudonym}, tmp_path / "scratch") == []
    assert settings.published_dir.resolve() == published
    # Nobody goes back to figures with the person in them.
    assert list((settings.data_dir / "publications").iterdir()) == [published]
    # What was frozen can't be computed again from bytes that are no more, and that is said.
    reproduced = ilk("reproduce", CYCLE)
    assert reproduced.exit_code == 1
    assert "Somebody was erased from this file" in reproduced.output

    again = ilk("run", CYCLE)

    assert again.exit_code == 0, again.output
    assert f"{CYCLE}: angka yang sudah terbit dipertahankan" in again.output
    assert dict(warehouse(counts)) == {**before, CYCLE: before[CYCLE] - 1}
    assert settings.published_dir.resolve() != published
    assert traces([settings.data_dir], {person, pseudonym}, tmp_path / "scratch") == []
    # The publications before and after differ by the record of the run alone.
    assert table_checksums(newest(settings) / "ilk.duckdb") == shown
    with duckdb.connect(str(newest(settings) / "ilk.duckdb"), read_only=True) as connection:
        [(stood,)] = connection.execute(
            "select standing_cycles from audit_runs where outcome = 'published'"
            " order by started_at desc limit 1"
        ).fetchall()
    assert json.loads(stood) == [CYCLE]


def newest(settings: Settings) -> Path:
    return settings.published_dir.resolve()
