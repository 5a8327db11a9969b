"""Who the sample's people are, and a search for them that sees into databases.

Belongs here: what test_personal_data.py and test_forgetting.py share. Doesn't: tests.
"""

import csv
import os
import shutil
import sqlite3
import struct
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb

from orchestration.settings import REPOSITORY

PERSONAL = {
    "limesurvey": ("NIP", "token", "ipaddr"),
    "gform": ("NIP (18 angka, tanpa spasi)", "Alamat email"),
    "msform": ("NIP", "Email", "Name"),
}
"""The columns of the sample that name a person, or a person's machine."""


def people(raw_dir: Path) -> set[str]:
    """Every identifier, token, address and name in the raw zone's exports."""
    found = set()
    with duckdb.connect() as connection:
        for path in raw_dir.glob("survey_responses/*/*.parquet"):
            relation = connection.read_parquet(str(path))
            profile = relation.project("_profile_id").limit(1).fetchall()[0][0]
            for column in PERSONAL[profile]:
                values = relation.project(f'trim("{column}")').distinct().fetchall()
                found |= {value for (value,) in values}
    return found - {"", "anonymous"}


def traces(places: Iterable[Path], secrets: set[str], scratch: Path) -> list[str]:
    """The files at or below the places that hold one of the secrets, as text or inside a table.

    Bytes are searched as they are. What a database or Parquet file holds is written to `scratch`
    as text first, for compression and pages cut a text to pieces; a view holds nothing of its own.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    inside = scratch / "inside"
    inside.mkdir(parents=True)
    named = {}
    files = [file for place in places for file in _files(place)]
    for number, file in enumerate(files):
        text = inside / str(number)
        named[str(text)] = str(file)
        with text.open("w", encoding="utf-8") as target:
            for line in _rows_within(file):
                target.write(line + "\n")
    patterns = scratch / "secrets"
    patterns.write_text("\n".join(sorted(secrets)) + "\n", encoding="utf-8")
    search = subprocess.run(
        ["xargs", "-0", "grep", "-alF", "-f", str(patterns), "--"],
        input="\0".join([*map(str, files), *named]),
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert not search.stderr, search.stderr
    return sorted({named.get(found, found) for found in search.stdout.splitlines()})


def outside_the_raw_zone(data_dir: Path) -> list[Path]:
    """What lies below a data folder beside the two places that may know people."""
    return [path for path in data_dir.iterdir() if path.name not in ("raw", "landing")]


def _files(place: Path) -> list[Path]:
    if place.is_symlink():
        return []  # the link to the publication, which is searched where it lies
    if place.is_file():
        return [place]
    return [path for path in sorted(place.rglob("*")) if path.is_file() and not path.is_symlink()]


def _rows_within(file: Path) -> Iterator[str]:
    with file.open("rb") as opened:
        head = opened.read(16)
    if head.startswith(b"SQLite format 3"):
        database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        yield from database.iterdump()
        database.close()
    elif head.startswith(b"PAR1"):
        with duckdb.connect() as connection:
            yield from _lines(connection.read_parquet(str(file)))
    elif head[8:12] == b"DUCK":
        with duckdb.connect() as connection:
            connection.execute(f"attach '{file}' as searched (read_only)")
            tables = connection.execute(
                "select schema_name, table_name from duckdb_tables()"
                " where database_name = 'searched'"
            ).fetchall()
            for schema, table in tables:
                yield from _lines(connection.sql(f'from searched."{schema}"."{table}"'))


def _lines(relation: duckdb.DuckDBPyRelation) -> Iterator[str]:
    """What a table's columns hold, each value once; numbers that can't hold an identifier aside."""
    for column, kind in zip(relation.columns, relation.types, strict=True):
        if str(kind) in ("BOOLEAN", "SMALLINT", "INTEGER", "DOUBLE", "FLOAT", "DATE"):
            continue
        quoted = column.replace('"', '""')
        for (value,) in relation.project(f'cast("{quoted}" as varchar)').distinct().fetchall():
            yield str(value)


def old_workbook(rows: list[list[str]]) -> bytes:
    """An Excel 97 workbook (.xls) of texts: no library that still lives writes one.

    One sheet of BIFF8 records, as the stream `Workbook` of an OLE2 compound file.
    """

    def record(kind: int, content: bytes) -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    def begin(kind: int) -> bytes:
        return record(0x809, struct.pack("<HHHHII", 0x600, kind, 0, 1997, 0, 0))

    end, name = record(0x0A, b""), b"Form1"
    code_page = record(0x42, struct.pack("<H", 1200))
    size_of_list = 4 + 8 + len(name)
    offset = len(begin(5)) + len(code_page) + size_of_list + len(end)
    stream = begin(5) + code_page
    stream += record(0x85, struct.pack("<IBBBB", offset, 0, 0, len(name), 0) + name) + end
    stream += begin(0x10) + record(0x200, struct.pack("<IIHHH", 0, len(rows), 0, len(rows[0]), 0))
    for number, cells in enumerate(rows):
        for place, text in enumerate(cells):
            label = struct.pack("<HHHHB", number, place, 15, len(text), 0) + text.encode("latin-1")
            stream += record(0x204, label)
    stream = (stream + end).ljust(4096, b"\0")  # a shorter stream would lie elsewhere
    sectors = -(-len(stream) // 512)
    chain = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, 2 + sectors), 0xFFFFFFFE]
    table = struct.pack("<128I", *chain, *[0xFFFFFFFF] * (128 - len(chain)))

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        text = name.encode("utf-16-le") + b"\0\0"
        head = text.ljust(64, b"\0") + struct.pack(
            "<HBBIII", len(text), kind, 1, *[0xFFFFFFFF] * 2, child
        )
        return head + bytes(36) + struct.pack("<IQ", start, size)

    folder = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0)
    folder += entry("Workbook", 2, 0xFFFFFFFF, 2, len(stream)) + bytes(256)
    header = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16)
    header += struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096,
                          0xFFFFFFFE, 0, 0xFFFFFFFE, 0)  # fmt: skip
    header += struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    return header + table + folder + stream.ljust(512 * sectors, b"\0")


def landing_rows(cycle_id: str, profile_id: str) -> list[list[str]]:
    """The records of one of the sample's CSV exports, header first."""
    folder = REPOSITORY / "examples" / "ilk" / "landing" / cycle_id / profile_id
    (path,) = folder.glob("*.csv")
    delimiter = ";" if profile_id == "limesurvey" else ","
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.reader(lines, delimiter=delimiter))
