"""Whatever the bytes: every record lands, or the file is refused with a sentence.

A thousand files, the same in every run: what lands is what Python's own csv module reads, record by
record and cell by cell, so that no row is lost or doubled.
"""

import csv
import io
import re
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestration.exports.csv_reader import read_csv
from orchestration.exports.faults import ExportFault
from orchestration.exports.headers import is_blank
from orchestration.exports.seed_files import ReaderSettings
from orchestration.exports.sniffing import Format, tell_format
from orchestration.exports.table import ExportTable

CELLS = st.one_of(
    st.sampled_from(["", "5", "5.0", "=1+1", 'say "hi"', "a\nb", "a\r\nb", ";", ",", "x" * 300]),
    st.sampled_from(["y" * 5_000, "\u00a0", "\ufeff", "1.98E+17", "Ã©"]),
    st.text(st.characters(codec="utf-8"), max_size=8),
)
DAMAGES = (
    "ragged",
    "headings twice",
    "two delimiters",
    "two encodings",
    "cut off",
    "stray bytes",
)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252", "cp949"])


@st.composite
def exports(draw):
    """A table as some tool writes it, then perhaps damaged in one of the ways that were met."""
    width = draw(st.integers(1, 5))
    rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=8))
    damage = draw(st.sampled_from(["none", *DAMAGES]))
    if damage == "ragged":
        rows[draw(st.integers(0, len(rows) - 1))].append("extra")
    if damage == "headings twice":
        rows[0] = [rows[0][0]] * width
    delimiters = draw(st.permutations(",;\t|"))
    header, body = written(rows[:1], delimiters[0], draw), written(rows[1:], delimiters[0], draw)
    if damage == "two delimiters":
        body = written(rows[1:], delimiters[1], draw)
    encoding = draw(ENCODINGS)
    content = header.encode(encoding, errors="replace")
    if damage == "two encodings":
        encoding = draw(ENCODINGS)
    # A byte order mark stands once, before the first row.
    content += body.encode("utf-16-le" if encoding == "utf-16" else encoding, errors="replace")
    at = draw(st.integers(0, len(content)))
    if damage == "cut off":
        return content[:at]
    if damage == "stray bytes":
        garbage = draw(st.sampled_from([b'"', b"\0", b"\n", b"\xe9", b";", b",", b"\r", b"\xff"]))
        return content[:at] + garbage + content[at:]
    return content


def written(rows, delimiter, draw):
    text = io.StringIO()
    csv.writer(
        text,
        delimiter=delimiter,
        quoting=draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])),
        lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r"])),
    ).writerows(rows)
    return text.getvalue()


def parsed_independently(content: bytes, table: ExportTable, end: str = "") -> list[list[str]]:
    # A second byte order mark, left by joining files, is no text either (sniffing.read_sample).
    encoding = "utf-8-sig" if table.encoding == "utf-8" else table.encoding
    text = content.decode(encoding, "replace" if table.broken else "strict").removeprefix("\ufeff")
    text = re.sub('\\A("?)sep=.\\1(\r\n|\r|\n)', "", text, flags=re.I) + end
    csv.field_size_limit(1 << 30)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=table.delimiter)
    return [[] if row == ["\x1a"] and table.header.width > 1 else row for row in reader]


def check(content: bytes, block_bytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.csv"
        path.write_bytes(content)
        try:
            if tell_format(path) is Format.WORKBOOK:
                return
            table = read_csv(path, ReaderSettings(), block_bytes=block_bytes)
            cells = [
                (number, list(row.values()))
                for batch, numbers in table.batches
                for number, row in zip(numbers.to_pylist(), batch.to_pylist(), strict=True)
            ]
        except ExportFault as fault:
            assert fault.in_english("export.csv").startswith("export.csv")
            assert fault.in_indonesian("export.csv").startswith("export.csv")
            assert fault.code != "unreadable"
            return
    rows = enumerate(parsed_independently(content, table), start=1)
    expected = [
        (number, row[: len(table.header.names)])
        for number, row in rows
        if number > table.header.rows and not is_blank(row)
    ]
    assert [(number, row) for number, row in cells if not is_blank(row)] == expected
    swallowing = parsed_independently(content, table, end="\nend\n")
    assert swallowing[-1] == ["end"], "a quotation mark was never closed"


@settings(deadline=None, max_examples=600, derandomize=True)
@given(exports(), st.sampled_from([1024, 4096, 8 << 20]))
@example(b'a,b\n5" x,"y\n3,4\n', 8 << 20)
@example(b'a\r\n"1"\r\n""\r\n\r\n', 8 << 20)
@example(b"\xef\xbb\xbf\xef\xbb\xbfa,b\n1,2\n", 8 << 20)
@example(b"\xef\xbb\xbf\xef\xbb\xbf\n\xef\xbb\xbf", 1024)
@example(b'\xef\xbb\xbf"";"extra"\n\xef\xbb\xbf";"\n"5"\n""\n', 1024)
@example(b'a;b\n1;2\n""""\n3;4\n', 8 << 20)
def test_damaged_exports_land_whole_or_are_refused(content, block_bytes):
    check(content, block_bytes)


def test_a_row_of_an_empty_cell_in_quotes_is_no_record(tmp_path):
    path = tmp_path / "export.csv"
    path.write_bytes(b'a;b\n1;2\n""\n3;4\n')
    [(_, numbers)] = read_csv(path, ReaderSettings()).batches
    assert numbers.to_pylist() == [2, 4]


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.binary(max_size=200))
def test_any_bytes_land_whole_or_are_refused(content):
    check(content, 8 << 20)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.text(alphabet='a",;\n\r\t', max_size=40))
def test_any_mix_of_quotes_delimiters_and_line_breaks_lands_whole_or_is_refused(text):
    check(text.encode(), 8 << 20)
