"""`ilk ...` as a person meets it: what is printed, what stands afterwards, the exit code."""

import csv
import errno
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from click.testing import Result
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy.exc import OperationalError

from orchestration.cycle_run import _instance, _with_remedy
from orchestration.cycles.state import cycle_states
from orchestration.dbt_build import NodeResult
from orchestration.exports import pulling
from orchestration.publishing.reading.headline import read_headline
from orchestration.run_lock import run_lock
from orchestration.settings import Settings
from tests.conftest import SAMPLE_CYCLES, SAMPLE_SEEDS, Sample, ilk

LAST = SAMPLE_CYCLES[-1]
# Opens a DuckDB file as another program would, until its input ends.
HOLD = """
import sys, duckdb
with duckdb.connect(sys.argv[1]):
    print("open", flush=True)
    sys.stdin.read()
"""
OwnSample = Callable[..., Settings]


def published(settings: Settings) -> str:
    """What readers see: the name of the publication that the link shows."""
    return str(settings.published_dir.readlink())


def built_at(settings: Settings) -> int:
    """When the warehouse was last written."""
    return settings.warehouse.stat().st_mtime_ns


def first_export(settings: Settings, cycle_id: str = LAST) -> Path:
    return sorted((Path(settings.landing) / cycle_id / "limesurvey").glob("*.csv"))[0]


def shorten(file: Path) -> None:
    """Take 20 records out of the middle: the last ones came after the window and count nowhere."""
    records = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(records[:200] + records[220:]))


def test_an_unknown_cycle_is_a_usage_error_that_lists_the_known_ones():
    result = ilk("run", "ilk-1999-s1")
    assert result.exit_code == 2
    assert "unknown cycle 'ilk-1999-s1'" in result.output
    assert LAST in result.output


def test_a_run_without_a_cycle_is_a_usage_error_that_lists_the_known_ones():
    result = ilk("run")
    assert result.exit_code == 2
    assert LAST in result.output


