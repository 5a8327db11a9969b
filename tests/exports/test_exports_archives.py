"""ZIP archives: each member is a file of its own, and none of them can do harm."""

import errno
import io
import struct
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest
import xlsxwriter
from exports_cases import CYCLE, Cycle
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.durable_files import OutsidePathError
from orchestration.exports import archives
from orchestration.exports.faults import ExportFault
from orchestration.exports.sniffing import is_archive

GOOD = "id,unit\n1,A\n2,B\n"
MORE = "id,unit\n3,A\n4,B\n5,C\n"


def zipped(*members: tuple[str, bytes | str], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def workbook() -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet("Form1")
        sheet.write_row(0, 0, ["id", "unit"])
        sheet.write_row(1, 0, ["9", "Z"])
    return file.getvalue()


def names(report_names: Iterable[str]) -> list[str]:
    return [name.removeprefix(f"{CYCLE}/gform/") for name in report_names]


def test_each_member_is_a_file_of_its_own_and_a_second_pull_reads_none_again(cycle: Cycle):
    cycle.drop(
        "gform/a.zip",
        zipped(("x/data.csv", GOOD), ("b.json", '[{"id": 7}]'), ("c.xlsx", workbook())),
    )
    report = cycle.pull()
    assert report.refused == ()
    assert names(report.new) == ["a.zip/b.json", "a.zip/c.xlsx", "a.zip/x/data.csv"]
    assert (report.records_read, report.unclaimed) == (4, ())
    rows = {row["name"]: row for row in cycle.registry()}
    kept = {path.name for path in (cycle.raw_dir / "files").iterdir()}
    assert kept == {row["sha256"] for row in rows.values()}  # not the archive itself
    assert {row["source"] for row in rows.values()} == {f"{CYCLE}/gform/*"}
    report = cycle.pull()
    assert (report.new, report.superseded, report.withdrawn) == ((), (), ())
    assert len(report.unchanged) == 3


def test_a_member_that_is_bad_holds_none_of_the_others(cycle: Cycle):
    damaged = bytearray(
        zipped(("damaged.csv", GOOD), ("good.csv", MORE), packing=zipfile.ZIP_STORED)
    )
    damaged[damaged.index(b"1,A")] = ord("8")
    cycle.drop("gform/a.zip", bytes(damaged))
    bad = ("cut.csv", 'id,unit\n1,"A'), ("page.csv", "<html>"), ("inner.zip", zipped(("x", GOOD)))
    cycle.drop("gform/b.zip", zipped(*bad, ("ok.csv", GOOD)))
    report = cycle.pull()
    assert names(report.new) == ["a.zip/good.csv", "b.zip/ok.csv"]
    kept = [path.read_bytes() for path in (cycle.raw_dir / "files").iterdir()]
    assert not any(content.startswith(b"PK") for content in kept)
    assert [(*names([refusal.name]), refusal.code) for refusal in report.refused] == [
        ("a.zip/damaged.csv", "zip_broken"),
        ("b.zip/cut.csv", "cut_off"),
        ("b.zip/inner.zip", "zip_archive"),
        ("b.zip/page.csv", "html_page"),
    ]


def test_a_member_follows_its_archive_and_is_withdrawn_where_it_is_left_out(cycle: Cycle):
    cycle.drop("gform/a.zip", zipped(("one.csv", GOOD), ("two.csv", "id,unit\n8,A\n")))
    cycle.pull()
    cycle.drop("gform/a.zip", zipped(("one.csv", MORE)))
    report = cycle.pull()
    assert names(report.superseded) == ["a.zip/one.csv"]
    assert names(report.withdrawn) == ["a.zip/two.csv"]
    assert cycle.in_use() == ["gform/a.zip/one.csv"]


@pytest.mark.parametrize("damage", ["cut off", "a login page", "a member's password"])
def test_members_stay_in_use_while_their_archive_can_not_be_opened(cycle: Cycle, damage: str):
    archive = zipped(("one.csv", GOOD))
    cycle.drop("gform/a.zip", archive)
    cycle.pull()
    content = {
        "cut off": archive[:-30],
        "a login page": b"<!doctype html><html><form>",
        "a member's password": locked(("one.csv", GOOD), ("two.csv", MORE), only="one.csv"),
    }[damage]
    cycle.drop("gform/a.zip", content)
    report = cycle.pull()
    assert report.withdrawn == ()
    assert "gform/a.zip/one.csv" in cycle.in_use()
    assert report.refused
    assert all("stays in use" in refusal.message for refusal in report.refused)


@pytest.mark.parametrize("first", ["Survey/", "media/1.jpg", "read me"])
def test_members_stay_in_use_whatever_a_cut_off_archive_begins_with(cycle: Cycle, first: str):
    archive = zipped((first, b""), ("Survey/one.csv", GOOD))
    cycle.drop("gform/a.zip", archive)
    cycle.pull()
    cycle.drop("gform/a.zip", archive[:-30])
    report = cycle.pull()
    assert [refusal.code for refusal in report.refused] == ["zip_broken"]
    assert (report.withdrawn, cycle.in_use()) == ((), ["gform/a.zip/Survey/one.csv"])


@pytest.mark.parametrize("content", [workbook()[:-30], b"id,unit\n1,A\n2,B,\n", b'[{"a": 1}, {'])
def test_members_stay_in_use_until_what_stands_in_their_place_was_read(cycle, content: bytes):
    cycle.drop("gform/a.zip", zipped(("one.csv", GOOD)))
    cycle.drop("gform/b.csv", MORE)
    cycle.pull()
    cycle.drop("gform/a.zip", content)
    report = cycle.pull()
    [refusal] = report.refused
    assert "stays in use" in refusal.message
    assert "tetap dipakai" in refusal.message_id
    assert (report.withdrawn, cycle.in_use()) == ((), ["gform/a.zip/one.csv", "gform/b.csv"])
    cycle.drop("gform/a.zip", "id,unit\n8,Z\n")
    report = cycle.pull()
    assert (names(report.new), names(report.withdrawn)) == (["a.zip"], ["a.zip/one.csv"])
    assert sorted(cycle.in_use()) == ["gform/a.zip", "gform/b.csv"]


def test_a_file_stays_in_use_until_all_members_of_the_archive_in_its_place_were_read(cycle: Cycle):
    cycle.drop("gform/a.zip", GOOD)
    cycle.pull()
    cycle.drop("gform/a.zip", zipped(("one.csv", MORE), ("two.csv", 'id,unit\n8,"Z')))
    report = cycle.pull()
    [refusal] = report.refused
    assert (*names([refusal.name]), refusal.code) == ("a.zip/two.csv", "cut_off")
    assert "stays in use" in refusal.message
    assert cycle.in_use() == ["gform/a.zip", "gform/a.zip/one.csv"]
    cycle.drop("gform/a.zip", zipped(("one.csv", MORE), ("two.csv", GOOD)))
    report = cycle.pull()
    assert (report.refused, report.withdrawn) == ((), ())
    assert sorted(cycle.in_use()) == ["gform/a.zip/one.csv", "gform/a.zip/two.csv"]


@pytest.mark.parametrize("name", ["a.zip", "b.csv", "0.csv"])
def test_what_was_a_member_and_is_a_file_now_is_no_copy_of_itself(cycle: Cycle, name: str):
    cycle.drop("gform/a.zip", zipped(("one.csv", GOOD)))
    cycle.pull()
    cycle.drop("gform/a.zip", MORE)
    cycle.drop(f"gform/{name}", GOOD)
    report = cycle.pull()
    assert report.refused == ()
    assert sorted(cycle.in_use()) == sorted({"gform/a.zip", f"gform/{name}"})


def locked(*members: tuple[str, str], only: str | None = None) -> bytes:
    """An archive whose members say that they are encrypted, all or one."""
    content = bytearray(zipped(*members))
    at = 0
    while (at := content.find(b"PK\x01\x02", at)) >= 0:
        length = struct.unpack_from("<H", content, at + 28)[0]
        name = content[at + 46 : at + 46 + length].decode()
        if only in (None, name):
            content[at + 8] |= 1
            local = struct.unpack_from("<I", content, at + 42)[0]
            content[local + 6] |= 1
        at += 4
    return bytes(content)


def test_what_systems_and_photographs_leave_in_an_archive_is_passed_over_and_said(cycle: Cycle):
    cycle.drop(
        "gform/a.zip",
        zipped(
            *(("__MACOSX/._data.csv", b"\0\1"), ("data.csv", GOOD), (".DS_Store", b"x")),
            *((f"media/{n}.jpg", b"\xff\xd8\xff") for n in range(3)),
        ),
    )
    report = cycle.pull()
    assert (names(report.new), report.refused) == (["a.zip/data.csv"], ())
    (said,) = report.notes
    assert said in cycle.progress
    assert said.endswith("5 files: .DS_Store (1), __MACOSX (1), media (3).")
    assert "dilewati di dalam arsip ZIP, 5 berkas" in said


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (zipped(), "zip_empty"),
        (zipped(("__MACOSX/x", b"1")), "zip_empty"),
        (locked(("a.csv", GOOD)), "zip_encrypted"),
        (zipped(("a.csv", GOOD))[:-10], "zip_broken"),
        (zipped(*((f"{n}.csv", b"") for n in range(archives.MAX_MEMBERS + 1))), "zip_too_large"),
        (zipped(("a.csv", b"0" * (archives._SMALL_BYTES + 1))), "zip_too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_archive_of_which_nothing_is_read_is_refused_as_a_whole(
    cycle: Cycle, content: bytes, code: str
):
    cycle.drop("gform/a.zip", content)
    cycle.drop("gform/b.csv", GOOD)
    report = cycle.pull()
    assert [(*names([refusal.name]), refusal.code) for refusal in report.refused] == [
        ("a.zip", code)
    ]
    assert names(report.new) == ["b.csv"]
    assert len(list((cycle.raw_dir / "files").iterdir())) == 1


@pytest.mark.parametrize(
    "name", ["../up.csv", "/etc/root.csv", "a/../../b.csv", "C:/x.csv", "a\\b.csv", "x\n.csv"]
)
def test_a_name_that_leads_out_of_the_archive_is_refused_and_leaves_no_trace(
    cycle: Cycle, name: str
):
    before = {path for path in cycle.folder.rglob("*")}
    cycle.drop("gform/a.zip", zipped((name, GOOD), ("good.csv", MORE)))
    report = cycle.pull()
    assert [refusal.code for refusal in report.refused] == ["zip_path"]
    assert names(report.new) == ["a.zip/good.csv"]
    made = {path.relative_to(cycle.folder).parts[0] for path in cycle.folder.rglob("*")}
    assert made == {"seeds", "landing", "raw"}
    assert before < set(cycle.folder.rglob("*"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_both_refused(cycle: Cycle):
    cycle.drop("gform/a.zip", zipped(("a.csv", GOOD), ("a.csv", MORE), ("b.csv", MORE)))
    report = cycle.pull()
    assert [refusal.code for refusal in report.refused] == ["zip_twice"]
    assert names(report.new) == ["a.zip/b.csv"]


def test_a_workbook_is_no_archive_nor_is_one_that_was_cut_off(tmp_path):
    path = tmp_path / "a.zip"
    for content in (workbook(), workbook()[:-30], workbook()[:300]):
        path.write_bytes(content)
        assert not is_archive(path)


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_any_byte_that_changed_refuses_its_member_alone(tmp_path, packing: int):
    contents = {"one.csv": GOOD.encode() * 20, "two.csv": MORE.encode()}
    archive = zipped(*contents.items(), packing=packing)
    path = tmp_path / "a.zip"
    for place in range(4, len(archive), 3):  # the first four tell that it is one
        path.write_bytes(archive[:place] + bytes([archive[place] ^ 0xFF]) + archive[place + 1 :])
        assert is_archive(path)
        try:
            with archives.open_archive(path) as opened:
                for name in opened.members:
                    with opened.member(name) as member:
                        assert member.read() in contents.values()
        except ExportFault as fault:
            assert fault.code.startswith("zip_")


def test_a_damaged_member_that_is_packed_otherwise_holds_none_of_the_others(cycle: Cycle):
    for name, packing in (("a", zipfile.ZIP_BZIP2), ("b", zipfile.ZIP_LZMA)):
        content = bytearray(zipped(("one.csv", GOOD * 20), (f"{name}.csv", MORE), packing=packing))
        content[60] ^= 0xFF
        cycle.drop(f"gform/{name}.zip", bytes(content))
        cycle.drop(f"gform/{name}-also.csv", f"id,unit\n{ord(name)},A\n")
    report = cycle.pull()
    assert [(*names([refusal.name]), refusal.code) for refusal in report.refused] == [
        ("a.zip/one.csv", "zip_broken"),
        ("b.zip/b.csv", "copy"),
        ("b.zip/one.csv", "zip_broken"),
    ]
    assert names(report.new) == ["a.zip/a.csv", "a-also.csv", "b-also.csv"]


def renamed(content: bytes, name: bytes, other: bytes) -> bytes:
    """Its members under a name of the same length, which it says is UTF-8."""
    changed = bytearray(content.replace(name, other))
    changed[changed.index(b"PK\x01\x02") + 9] |= 0x08
    return bytes(changed)


def of_version(content: bytes, version: int) -> bytes:
    changed = bytearray(content)
    changed[changed.index(b"PK\x01\x02") + 6] = version
    return bytes(changed)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (zipped(("a.csv", GOOD))[:-10], "BadZipFile"),
        (of_version(zipped(("a.csv", GOOD)), 64), "NotImplementedError"),
        (renamed(zipped(("a.csv", GOOD)), b"a.csv", b"\xff.csv"), "UnicodeDecodeError"),
    ],
)
def test_an_archive_whose_list_of_members_can_not_be_read_is_refused(cycle: Cycle, content, why):
    cycle.drop("gform/a.zip", content)
    cycle.drop("gform/b.csv", GOOD)
    report = cycle.pull()
    [refusal] = report.refused
    assert (refusal.code, why in refusal.message) == ("zip_broken", True)
    assert names(report.new) == ["b.csv"]


@pytest.mark.parametrize(
    "ours", [OutsidePathError("no name"), OSError(errno.ENOSPC, "full"), RuntimeError("a mistake")]
)
def test_what_goes_wrong_with_who_reads_a_member_is_no_damage_of_it(tmp_path, ours: Exception):
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(("a.csv", GOOD)))
    with (
        pytest.raises(type(ours)) as caught,
        archives.open_archive(path) as archive,
        archive.member("a.csv"),
    ):
        raise ours
    assert caught.value is ours


