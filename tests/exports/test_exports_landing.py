"""Pulls: what is new, changed, gone, copied or refused, and what a killed pull leaves."""

import io
import pathlib
import stat
import subprocess
import sys
from datetime import UTC, datetime

import fsspec
import pyarrow.parquet
import pytest
import xlsxwriter
from exports_cases import CYCLE, Cycle

from orchestration.bounded_engine import BoundedEngine
from orchestration.exports.pull_report import Shrunk
from orchestration.exports.pulling import pull_cycle
from orchestration.exports.seed_files import SeedError, read_sources
from orchestration.exports.sources import SourceError, list_cycle

GOOD = "id,unit\n1,A\n2,B\n"
BETTER = "id,unit\n1,A\n2,B\n3,C\n"
RAGGED = "id,unit\n1\n2,B\n"


def names(*short):
    return tuple(f"{CYCLE}/{name}" for name in short)


def test_a_new_file_lands_with_its_bytes_records_and_row(cycle):
    cycle.drop("gform/a.csv", GOOD)
    report = cycle.pull()
    assert (report.new, report.records_read) == (names("gform/a.csv"), 2)
    assert report.missing_sources == (f"{CYCLE}/msform/*",)
    (row,) = cycle.registry()
    assert row == row | {
        "file_number": 1,
        "cycle_id": CYCLE,
        "profile_id": "gform",
        "kind": "survey_responses",
        "source": f"{CYCLE}/gform/*",
        "name": f"{CYCLE}/gform/a.csv",
        "bytes": len(GOOD),
        "encoding": "utf-8",
        "delimiter": ",",
        "header_rows": 1,
        "header": ["id", "unit"],
        "header_folded": ["id", "unit"],
        "record_count": 2,
        "blank_row_count": 0,
        "pulled_at": datetime(2025, 12, 1, 1),
        "status": "read",
        "message": "",
        "superseded_by": None,
    }
    assert (cycle.raw_dir / "files" / row["sha256"]).read_bytes() == GOOD.encode()
    assert cycle.records(row)[1] == {
        "id": "2",
        "unit": "B",
        "_file_sha256": row["sha256"],
        "_source_row": 3,
        "_profile_id": "gform",
        "_pulled_at": datetime(2025, 12, 1, 1),
    }