@pytest.mark.parametrize("command", ["run --all", "status", "trace ilk-2025-s2", "docs"])
def test_a_data_folder_that_cannot_be_written_is_named_with_the_remedy(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "a file").touch()
    monkeypatch.setenv("ILK_DATA_DIR", str(tmp_path / "a file" / "data"))
    result = ilk(*command.split())
    assert result.exit_code == 2
    assert f"{tmp_path / 'a file' / 'data'} tidak dapat ditulisi" in result.output
    assert "set ILK_DATA_DIR" in result.output


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("cycle_id,", "siklus,", "has no column 'cycle_id'; add it"),
        ("2025-10-06", "06/10/2025", "baris/line 3: Invalid isoformat string: '06/10/2025'"),
    ],
    ids=["a column is missing", "a date that could mean two days"],
)
def test_cycles_that_cannot_be_read_are_a_sentence(
    old: str, new: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    text = (SAMPLE_SEEDS / "survey_cycles.csv").read_text(encoding="utf-8")
    (tmp_path / "survey_cycles.csv").write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setenv("ILK_SEEDS_DIR", str(tmp_path))
    result = ilk("status")
    assert result.exit_code == 2
    assert told in result.output


def test_a_landing_that_cannot_be_listed_is_a_sentence_for_all_cycles_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ILK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ILK_LANDING_URL", "nowhere://at/all")
    result = ilk("run", "--all")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "Check the location in survey_sources.csv, ILK_LANDING_URL" in result.output


def test_a_sample_that_cannot_be_written_is_a_sentence(tmp_path: Path):
    (tmp_path / "a file").touch()
    result = ilk("sample", "--out", str(tmp_path / "a file"), "--respondents", "10")
    assert result.exit_code == 2
    assert str(tmp_path / "a file" / LAST) in result.output


def test_the_sample_is_published_with_its_index_in_indonesian_figures(sample: Sample):
    with duckdb.connect(str(sample.database), read_only=True) as connection:
        score, low, high, level = connection.execute(
            "select score, ci_low, ci_high, ci_level from idx_scores"
            " inner join dim_cycles using (cycle_id)"
            " where cycle_id = ? and domain_type = 'national'"
            " and component_type = 'index' and idx_scores.weighting_mode <> 'none'",
            [LAST],
        ).fetchall()[0]
        [(delta, verdict)] = connection.execute(
            "select delta, verdict from idx_changes where cycle_id = ?"
            " and weighting_mode <> 'none' and domain_type = 'national'"
            " and component_type = 'index'",
            [LAST],
        ).fetchall()
        [(hidden, scores)] = connection.execute(
            "select count(*) filter (is_suppressed), count(*) from idx_scores"
            " where cycle_id = ? and weighting_mode <> 'none' and domain_type <> 'national'",
            [LAST],
        ).fetchall()
    assert level == 0.95  # of seeds/method_parameters.csv
    for figure in (f"{score:.2f}", f"{low:.2f} – {high:.2f} (95%)", f"{delta:.2f}"):
        assert figure.replace(".", ",") in sample.output
    assert verdict == "same"
    assert "berubah" in sample.output
    assert "the same" in sample.output
    assert "metodenya bukan metode" not in sample.output
    assert hidden > 0
    assert f"{hidden:,} dari / of {scores:,}".replace(",", ".") in sample.output
    assert str(sample.settings.published_dir) in sample.output.replace("\n", "")


@pytest.mark.parametrize(
    ("reported", "shown"), [(None, 3.4339414), (4, 3.4339414), (100, 85.848535)]
)
def test_an_index_is_told_on_the_scale_that_its_people_speak_of(
    tmp_path: Path, reported: int | None, shown: float
):
    with duckdb.connect(str(tmp_path / "ilk.duckdb")) as connection:
        column = "" if reported is None else f", {reported} as reported_scale"
        connection.execute(
            f"""
            create table dim_cycles as select 'c' as cycle_id, 0.95 as ci_level,
                'none' as weighting_mode{column};
            create table idx_scores as select 'c' as cycle_id, 'none' as weighting_mode,
                'national' as domain_type, 'index' as component_type, 3.4339414e0 as score,
                3.4e0 as ci_low, 3.5e0 as ci_high, 'B' as band, 201 as respondent_count,
                false as is_suppressed;
            create table idx_changes as select 'c' as cycle_id, 'none' as weighting_mode,
                'national' as domain_type, 'index' as component_type, 0.05e0 as delta,
                true as is_changed;
            create table fct_participation as select 'c' as cycle_id, 'penerima' as role_id,
                400 as staff_count;
            create table audit_reconciliation as select 'c' as cycle_id, true as is_accepted,
                null as rejection_reason, 201 as response_count;
            """
        )
    headline = read_headline(tmp_path, "c")
    assert headline is not None
    assert headline.score == pytest.approx(shown, abs=1e-12)
    factor = 25 if reported == 100 else 1
    assert (headline.ci_low, headline.change) == pytest.approx((3.4 * factor, 0.05 * factor))
    assert headline.is_changed
    assert headline.verdict is None  # a publication of older code
    assert headline.is_same_method
    assert headline.response_rate == pytest.approx(201 / 400)


def test_the_warehouse_is_its_owners_and_keeps_no_tables_of_passage(sample: Sample):
    warehouse = sample.settings.warehouse
    assert warehouse.stat().st_mode & 0o077 == 0
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        left = connection.execute("from duckdb_tables() where schema_name = 'main'")
        assert left.fetchall() == []


def test_the_first_run_remembers_what_the_border_said(sample: Sample):
    for cycle_id in SAMPLE_CYCLES:
        assert cycle_states(sample.settings).border_passed(cycle_id), cycle_id


def test_a_second_run_says_nothing_new_and_leaves_the_warehouse_alone(own_sample: OwnSample):
    settings = own_sample(ILK_LANDING_URL=str(own_sample().landing))
    before = published(settings), built_at(settings)
    result = ilk("run", *SAMPLE_CYCLES)
    assert result.exit_code == 0, result.output
    assert result.output.count("nothing new") >= len(SAMPLE_CYCLES)
    assert (published(settings), built_at(settings)) == before


def test_a_mapped_column_that_is_missing_stops_before_dbt_and_the_last_publication_stays(
    own_sample: OwnSample,
):
    settings = own_sample()
    file = first_export(settings)
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.reader(lines, delimiter=";"))
    dropped = rows[0][-1]
    with file.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines, delimiter=";", quoting=csv.QUOTE_ALL).writerows(row[:-1] for row in rows)
    before = published(settings), built_at(settings)
    result = ilk("run", LAST)
    assert result.exit_code == 1
    assert f"no column '{dropped}'" in result.output
    assert file.name in result.output
    assert (published(settings), built_at(settings)) == before


