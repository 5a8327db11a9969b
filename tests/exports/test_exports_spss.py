"""SPSS files: codes as text, what is missing as a blank, a crash of pyreadstat as a sentence."""

import subprocess
import sys
from datetime import date, datetime, time
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from exports_cases import Cycle
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.exports import spss_cells
from orchestration.exports.faults import ExportFault
from orchestration.exports.sav_reader import read_sav
from orchestration.exports.seed_files import ReaderSettings


def saved(folder: Path, frame: pd.DataFrame, **how: object) -> bytes:
    path = folder / "saved.sav"
    pyreadstat.write_sav(frame, path, **how)
    return path.read_bytes()


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> bytes:
    frame = pd.DataFrame({"unit": ["A", "B"], "q1": [1.0, 2.0]})
    labels = {"q1": {1.0: "Tidak", 2.0: "Ya"}}
    return saved(
        tmp_path_factory.mktemp("small"),
        frame,
        column_labels=["Satker", "Puas?"],
        variable_value_labels=labels,
    )


def crashing(content: bytes) -> bytes:
    """A variable's record with one byte changed, at which pyreadstat 1.3.7 ends by SIGSEGV."""
    at = content.index(b"Satker  ") + len(b"Satker  ") + 4
    return content[:at] + b"\x01" + content[at + 1 :]


def test_values_are_codes_and_what_the_file_calls_missing_is_blank(read, tmp_path):
    frame = pd.DataFrame(
        {
            "id": [1.0, 2.0, 3.0],
            "q1": [5.0, 99.0, None],
            "score": [4.25, -1e-7, 1e300],
            "nip": [198501012010011001.0, 7.0, 8.0],
            "unit": ["A ", "tak tahu", ""],
            "day": [date(2025, 10, 6), None, date(2025, 10, 8)],
            "sent": [datetime(2025, 10, 6, 23, 59, 59), None, None],
            "took": [time(0, 3, 20), None, None],
        }
    )
    content = saved(
        tmp_path, frame, missing_ranges={"q1": [99.0], "unit": ["tak tahu"]},
        variable_value_labels={"q1": {5.0: "Sangat baik"}},
    )  # fmt: skip
    reading, cells = read(content)
    assert reading.header.names == ("id", "q1", "score", "nip", "unit", "day", "sent", "took")
    assert (reading.encoding, reading.delimiter, reading.header.rows) == ("spss", "", 0)
    assert cells == [
        [
            *("1", "5", "4.25", "1.98501012010011E+17", "A"),
            *("2025-10-06 00:00:00", "2025-10-06 23:59:59", "0:03:20"),
        ],
        ["2", "", "-1e-07", "7", "", "", "", ""],
        ["3", "", "1.00000000000000E+300", "8", "", "2025-10-08 00:00:00", "", ""],
    ]


def test_labels_go_along_and_a_column_is_known_by_its_label_too(read, small, tmp_path):
    path = tmp_path / "small.sav"
    path.write_bytes(small)
    table = read_sav(path, ReaderSettings())
    assert table.header.names == ("unit", "q1")
    assert table.header.texts == ("Satker", "Puas?")
    assert table.labels == {"q1": {"1": "Tidak", "2": "Ya"}}
    table.batches.close()
    reading, cells = read(small, headings=frozenset(("puas?", "unit")))
    assert (reading.header.names, cells) == (("unit", "Puas?"), [["A", "1"], ["B", "2"]])


def test_more_cases_than_a_block_are_all_read(read, tmp_path, monkeypatch):
    script = Path(spss_cells.__file__).read_text(encoding="utf-8")
    smaller = tmp_path / "smaller.py"
    smaller.write_text(script.replace("_BLOCK_CELLS = 1_000_000", "_BLOCK_CELLS = 20"), "utf-8")
    monkeypatch.setattr(spss_cells, "__file__", str(smaller))
    for count in (1, 19, 20, 21, 60):
        content = saved(tmp_path, pd.DataFrame({"n": [float(n) for n in range(count)]}))
        assert read(content)[1] == [[str(n)] for n in range(count)]


def test_a_file_that_crashes_pyreadstat_is_told_in_a_sentence_and_the_run_goes_on(
    cycle: Cycle, small
):
    cycle.drop("gform/a.sav", crashing(small))
    cycle.drop("gform/b.sav", small)
    report = cycle.pull()
    (refusal,) = report.refused
    assert refusal.code == "sav_crashed"
    assert "breaks down on this one (SIGSEGV)" in refusal.message
    assert "macet pada berkas ini (SIGSEGV)" in refusal.message_id
    assert (len(report.new), report.records_read) == (1, 2)


def test_a_file_that_was_cut_off_is_refused_wherever(read, small):
    for at in range(5, len(small), 90):
        with pytest.raises(ExportFault) as caught:
            read(small[:at])
        assert caught.value.code in ("bad_sav", "sav_crashed")


def test_without_pyreadstat_the_sentence_names_the_extra(read, small, tmp_path, monkeypatch):
    script = Path(spss_cells.__file__).read_text(encoding="utf-8")
    without = tmp_path / "without.py"
    without.write_text(script.replace("import pyreadstat", "import no_such_package"), "utf-8")
    monkeypatch.setattr(spss_cells, "__file__", str(without))
    with pytest.raises(ExportFault) as caught:
        read(small)
    assert "uv sync --extra spss" in caught.value.in_english("a.sav")


def test_who_reads_no_spss_file_imports_no_pyreadstat():
    code = "import sys, orchestration.exports.reading; print('pyreadstat' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(4, 560), st.sampled_from([0, 1, 127, 255])), max_size=4))
def test_any_damage_ends_in_a_table_or_a_fault(small, tmp_path_factory, damages):
    content = bytearray(small)
    for at, value in damages:
        content[at] = value
    path = tmp_path_factory.getbasetemp() / "damaged.sav"
    path.write_bytes(content)
    try:
        for batch, numbers in read_sav(path, ReaderSettings()).batches:
            assert batch.num_rows == len(numbers)
    except ExportFault as fault:
        assert fault.code in ("bad_sav", "sav_crashed", "header_only")
