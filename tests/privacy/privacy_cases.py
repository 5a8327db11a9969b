"""Who the sample's people are, and a search for them that sees into databases.

Belongs here: what test_personal_data.py and test_forgetting.py share. Doesn't: tests.
"""

import csv
import os
import shutil
import sqlite3
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


def landing_rows(cycle_id: str, profile_id: str) -> list[list[str]]:
    """The records of one of the sample's CSV exports, header first."""
    folder = REPOSITORY / "examples" / "ilk" / "landing" / cycle_id / profile_id
    (path,) = folder.glob("*.csv")
    delimiter = ";" if profile_id == "limesurvey" else ","
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.reader(lines, delimiter=delimiter))