def test_a_disk_that_fails_is_no_damage_of_an_archive(tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(("a.csv", GOOD)))

    def fail(self, size=-1):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(zipfile.ZipExtFile, "read", fail)
    with (
        archives.open_archive(path) as archive,
        archive.member("a.csv") as member,
        pytest.raises(OSError, match="Input/output error"),
    ):
        member.read()


def test_an_archive_is_opened_once_for_all_of_its_members(cycle: Cycle, monkeypatch):
    opened = []

    class Counted(zipfile.ZipFile):
        def __init__(self, *args, **kwargs) -> None:
            opened.append(args)
            super().__init__(*args, **kwargs)

    cycle.drop("gform/a.zip", zipped(*((f"{n}.csv", f"id,unit\n{n},A\n") for n in range(9))))
    monkeypatch.setattr(zipfile, "ZipFile", Counted)
    assert len(cycle.pull().new) == 9
    assert len(opened) == 2  # told apart from a workbook, then read


def test_an_archive_whose_beginning_is_lost_is_damaged(tmp_path):
    content = bytearray(zipped(("a.csv", GOOD)))
    place = content.index(b"PK\x05\x06") + 16
    [start] = struct.unpack_from("<I", content, place)
    struct.pack_into("<I", content, place, start + 99)  # so that members begin before the file
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with (
        archives.open_archive(path) as archive,
        pytest.raises(ExportFault) as caught,
        archive.member("a.csv"),
    ):
        pass
    assert (caught.value.code, caught.value.details) == ("zip_broken", {"detail": "OSError"})