def test_a_mended_run_leaves_nothing_red_and_the_failure_event_said_what_was_wrong(
    own_sample: OwnSample, monkeypatch: pytest.MonkeyPatch
):
    settings = own_sample()
    key = os.environ["ILK_PSEUDONYM_KEY"]
    monkeypatch.delenv("ILK_PSEUDONYM_KEY")
    before = published(settings)
    failed = ilk("run", LAST)
    assert failed.exit_code == 1
    # Once a cycle: the one it is compared with was computed under another key, too.
    assert failed.output.count("export ILK_PSEUDONYM_KEY=") == len(SAMPLE_CYCLES)
    row = next(line for line in failed.output.splitlines() if line.strip().startswith(LAST))
    assert not re.search(r"\d,\d", row), "the last publication's figures are not this run's"
    assert f"Quality report: {settings.quality_dir / LAST / 'report.html'}" in failed.output
    monkeypatch.setenv("ILK_PSEUDONYM_KEY", key)
    mended = ilk("run", LAST)
    assert mended.exit_code == 0, mended.output
    assert "nothing new" in mended.output
    assert published(settings) == before
    with _instance(settings) as instance:
        last, failure, *_ = instance.get_run_records(limit=3)
        told = [
            record.get_dagster_event().step_failure_data.user_failure_data.description
            for record in instance.all_logs(
                failure.dagster_run.run_id, dg.DagsterEventType.STEP_FAILURE
            )
        ]
        assert any("ILK_PSEUDONYM_KEY" in description for description in told)
        for asset in (
            ["raw", "survey_responses"],
            ["indexes", "idx_scores"],
            ["publication", "ilk"],
        ):
            event = instance.get_latest_materialization_event(dg.AssetKey(asset))
            assert event.run_id == last.dagster_run.run_id, asset


def test_identifiers_without_a_key_are_refused_before_dbt(
    own_sample: OwnSample, monkeypatch: pytest.MonkeyPatch
):
    own_sample()
    monkeypatch.delenv("ILK_PSEUDONYM_KEY")
    settings = own_sample()
    before = published(settings), built_at(settings)
    result = ilk("run", LAST)
    assert result.exit_code == 1
    assert "export ILK_PSEUDONYM_KEY=" in result.output
    assert (published(settings), built_at(settings)) == before


def test_a_refused_file_is_named_and_the_good_ones_are_published(own_sample: OwnSample):
    settings = own_sample()
    good = first_export(settings)
    (good.parent / "cut_off.csv").write_bytes(good.read_bytes()[:-40])
    shutil.copyfile(good, good.parent / "copy.csv")
    rows = good.read_bytes().splitlines(keepends=True)
    good.write_bytes(b"".join(rows[:-1]))
    frame = Path(settings.landing) / LAST / "staff_frame.csv"
    _, *staff = frame.read_bytes().splitlines()
    header = b"Unit_ID, recipient_category_id ,role_id,Gender,staff_count"  # as people type them
    frame.write_bytes(b"\n".join([header + b",ket", *(row + b",caf\xe9" for row in staff), b""]))
    before = published(settings)
    result = ilk("run", LAST)
    assert result.exit_code == 1
    assert "cut_off.csv" in result.output
    assert published(settings) != before
    # And what the landing noted of a file that it did read is said, each time.
    assert f"Warning {LAST}/staff_frame.csv: Periksa huruf beraksen" in result.output
    assert "– dibaca sebagai cp1252" in result.output
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        staff_rows = "select count(unit_id), count(gender) from staging.stg_raw__staff_frame"
        assert connection.execute(staff_rows).fetchall() == [(len(staff), len(staff))]


def scores(settings: Settings) -> list[tuple[object, ...]]:
    database = (settings.published_dir / "ilk.duckdb").resolve()
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute("select * from idx_scores order by all").fetchall()


def test_two_runs_at_once_are_one_run_and_a_sentence_that_names_the_other(own_sample: OwnSample):
    settings = own_sample()
    with run_lock(settings.data_dir):
        result = ilk("run", LAST)
    assert result.exit_code == 1
    assert f"pid {os.getpid()}, {socket.gethostname()}" in result.output


