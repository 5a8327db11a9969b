"""A file of ours that is cut off, empty or garbled is made anew, or told in a sentence.

Belongs here: damage to what a later run reads, and disks that are full. Doesn't: processes that
are killed (test_killed.py), exports that are damaged (exports/), dbt's last parse
(test_dbt_parse.py).
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest

from orchestration import dbt_build
from orchestration.auditing.final_cycles import finalise
from orchestration.auditing.run_records import RESTATEMENTS, ensure_records, restatements_path
from orchestration.cycles.fingerprints import cycle_fingerprint, models_hash, seeds_hash
from orchestration.cycles.state import cycle_states
from orchestration.dbt_build import NodeResult, WarehouseBuildError, manifest_path
from orchestration.durable_files import UnreadableFileError, read_json_record, read_record
from orchestration.lineage.columns import column_lineage
from orchestration.lineage.tables import can_be_read, warehouse_tables
from orchestration.publishing.publication import table_checksums
from orchestration.publishing.reading.headline import read_headline
from orchestration.seeds.survey_cycles import find_cycle, read_cycles
from orchestration.settings import Settings
from tests.conftest import SAMPLE_CYCLES, Sample, ilk
from tests.small_cycle import SmallCycle, row

OwnSample = Callable[..., Settings]
FIRST, LAST = SAMPLE_CYCLES

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda _: b"",
    "garbled": lambda content: bytes(byte ^ 0x5A for byte in content),
}
damages = pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)


def spoil(path: Path, damage: Callable[[bytes], bytes]) -> None:
    path.write_bytes(damage(path.read_bytes()))


def whole_folder(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sha256"])
def test_the_manifest_is_made_anew(own_sample: OwnSample, name: str) -> None:
    settings = own_sample()
    parts = set(json.loads(manifest_path(settings).read_bytes()))
    for damage in DAMAGES.values():
        spoil(manifest_path(settings).with_name(name), damage)
        assert set(json.loads(manifest_path(settings).read_bytes())) == parts
    assert manifest_path(settings).stat().st_ino == manifest_path(settings).stat().st_ino


def test_a_manifest_that_a_killed_parse_did_not_finish_leaves_no_stamp_that_calls_it_current(
    own_sample: OwnSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = own_sample()
    folder = manifest_path(settings).parent
    before = whole_folder(folder)

    class Killed(BaseException): ...

    class Half:
        def write(self, path: str) -> None:
            Path(path).write_text('{"nodes": ', encoding="utf-8")
            raise Killed

    monkeypatch.setattr(dbt_build, "project_hash", lambda _: "another project")
    monkeypatch.setattr(dbt_build, "_manifest", lambda _: Half())
    with pytest.raises(Killed):
        manifest_path(settings)
    assert whole_folder(folder) == before


def test_column_lineage_is_traced_anew(own_sample: OwnSample) -> None:
    settings = own_sample()
    tables = warehouse_tables(settings.warehouse)
    instrument_id = find_cycle(read_cycles(settings.seeds_dir), LAST).instrument_id
    held = settings.dbt_target_dir / "column_lineage" / f"{instrument_id}.json"
    whole = column_lineage(settings, tables, instrument_id=instrument_id)
    spoil(held, DAMAGES["cut"])
    assert column_lineage(settings, tables, instrument_id=instrument_id) == whole
    assert json.loads(held.read_bytes())["models"]


@pytest.mark.parametrize("content", ["[]", "null", '{"built": 3}', '"x"', "{", "\x00"])
def test_fingerprints_of_another_shape_are_as_none(tmp_path: Path, content: str) -> None:
    states = cycle_states(Settings(data_dir=tmp_path))
    states.path.write_text(content, encoding="utf-8")
    assert (states.built, states.knows_the_warehouse) == ({}, False)
    states.begin_build(LAST, "now", seeds="now", models="now")
    assert states.half_built == {LAST}


def another_version(settings: Settings) -> None:
    with duckdb.connect(settings.warehouse) as connection:  # under other names, as it were
        for table in ("design.design_settings", "people.responses_judged"):
            connection.execute(f"drop table {table}")


UNREADABLE: dict[str, Callable[[Settings], None]] = {
    "memory": lambda own: spoil(own.data_dir / "fingerprints.json", DAMAGES["cut"]),
    "warehouse": lambda own: spoil(own.warehouse, DAMAGES["garbled"]),
    "another version": another_version,
}


@pytest.mark.parametrize("make", UNREADABLE.values(), ids=UNREADABLE)
def test_without_memory_or_warehouse_of_this_version_all_is_built_anew_and_nobody_reads_half_of_it(
    own_sample: OwnSample, monkeypatch: pytest.MonkeyPatch, make: Callable[[Settings], None]
) -> None:
    settings = own_sample()
    shown = settings.published_dir.readlink()
    make(settings)
    traced = ilk("trace", LAST, "--domain", "national", "--component", "index")
    assert (traced.exit_code, "./ilk run --all" in traced.output) == (1, True), traced.output

    found = []

    def build(own: Settings, _: str, *, load_seeds: bool, **__: object) -> list[NodeResult]:
        found.append((own.warehouse.exists(), load_seeds, cycle_states(own).built))
        raise WarehouseBuildError("stopped by the test")

    monkeypatch.setattr("orchestration.stages.build.build_warehouse", build)
    assert ilk("run", LAST).exit_code == 1
    assert found == [(False, True, {})]
    assert settings.published_dir.readlink() == shown


def test_a_warehouse_whose_columns_are_of_an_older_version_takes_no_figures(
    own_sample: OwnSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = own_sample()
    with duckdb.connect(settings.warehouse) as connection:  # DuckDB would round, and say nothing
        connection.execute("alter table figures.scores_with_errors alter score type integer")
    record = json.loads(cycle_states(settings).path.read_text(encoding="utf-8"))
    record["warehouse"]["models"] = "an older version's"
    cycle_states(settings).path.write_text(json.dumps(record), encoding="utf-8")
    cycle_states(settings).release(LAST)  # as another fingerprint would
    shown = settings.published_dir.readlink()
    found = []

    def build(own: Settings, _: str, *, load_seeds: bool, **__: object) -> list[NodeResult]:
        found.append((own.warehouse.exists(), load_seeds, cycle_states(own).built))
        raise WarehouseBuildError("stopped by the test")

    monkeypatch.setattr("orchestration.stages.build.build_warehouse", build)
    result = ilk("run", LAST)
    assert found == [(False, True, {})], result.output
    assert "another version made the warehouse" in result.output
    assert settings.published_dir.readlink() == shown


def test_a_cycle_built_without_the_one_before_it_is_built_again_after_that(
    own_sample: OwnSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = own_sample()
    states = cycle_states(settings)
    held = states.built[LAST]
    states.lose_warehouse()  # the last cycle alone was made anew
    states.begin_build(LAST, held, seeds=seeds_hash(settings), models=models_hash())
    states.finish_build(LAST, held, seeds=seeds_hash(settings), later=())
    monkeypatch.setattr("orchestration.stages.build.build_warehouse", lambda *_, **__: [])
    assert ilk("run", FIRST).exit_code == 0
    assert states.built[LAST] != cycle_fingerprint(settings, LAST)
    assert states.built[FIRST] == cycle_fingerprint(settings, FIRST)


@damages
def test_a_damaged_warehouse_is_told_from_one_that_another_program_has_open(
    own_sample: OwnSample, damage
) -> None:
    settings = own_sample()
    assert can_be_read(settings.warehouse)
    hold = "import duckdb, sys; duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(settings.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"open\n"
        assert can_be_read(settings.warehouse)
        holder.communicate()
    spoil(settings.warehouse, damage)
    assert not can_be_read(settings.warehouse)


def no_one_forgotten(settings: Settings) -> None:
    people = settings.data_dir.parent / "people.txt"
    people.write_text("nobody@example.org\n", encoding="utf-8")
    assert ilk("forget", "--identifier-file", str(people)).exit_code == 0


def frozen(settings: Settings) -> None:
    finalise(settings, LAST)


# What no run can make again: file, what must have been for it to be there, the damage, a command
# that reads it. Each damage to each kind of file is tried below.
RECORDS: dict[str, tuple[Callable[[Settings], None], str, list[str]]] = {
    "raw/forgotten.json": (no_one_forgotten, "empty", ["run", LAST]),
    "audit/runs.parquet": (lambda _: None, "cut", ["run", LAST]),
    f"audit/final/{LAST}/001/record.json": (frozen, "garbled", ["status"]),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_that_nothing_can_make_again_is_told_and_stays_as_it_lies(
    own_sample: OwnSample, name: str
) -> None:
    settings = own_sample()
    prepare, damage, command = RECORDS[name]
    prepare(settings)
    path = settings.data_dir / name
    spoil(path, DAMAGES[damage])
    kept = whole_folder(settings.raw_dir), path.read_bytes()
    result = ilk(*command)
    assert result.exit_code == 1, result.output
    assert f"Pulihkan {path} dari cadangan" in result.output
    assert "Restore it from the backup, and run again" in result.output
    assert "Traceback" not in result.output
    assert (whole_folder(settings.raw_dir), path.read_bytes()) == kept


@damages
def test_a_record_that_is_damaged_in_any_way_is_told(tmp_path: Path, damage) -> None:
    table, record = tmp_path / "record.parquet", tmp_path / "record.json"
    pyarrow.parquet.write_table(RESTATEMENTS.empty_table(), table)
    record.write_text('{"a": 1}', encoding="utf-8")
    assert read_record(table, RESTATEMENTS) == RESTATEMENTS.empty_table()
    assert read_json_record(record) == {"a": 1}
    spoil(table, damage)
    spoil(record, damage)
    with pytest.raises(UnreadableFileError, match="Restore it from the backup"):
        read_record(table, RESTATEMENTS)
    with pytest.raises(UnreadableFileError, match="Restore it from the backup"):
        read_json_record(record)


@damages
def test_every_command_tells_of_a_damaged_registry(own_sample: OwnSample, damage) -> None:
    settings = own_sample()
    spoil(settings.export_files, damage)
    people = settings.data_dir.parent / "people.txt"
    people.write_text("nobody@example.org\n", encoding="utf-8")
    for command in (
        ["status"],
        ["run", "--all"],
        ["finalise", LAST],
        ["forget", "--identifier-file", str(people)],
    ):
        result = ilk(*command)
        assert (result.exit_code, "Restore it from the backup" in result.output) == (1, True), (
            result.output
        )


@damages
def test_the_list_of_restatements_is_gathered_anew(own_sample: OwnSample, damage) -> None:
    settings = own_sample()
    frozen(settings)
    row = dict.fromkeys(RESTATEMENTS.names) | {"run_id": "r", "cycle_id": LAST, "old_value": 1.0}
    table = pyarrow.Table.from_pylist([row], schema=RESTATEMENTS)
    version = settings.audit_dir / "final" / LAST / "001" / "restatements.parquet"
    pyarrow.parquet.write_table(table, version)
    spoil(restatements_path(settings), damage)
    ensure_records(settings)
    assert pyarrow.parquet.read_table(restatements_path(settings)) == table


def test_a_damaged_publication_is_told_and_made_anew_once_it_is_removed(
    sample: Sample, own_sample: OwnSample
) -> None:
    settings = own_sample()
    database = (settings.published_dir / "ilk.duckdb").resolve()
    whole = database.read_bytes()
    for damage in DAMAGES.values():
        database.write_bytes(damage(whole))
        result = ilk("status")
        assert (result.exit_code, f"Pulihkan {database}" in result.output) == (1, True)
    result = ilk("run", LAST)
    assert (result.exit_code, f"Pulihkan {database}" in result.output) == (1, True)
    shutil.rmtree(database.parent)
    assert ilk("run", "--all").exit_code == 0
    assert table_checksums(settings.published_dir / "ilk.duckdb") == table_checksums(
        sample.database
    )


@pytest.mark.parametrize(
    ("name", "damage", "code"),
    [("runs.db", "cut", 1), ("runs.db", "empty", 0), ("runs/index.db", "garbled", 1)],
)
def test_damaged_logs_of_runs_are_told_or_made_anew(
    own_sample: OwnSample, name: str, damage: str, code: int
) -> None:
    settings = own_sample()
    log = settings.dagster_home / "history" / name
    spoil(log, DAMAGES[damage])
    for beside in log.parent.glob(f"{log.name}-*"):
        beside.unlink()
    result = ilk("run", LAST)
    assert (result.exit_code, f"Hapus {settings.dagster_home}" in result.output) == (
        code,
        bool(code),
    ), result.output


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A way to get a disk of so many megabytes, and to make it larger: its folder."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(megabytes: int) -> Path:
        remount = "remount," if folder.is_mount() else ""
        command = ["mount", "-t", "tmpfs", "-o", f"{remount}size={megabytes}m", "tmpfs"]
        done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"a full disk needs the right to mount one: {done.stderr.strip()}")
        return folder

    try:
        yield mount
    finally:
        if folder.is_mount():
            subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_full_is_told_and_once_there_is_room_all_is_as_ever(
    disk: Callable[[int], Path],
) -> None:
    survey = SmallCycle(disk(4))
    survey.drop("c1/p/a.csv", [row(number) for number in range(40)])
    for megabytes in (4, 20):  # while dbt's project is read, and while the warehouse is built
        disk(megabytes)
        stopped = survey.run("c1")
        said = stopped.stdout + stopped.stderr
        assert (stopped.returncode, "The disk is full" in said) == (1, True), (megabytes, said)
        assert "Traceback" not in said, (megabytes, said)
        assert ("menghitung" in said) == (megabytes == 20), (megabytes, said)
        assert not (survey.data / "published").exists()
    disk(400)
    done = survey.run("c1")
    assert done.returncode == 0, done.stdout + done.stderr
    headline = read_headline(survey.data / "published", "c1")
    assert headline is not None
    assert (headline.score, headline.respondent_count) == (87.5, 40)
