"""Personal data stays where it belongs: in the landing and the raw zone, its owner's alone."""

import csv
import sqlite3
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.settings import Settings
from tests.conftest import Sample, ilk
from tests.privacy.privacy_cases import landing_rows, outside_the_raw_zone, people, traces

KEY = "a key for tests"


def test_nobody_of_the_sample_is_found_outside_landing_and_raw_zone(
    sample: Sample, tmp_path: Path
) -> None:
    data_dir = sample.settings.data_dir
    secrets = people(sample.settings.raw_dir) | {KEY}
    assert len(secrets) > 5000
    printed = tmp_path / "printed.txt"
    printed.write_text(sample.output, encoding="utf-8")
    places = [*outside_the_raw_zone(data_dir), printed]
    assert {path.name for path in places} >= {"warehouse.duckdb", "publications", "dagster"}
    assert traces(places, secrets, tmp_path / "scratch") == []


def test_the_warehouses_views_over_the_raw_zone_are_staging_alone(sample: Sample) -> None:
    with duckdb.connect(str(sample.settings.warehouse), read_only=True) as connection:
        reading = connection.execute(
            "select distinct schema_name from duckdb_views()"
            " where not internal and sql like '%read_parquet%'"
        ).fetchall()
    assert reading == [("staging",)], "a view over the raw zone shows identifiers: keep it private"


@pytest.mark.parametrize("kind", ["log", "sqlite", "parquet", "duckdb"])
def test_the_search_finds_whoever_is_planted(kind: str, tmp_path: Path) -> None:
    person = "198308032007061001"
    planted = tmp_path / "planted" / "file"
    planted.parent.mkdir()
    sentence = f"{'x' * 5000} no unit for {person}, row 17"
    if kind == "log":
        planted.write_bytes(b"\xff\x00" + sentence.encode())
    if kind == "sqlite":
        with sqlite3.connect(planted) as database:
            database.execute("create table events (event text)")
            database.execute("insert into events values (?)", [sentence])
    if kind == "parquet":
        duckdb.sql(f"select '{sentence}' as v from range(9)").write_parquet(str(planted))
    if kind == "duckdb":
        with duckdb.connect(str(planted)) as connection:
            connection.execute("create table numbers as select 198308032007061001 as v")
    place = [planted.parent]
    assert traces(place, {person}, tmp_path / "scratch") == [str(planted)]
    assert traces(place, {"198308032007061002"}, tmp_path / "scratch") == []


def write_csv(path: Path, rows: list[list[str]], delimiter: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target, delimiter=delimiter).writerows(rows)


def test_messages_about_broken_exports_name_nobody(
    own_sample: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = own_sample()
    landing = Path(settings.landing) / "ilk-2025-s2"
    # Somebody moved the columns: identifiers stand where answers are expected.
    header, *rows = landing_rows("ilk-2025-s2", "limesurvey")
    nip, unit = header.index("NIP"), header.index("UNIT")
    for row in filter(None, rows):
        row[unit + 8 :] = [row[nip]] * (len(row) - unit - 8)
    write_csv(landing / "limesurvey" / "survei-ilk-2025-s2.csv", [header, *filter(None, rows)], ";")
    # A record with a cell too many, which pyarrow quotes in its own error.
    header, *rows = landing_rows("ilk-2025-s2", "gform")
    rows[4].append("")
    write_csv(landing / "gform" / "survei-ilk-2025-s2.csv", [header, *rows], ",")
    # A record in which Excel shortened the identifier.
    header, *rows = landing_rows("ilk-2025-s1", "gform")
    rows[7][2] = "1.98308E+17"
    write_csv(landing / "gform" / "tambahan.csv", [header, *rows], ",")

    result = ilk("run", "ilk-2025-s2")

    assert result.exit_code == 1
    for sentence in ("no known code", "row 6", "lost their last digits"):
        assert sentence in result.output
    printed = tmp_path / "printed.txt"
    printed.write_text(result.output, encoding="utf-8")
    places = [*outside_the_raw_zone(settings.data_dir), printed]
    assert traces(places, people(settings.raw_dir), tmp_path / "scratch") == []


def test_the_raw_zone_is_its_owners_alone(sample: Sample) -> None:
    raw_dir = sample.settings.raw_dir
    open_to_others = [
        str(path.relative_to(raw_dir))
        for path in [raw_dir, *raw_dir.rglob("*")]
        if path.stat().st_mode & 0o777 != (0o700 if path.is_dir() else 0o600)
    ]
    assert open_to_others == [], "folders 0700, files 0600: write them through durable_files.py"