def test_what_the_system_refuses_is_told_with_its_remedy(
    own_sample: OwnSample, monkeypatch: pytest.MonkeyPatch
):
    settings = own_sample(ILK_PSEUDONYM_KEY="another")
    before = published(settings)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(settings.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"open\n"
        result = ilk("run", LAST)
        holder.communicate()
    assert result.exit_code == 1
    assert "Another program has the warehouse open: close it, and run again" in result.output
    assert "orchestration.dbt_build" not in result.output

    def store_nothing(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pulling, "store_bytes", store_nothing)
    result = ilk("run", LAST)
    assert result.exit_code == 1
    assert "The disk is full: make room, and run again" in result.output
    assert "ditolak" not in result.output

    def log_nothing(*_: object, **__: object) -> None:
        raise OperationalError("commit", {}, sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setattr(SqliteEventLogStorage, "store_event", log_nothing)
    result = ilk("run", LAST)
    assert result.exit_code == 1
    assert "The disk is full: make room, and run again" in result.output
    assert published(settings) == before


def test_an_interrupted_build_is_finished_before_anything_is_published(
    own_sample: OwnSample, monkeypatch: pytest.MonkeyPatch
):
    settings = own_sample()
    before = published(settings)
    shorten(first_export(settings))

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("orchestration.stages.build.build_warehouse", interrupted)
        assert_stopped(ilk("run", LAST), settings, before)

    shorten(first_export(settings, SAMPLE_CYCLES[0]))
    result = ilk("run", SAMPLE_CYCLES[0])
    assert result.exit_code == 1
    assert f"Run it again: ./ilk run {LAST}" in result.output
    assert published(settings) == before

    assert ilk("run", LAST).exit_code == 0
    assert published(settings) != before


def test_a_model_that_fails_in_a_new_warehouse_is_named_and_no_half_a_lineage_remembered(
    own_sample: OwnSample, monkeypatch: pytest.MonkeyPatch
):
    settings = own_sample()
    settings.warehouse.unlink()
    shutil.rmtree(settings.dbt_target_dir / "column_lineage")

    def failing(settings: Settings, *_: object, **__: object) -> list[NodeResult]:
        duckdb.connect(str(settings.warehouse)).close()  # of all tables none was made yet
        ended_at = datetime.now(UTC)
        result = ("model.ilk.dim_units", "dim_units", "model", "error", "its reason", None, 1.0)
        return [NodeResult(*result, ended_at)]

    monkeypatch.setattr("orchestration.stages.build.build_warehouse", failing)
    result = ilk("run", LAST)
    assert result.exit_code == 1
    assert "Problem dbt model dim_units (models/marts/dim_units.sql): its reason" in result.output
    assert not (settings.dbt_target_dir / "column_lineage").exists()


def test_ctrl_c_in_the_middle_of_a_query_is_no_fault_of_the_data(
    own_sample: OwnSample, monkeypatch: pytest.MonkeyPatch
):
    settings = own_sample()
    before = published(settings)
    shorten(first_export(settings))

    def query(*_: object, **__: object) -> None:
        raise RuntimeError("Query interrupted")  # DuckDB's words, heard from a run that was stopped

    monkeypatch.setattr("expectations.border.Border.check", query)
    assert_stopped(ilk("run", LAST), settings, before)


def assert_stopped(result: Result, settings: Settings, before: str) -> None:
    """It was interrupted: no problem of the data, and readers see what they saw."""
    assert result.exit_code == 130, result.output
    assert "Problem" not in result.output
    assert "Stopped. The last publication stays whole" in result.output
    assert published(settings) == before


def test_status_tells_which_cycles_are_published(sample: Sample):
    result = ilk("status")
    assert result.exit_code == 0, result.output
    for cycle_id in SAMPLE_CYCLES:
        line = next(line for line in result.output.splitlines() if cycle_id in line)
        assert "current" in line


@pytest.mark.parametrize("kind", ["Binder Error", "Catalog Error", "Conversion Error"])
def test_a_table_of_an_earlier_version_that_a_run_stumbles_on_is_said_with_the_way_out(kind):
    said = _with_remedy(f"dbt model int_x (models/int_x.sql): {kind}: column a")
    assert "Bila kode berubah" in said
    assert "Where the code changed" in said
    assert "./ilk run --all --full-refresh" in said
    assert _with_remedy("dbt check c: 3 results").startswith("dbt check")