def test_what_lands_is_for_its_owner_alone(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.pull()
    files = [path for path in cycle.raw_dir.rglob("*") if path.is_file() and path.name != ".lock"]
    assert len(files) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_the_same_bytes_again_change_nothing(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.drop("gform/bad.csv", RAGGED)
    first = cycle.pull()
    before = {path: path.stat().st_mtime_ns for path in cycle.raw_dir.rglob("*.parquet")}
    second = cycle.pull()
    assert {path: path.stat().st_mtime_ns for path in cycle.raw_dir.rglob("*.parquet")} == before
    assert (second.new, second.unchanged, second.records_read) == ((), names("gform/a.csv"), 0)
    assert second.refused == first.refused


def test_a_changed_file_supersedes_its_older_version_and_both_stay(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.pull()
    cycle.drop("gform/a.csv", BETTER)
    report = cycle.pull()
    assert (report.superseded, report.new, report.records_read) == (names("gform/a.csv"), (), 3)
    old, new = cycle.registry()
    assert (old["superseded_by"], new["superseded_by"]) == (new["sha256"], None)
    assert [len(cycle.records(row)) for row in (old, new)] == [2, 3]


def test_files_new_in_one_pull_are_read_in_the_order_of_their_numbers(cycle):
    order = ["a.csv", "a (2).csv", "a (10).csv", "b-2025-10-01.csv", "b-2025-10-08.csv"]
    for at, name in enumerate(order):
        cycle.drop(f"gform/{name}", f"{GOOD}{at},x\n")
    assert cycle.pull().new == names(*(f"gform/{name}" for name in order))


def test_what_is_read_again_keeps_the_order_of_its_pulls(cycle):
    for name in ("b.csv", "a.csv"):
        cycle.drop(f"gform/{name}", f"{GOOD}{name},x\n")
        cycle.pull()
    assert cycle.in_use() == ["gform/b.csv", "gform/a.csv"]
    cycle.profiles(gform=",latin-1,")
    assert cycle.pull().superseded == names("gform/b.csv", "gform/a.csv")
    assert cycle.in_use() == ["gform/b.csv", "gform/a.csv"]


def test_a_file_that_is_renamed_or_put_back_keeps_its_place_before_the_newer_ones(cycle):
    cycle.drop("gform/hasil-01.csv", GOOD)
    cycle.pull()
    cycle.drop("gform/hasil-02.csv", BETTER)
    cycle.pull()
    (cycle.folder / "landing" / CYCLE / "gform/hasil-01.csv").rename(
        cycle.folder / "landing" / CYCLE / "gform/arsip-01.csv"
    )
    report = cycle.pull()
    assert (report.new, report.withdrawn) == (
        names("gform/arsip-01.csv"),
        names("gform/hasil-01.csv"),
    )
    cycle.remove("gform/arsip-01.csv")
    cycle.pull()
    cycle.drop("gform/hasil-01.csv", GOOD)
    cycle.pull()
    cycle.drop("gform/hasil-03.csv", f"{BETTER}4,D\n")
    cycle.pull()
    numbers = [(row["name"].removeprefix(f"{CYCLE}/gform/"), row["file_number"])
               for row in cycle.registry()]  # fmt: skip
    assert numbers == [("hasil-01.csv", 1), ("hasil-02.csv", 2), ("arsip-01.csv", 1),
                       ("hasil-01.csv", 1), ("hasil-03.csv", 3)]  # fmt: skip


def test_what_could_be_read_only_later_keeps_the_place_of_its_first_pull(cycle):
    cycle.profiles(gform=",ascii,")
    cycle.drop("gform/hasil-01.csv", "id,unit\n1,Á\n")
    assert len(cycle.pull().refused) == 1
    cycle.drop("gform/hasil-02.csv", GOOD)
    cycle.pull()
    cycle.profiles()
    assert cycle.pull().new == names("gform/hasil-01.csv")
    assert [row["file_number"] for row in cycle.registry()] == [1, 2, 1]


def test_a_location_that_is_written_anew_claims_what_is_in_use_too(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.pull()
    cycle.seed("msform", locations=[f"{CYCLE}/gform/*.csv"])
    assert cycle.pull().unchanged == names("gform/a.csv")
    assert [row["source"] for row in cycle.registry()] == [f"{CYCLE}/gform/*.csv"]


def test_reverting_to_earlier_bytes_is_a_pull_of_its_own_in_their_old_place(cycle):
    for content in (GOOD, BETTER, GOOD):
        cycle.drop("gform/a.csv", content)
        cycle.pull()
    first, second, third = cycle.registry()
    assert third["sha256"] == first["sha256"]
    assert [row["file_number"] for row in (first, second, third)] == [1, 2, 1]
    assert first["superseded_by"] == second["sha256"]
    assert (second["superseded_by"], third["superseded_by"]) == (third["sha256"], None)
    assert cycle.records(third)[0]["_pulled_at"] == third["pulled_at"]


def test_a_refused_change_leaves_the_older_version_in_use_and_says_so(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.pull()
    cycle.drop("gform/a.csv", RAGGED)
    (refusal,) = cycle.pull().refused
    assert refusal.message.startswith(f"{CYCLE}/gform/a.csv, row 2: Export again, or correct")
    pulled_at = f"{datetime(2025, 12, 1, 1, tzinfo=UTC).astimezone():%Y-%m-%d %H:%M %Z}"
    assert refusal.message.endswith(f"The version pulled at {pulled_at} stays in use.")
    assert refusal.message_id.endswith("tetap dipakai.")
    old, new = cycle.registry()
    assert (old["superseded_by"], new["status"], new["message"]) == (
        *(None, "refused"),
        refusal.message,
    )
    assert (cycle.raw_dir / "files" / new["sha256"]).read_bytes() == RAGGED.encode()
    cycle.drop("gform/a.csv", BETTER)
    assert cycle.pull().superseded == names("gform/a.csv")
    newest = cycle.registry()[-1]["sha256"]
    assert [row["superseded_by"] for row in cycle.registry()] == [newest, newest, None]


def test_a_vanished_file_is_withdrawn_and_its_bytes_stay(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.drop("gform/b.csv", BETTER)
    cycle.pull()
    cycle.remove("gform/a.csv")
    assert cycle.pull().withdrawn == names("gform/a.csv")
    gone = cycle.registry()[0]
    assert gone["superseded_by"] == "withdrawn"
    assert (cycle.raw_dir / "files" / gone["sha256"]).exists()
    cycle.drop("gform/a.csv", GOOD)
    assert cycle.pull().new == names("gform/a.csv")
    assert cycle.in_use() == ["gform/b.csv", "gform/a.csv"]


def test_a_source_that_matches_nothing_withdraws_nothing(cycle):
    # Another source still has its file: an empty landing would be away as a whole.
    cycle.drop("gform/a.csv", GOOD)
    cycle.drop("msform/b.csv", BETTER)
    cycle.pull()
    cycle.remove("gform/a.csv")
    report = cycle.pull()
    assert report.withdrawn == ()
    assert report.missing_sources == (f"{CYCLE}/gform/*",)
    assert cycle.in_use() == ["gform/a.csv", "msform/b.csv"]


def test_a_file_that_no_source_matches_is_named(cycle):
    cycle.drop("gform/a.csv", GOOD)
    for name in ("gform/.hidden", "gform/~$a.xlsx", "gform/Thumbs.db", "staff_frame.csv"):
        cycle.drop(name, "unit_id,staff_count\nA,10\n")
    assert cycle.pull().unclaimed == ()
    cycle.drop("STAFF_FRAME.CSV", GOOD)
    cycle.drop("gform/2025/deeper.csv", GOOD)
    report = cycle.pull()
    assert report.unclaimed == names("STAFF_FRAME.CSV", "gform/2025/deeper.csv")
    assert report.unchanged == names("gform/a.csv", "staff_frame.csv")
    cycle.seed("gform", "msform", others=[f"{CYCLE}/gform/*/*.csv"])
    assert cycle.pull().unclaimed == names("STAFF_FRAME.CSV"), "another cycle reads the rest"


def test_an_emptied_landing_keeps_the_staff_frame_with_the_responses(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.drop("staff_frame.csv", "unit_id,staff_count\nA,10\n")
    cycle.pull()
    cycle.remove("gform/a.csv")
    cycle.remove("staff_frame.csv")
    assert cycle.pull().withdrawn == ()
    assert cycle.in_use() == ["gform/a.csv", "staff_frame.csv"]


def test_an_emptied_landing_withdraws_nothing_whatever_the_sources_are_now(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.drop("msform/b.csv", BETTER)
    cycle.pull()
    cycle.seed("msform")
    cycle.remove("gform/a.csv")
    cycle.remove("msform/b.csv")
    assert cycle.pull().withdrawn == ()
    assert cycle.in_use() == ["gform/a.csv", "msform/b.csv"]


FRAME = "unit_id,recipient_category_id,role_id,staff_count\nA,k,penerima,10\n"


def frame_workbook():
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        for row, line in enumerate(FRAME.splitlines()):
            sheet.write_row(row, 0, line.split(","))
    return file.getvalue()


def test_a_staff_frame_is_read_as_a_workbook_too(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.drop("staff_frame.csv", FRAME)
    cycle.pull()
    cycle.remove("staff_frame.csv")
    cycle.drop("staff_frame.xlsx", frame_workbook())
    report = cycle.pull()
    assert (report.new, report.withdrawn) == (names("staff_frame.xlsx"), names("staff_frame.csv"))
    assert cycle.in_use() == ["gform/a.csv", "staff_frame.xlsx"]
    assert cycle.records(cycle.registry()[-1])[0]["staff_count"] == "10"


def test_a_staff_frame_that_vanished_stays_until_another_one_is_read(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.drop("staff_frame.csv", FRAME)
    assert cycle.pull().kept_frame == ""
    cycle.remove("staff_frame.csv")
    for content in (None, "no workbook"):
        if content:
            cycle.drop("staff_frame.xlsx", content)
        report = cycle.pull()
        assert (report.withdrawn, report.kept_frame) == ((), f"{CYCLE}/staff_frame.csv")
        assert cycle.in_use() == ["gform/a.csv", "staff_frame.csv"]


def test_two_staff_frames_are_an_error_since_they_would_be_added_up(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.drop("staff_frame.csv", FRAME)
    cycle.drop("staff_frame.xlsx", frame_workbook())
    with pytest.raises(SourceError, match="there are two staff frames"):
        cycle.pull()


def test_a_workbook_where_csv_is_asked_for_is_told_with_the_location_that_asks(cycle):
    cycle.seed(locations=[f"{CYCLE}/gform/*.csv"])
    cycle.drop("gform/a.csv", GOOD)
    cycle.drop("gform/Survei ILK (Jawaban).xlsx", frame_workbook())
    cycle.drop("gform/deeper/b.xlsx", frame_workbook())
    report = cycle.pull()
    assert report.other_kinds == {
        f"{CYCLE}/gform/Survei ILK (Jawaban).xlsx": f"{CYCLE}/gform/*.csv"
    }
    assert report.unclaimed == names("gform/Survei ILK (Jawaban).xlsx", "gform/deeper/b.xlsx")


def test_a_reading_of_an_older_version_of_the_reader_is_read_again(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.pull()
    (row,) = cycle.registry()
    parquet = next(cycle.raw_dir.rglob(f"{row['sha256']}.parquet"))
    table = pyarrow.parquet.read_table(parquet, partitioning=None)
    pyarrow.parquet.write_table(table.replace_schema_metadata(None), parquet)
    assert cycle.pull().superseded == names("gform/a.csv")
    assert cycle.pull().unchanged == names("gform/a.csv")


def test_headings_mapped_later_find_the_header_below_its_titles(cycle):
    cycle.drop("gform/a.csv", f"Rekap,\n{GOOD}")
    cycle.pull()
    assert cycle.registry()[-1]["header"] == ["Rekap", "column 2"]
    rows = ["gform,id,attribute,response_id", "gform,unit,attribute,unit_id"]
    header = "profile_id,source_column,target_kind,target"
    cycle._write_seed("export_columns", header, rows)
    assert cycle.pull().superseded == names("gform/a.csv")
    assert cycle.registry()[-1]["header"] == ["id", "unit"]
    cycle._write_seed("export_columns", header, [*rows, "gform,note,ignore,"])
    assert cycle.pull().unchanged == names("gform/a.csv")


def test_a_location_edited_to_match_nothing_withdraws_nothing(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.pull()
    cycle.seed("msform", locations=[f"{CYCLE}/gfrom/*"])
    assert cycle.pull().withdrawn == ()
    assert cycle.in_use() == ["gform/a.csv"]


def test_a_source_removed_from_the_seed_withdraws_its_files(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.drop("msform/b.csv", BETTER)
    cycle.pull()
    cycle.seed("msform")
    assert cycle.pull().withdrawn == names("gform/a.csv")


def test_a_copy_under_another_name_is_not_counted_twice(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.drop("msform/copy.csv", GOOD)
    report = cycle.pull()
    assert (report.new, report.records_read) == (names("gform/a.csv"), 2)
    (refusal,) = report.refused
    assert refusal.code == "copy"
    assert f"a copy of {CYCLE}/gform/a.csv" in refusal.message
    assert cycle.records(cycle.registry()[0])[0]["_profile_id"] == "gform"


def test_the_file_read_first_stays_the_original(cycle):
    cycle.drop("gform/b.csv", GOOD)
    cycle.pull()
    cycle.drop("gform/a.csv", GOOD)
    assert [refusal.name for refusal in cycle.pull().refused] == list(names("gform/a.csv"))
    assert cycle.in_use() == ["gform/b.csv"]


def test_a_copy_is_read_once_its_original_is_gone(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.drop("gform/b.csv", GOOD)
    cycle.pull()
    cycle.remove("gform/a.csv")
    report = cycle.pull()
    assert (report.withdrawn, report.new) == (names("gform/a.csv"), names("gform/b.csv"))
    assert cycle.in_use() == ["gform/b.csv"]


def test_two_files_that_swap_their_bytes_are_both_read(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.drop("gform/b.csv", BETTER)
    cycle.pull()
    cycle.drop("gform/a.csv", BETTER)
    cycle.drop("gform/b.csv", GOOD)
    assert cycle.pull().superseded == names("gform/a.csv", "gform/b.csv")
    assert sorted(cycle.in_use()) == ["gform/a.csv", "gform/b.csv"]


def test_an_older_version_that_stays_in_use_is_not_read_again_under_a_new_name(cycle):
    cycle.drop("gform/z.csv", GOOD)
    cycle.pull()
    cycle.drop("gform/z.csv", RAGGED)
    cycle.drop("gform/a.csv", GOOD)
    assert [refusal.code for refusal in cycle.pull().refused] == ["copy", "ragged"]
    assert cycle.in_use() == ["gform/z.csv"]


def test_one_bad_file_does_not_stop_the_others(cycle):
    cycle.drop("gform/a.csv", RAGGED)
    cycle.drop("gform/b.csv", GOOD)
    cycle.drop("gform/c.csv", "")
    report = cycle.pull()
    assert report.new == names("gform/b.csv")
    assert [refusal.code for refusal in report.refused] == ["ragged", "empty_file"]
    assert len(cycle.progress) == 3


def test_a_remedy_in_the_profile_makes_the_refused_bytes_read(cycle):
    cycle.drop("gform/a.csv", b"id,unit\n1,\x81\n")
    assert [refusal.code for refusal in cycle.pull().refused] == ["undecodable"]
    cycle.profiles(gform=",latin-1,")
    assert (cycle.pull().refused, cycle.in_use()) == ((), ["gform/a.csv"])
    assert cycle.registry()[0]["superseded_by"] == cycle.registry()[1]["sha256"]


def test_an_encoding_of_last_resort_is_read_and_reported_until_the_profile_names_it(cycle):
    cycle.drop("gform/a.csv", "id,note\n1,déjà\n".encode("cp1252"))
    report = cycle.pull()
    assert report.notes == (cycle.registry()[0]["message"],)
    assert report.notes[0].startswith(f"{CYCLE}/gform/a.csv: Periksa huruf beraksen")
    cycle.profiles(gform=",cp1252,")
    cycle.drop("gform/a.csv", "id,note\n1,déjà vu\n".encode("cp1252"))
    assert (cycle.pull().notes, cycle.registry()[1]["message"]) == ((), "")


def test_a_delimiter_prescribed_later_reads_the_same_bytes_anew(cycle):
    cycle.drop("gform/a.csv", "id;a,b\n1;2,3\n")
    cycle.pull()
    cycle.profiles(gform='";",,')
    assert cycle.pull().superseded == names("gform/a.csv")
    assert cycle.registry()[-1]["header"] == ["id", "a,b"]
    assert cycle.pull().unchanged == names("gform/a.csv")


def test_the_staff_frame_lands_beside_the_responses(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.drop("staff_frame.csv", "unit_id,staff_count\nA,10\n")
    cycle.pull()
    row = next(row for row in cycle.registry() if row["kind"] == "staff_frame")
    assert (row["name"], row["profile_id"]) == (f"{CYCLE}/staff_frame.csv", "")
    assert cycle.records(row)[0] == cycle.records(row)[0] | {"staff_count": "10", "_profile_id": ""}


def test_a_glob_that_reaches_the_staff_frame_does_not_read_it_as_responses(cycle):
    cycle.seed(locations=[f"{CYCLE}/*.csv"])
    cycle.drop("a.csv", GOOD)
    cycle.drop("staff_frame.csv", "unit_id,staff_count\nA,10\n")
    cycle.pull()
    assert [row["kind"] for row in cycle.registry()] == ["survey_responses", "staff_frame"]


def test_lock_files_of_excel_and_hidden_files_are_no_exports(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.drop("gform/~$a.xlsx", "x")
    cycle.drop("gform/.DS_Store", "x")
    assert cycle.pull().refused == ()


def test_two_profiles_that_claim_one_file_are_an_error_that_names_both(cycle):
    cycle.seed("msform", locations=[f"{CYCLE}/*/*"])
    cycle.drop("msform/a.csv", GOOD)
    with pytest.raises(SourceError, match="belongs to two sources"):
        cycle.pull()
    assert cycle.registry() == []


def test_the_landing_may_be_any_fsspec_url(tmp_path):
    memory = fsspec.filesystem("memory")
    memory.pipe(f"/{tmp_path.name}/{CYCLE}/gform/a.csv", GOOD.encode())
    cycle = Cycle(tmp_path, landing=f"memory://{tmp_path.name}")
    assert cycle.pull().new == names("gform/a.csv")


@pytest.mark.parametrize("folder", ["Survei [2025]", "Survei *", "Jum'at {1}, né à"])
def test_the_landing_may_lie_in_a_folder_of_any_name(tmp_path, folder):
    cycle = Cycle(tmp_path / folder)
    cycle.drop("gform/a.csv", GOOD)
    Cycle(tmp_path / "Survei tua").drop("gform/b.csv", BETTER)  # which "Survei *" would fit
    assert cycle.pull().new == names("gform/a.csv")


def test_a_source_may_be_a_url_of_its_own(cycle, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.csv").write_text(GOOD, encoding="utf-8")
    cycle.seed(locations=[f"file://{tmp_path}/elsewhere/*.csv"])
    assert cycle.pull().new == (f"file://{tmp_path}/elsewhere/a.csv",)


def test_a_file_that_grows_while_it_is_copied_waits_for_the_next_pull(cycle, monkeypatch):
    cycle.drop("gform/a.csv", GOOD)
    cycle.pull()
    cycle.drop("gform/a.csv", BETTER)
    local = type(fsspec.filesystem("file"))
    info = local.info
    monkeypatch.setattr(local, "info", lambda *args, **kw: info(*args, **kw) | {"size": 3})
    (refusal,) = cycle.pull().refused
    assert refusal.code == "changing"
    assert "stays in use" in refusal.message
    monkeypatch.undo()
    assert cycle.pull().superseded == names("gform/a.csv")


def numbered(count: int, of: str = "id,unit") -> str:
    return "\n".join([of, *(f"{number},A" for number in range(count))]) + "\n"


@pytest.mark.parametrize("name", ["gform/a.csv", "staff_frame.csv"])
def test_a_version_with_less_than_half_the_records_is_refused_until_it_is_accepted(cycle, name):
    cycle.drop("gform/other.csv", GOOD)
    cycle.drop(name, numbered(11))
    cycle.pull()
    cycle.drop(name, numbered(5))
    for _ in range(2):  # refused again by each pull, and remembered once
        (refusal,) = cycle.pull().refused
        assert refusal.code == "fewer"
        assert "it holds 5 records, the version before it 11" in refusal.message
        assert "berisi 5 jawaban, versi sebelumnya 11" in refusal.message_id
        assert "--accept-fewer" in refusal.message and "--accept-fewer" in refusal.message_id
        assert "stays in use" in refusal.message
    assert [row["record_count"] for row in cycle.registry() if row["status"] == "refused"] == [0]
    folder = cycle.raw_dir / cycle.registry()[-1]["kind"]
    kept = {row["sha256"] for row in cycle.registry() if row["status"] == "read"}
    assert {path.stem for path in folder.rglob("*.parquet")} <= kept
    report = cycle.pull(accept_fewer=True)
    assert (report.superseded, report.refused) == (names(name), ())
    for shrunk in (report.shrunk, cycle.pull().shrunk):
        assert shrunk == (Shrunk(f"{CYCLE}/{name}", 5, 11),)


def test_a_version_with_fewer_records_is_read_and_told_with_both_counts(cycle):
    cycle.drop("gform/a.csv", numbered(10))
    assert cycle.pull().shrunk == ()
    cycle.drop("gform/a.csv", numbered(5))  # half is not less than half
    report = cycle.pull()
    assert (report.superseded, report.refused) == (names("gform/a.csv"), ())
    assert report.shrunk == (Shrunk(f"{CYCLE}/gform/a.csv", 5, 10),)
    cycle.drop("gform/a.csv", numbered(6))
    assert cycle.pull().shrunk == (), "measured against the version before, not against all"


def test_the_landings_state_changes_with_a_file_and_reads_none(cycle):
    def state():
        sources = read_sources(cycle.seeds_dir)
        return list_cycle(cycle_id=CYCLE, sources=sources, landing=cycle.landing)

    assert state().files == ()
    assert state() == state()
    cycle.drop("gform/a.csv", GOOD)
    first = state()
    pathlib.Path(cycle.folder / "landing" / CYCLE / "gform" / "a.csv").chmod(0)
    assert state() == first
    assert [(file.name, file.size) for file in first.files] == [(*names("gform/a.csv"), len(GOOD))]
    cycle.drop("gform/b.csv", BETTER)
    assert state() != first


def test_a_cycle_without_a_source_is_an_error_with_its_remedy(cycle):
    with pytest.raises(SeedError, match="no row for cycle ilk-1999-s1"):
        pull_cycle(
            cycle_id="ilk-1999-s1",
            seeds_dir=cycle.seeds_dir,
            landing=cycle.landing,
            raw_dir=cycle.raw_dir,
            pulled_at=datetime.now(UTC),
            engine=BoundedEngine("1GB", cycle.folder / "spilled"),
        )


@pytest.mark.parametrize(
    ("gform", "words"),
    [("ab,,", "delimiter 'ab'"), (",utf-9,", "'utf-9' tidak dikenal / is unknown")],
)
def test_a_profile_that_makes_no_sense_is_an_error_that_names_it(cycle, gform, words):
    cycle.profiles(gform=gform)
    with pytest.raises(SeedError, match=words):
        cycle.pull()


KILLED_AT_EACH_FSYNC = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
import pandas  # pyarrow imports it on first use: once, here, not in each child
from orchestration.bounded_engine import BoundedEngine
from orchestration.exports.pulling import pull_cycle

folder, fsync = Path(sys.argv[1]), os.fsync


def pull(raw, kill_at):
    calls = 0

    def dying_fsync(descriptor):
        nonlocal calls
        calls += 1
        if calls == kill_at:
            os._exit(9)
        fsync(descriptor)

    os.fsync = dying_fsync
    pull_cycle(cycle_id=sys.argv[2], seeds_dir=folder / "seeds", landing=str(folder / "landing"),
               raw_dir=raw, pulled_at=datetime(2025, 12, 1, tzinfo=UTC),
               engine=BoundedEngine("1GB", folder / "spilled"))
    os._exit(0)


for kill_at in range(1, 100):
    child = os.fork()
    if child == 0:
        pull(folder / f"raw{kill_at}", kill_at)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
    child = os.fork()
    if child == 0:
        pull(folder / f"raw{kill_at}", 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def test_a_pull_killed_at_any_write_and_run_again_ends_in_the_same_state(cycle):
    cycle.drop("gform/a.csv", GOOD)
    cycle.drop("gform/b.csv", RAGGED)
    cycle.drop("staff_frame.csv", "unit_id,staff_count\nA,10\n")
    script = [sys.executable, "-c", KILLED_AT_EACH_FSYNC, str(cycle.folder), CYCLE]
    subprocess.run(script, check=True)

    def contents(raw):
        return {
            str(path.relative_to(raw)): path.read_bytes()
            for path in raw.rglob("*")
            if path.is_file()
        }

    # Two syncs a file written: three exports' bytes, two Parquet files, the registry; then whole.
    states = [contents(raw) for raw in sorted(cycle.folder.glob("raw*"))]
    assert len(states) == 13
    assert len(states[0]) == 7
    assert all(state == states[0] for state in states)


@pytest.mark.parametrize("left", [0, 50])
def test_a_parquet_that_was_cut_off_is_made_anew_from_the_bytes(cycle: Cycle, left: int):
    cycle.drop("gform/a.csv", "id,unit\n1,A\n2,B\n")
    cycle.pull()
    [row] = cycle.registry()
    [parquet] = cycle.raw_dir.rglob(f"{row['sha256']}.parquet")
    parquet.write_bytes(parquet.read_bytes()[:left])
    report = cycle.pull()
    assert (report.refused, report.records_read) == ((), 2)
    assert [record["unit"] for record in cycle.records(row)] == ["A", "B"]