@pytest.mark.parametrize("step", range(1, 40))
def test_any_damage_to_an_archive_ends_in_members_or_faults(tmp_path, step: int):
    content = bytearray(zipped(("one.csv", GOOD * 20), ("two.csv", MORE)))
    place = len(content) * step // 40
    path = tmp_path / "a.zip"
    for damaged in (content[:place], content[:place] + b"\xff" + content[place + 1 :]):
        path.write_bytes(damaged)
        try:
            if not is_archive(path):
                continue
            with archives.open_archive(path) as archive:
                for name in archive.members:
                    with archive.member(name) as member:
                        assert member.read() in (GOOD.encode() * 20, MORE.encode())
        except ExportFault as fault:
            assert fault.code.startswith("zip_")


PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


@st.composite
def archives_and_worse(draw):
    """Any bytes, or an archive of which some are others, or that is cut off."""
    if draw(st.integers(0, 9)) == 0:
        return b"PK\x03\x04" + draw(st.binary(max_size=200))
    members = [(f"{name}.csv", GOOD + name) for name in draw(st.text("ab/.\\:", max_size=3))]
    content = bytearray(zipped(*members, ("c.csv", MORE), packing=draw(st.sampled_from(PACKINGS))))
    for at in draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[at] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content)


@settings(
    max_examples=400,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(archives_and_worse())
def test_whatever_the_bytes_a_member_is_had_whole_or_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with suppress(ExportFault), archives.open_archive(path) as archive:
        for name in archive.members:
            with suppress(ExportFault), archive.member(name) as member:
                assert member.read().decode() in (GOOD + name[:1], MORE)
