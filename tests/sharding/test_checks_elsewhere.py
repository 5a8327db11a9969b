"""A cycle's exports checked in this process and in others: the same outcomes, or the same sentence.

Belongs here: who profiles the exports, and what is told where that fails. Doesn't: what is demanded
of them (test_expectations.py); Spark (test_sharded_build.py).
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from dagster import build_init_resource_context

from expectations.one_export import Numbers, ProfileTask
from expectations.raw_files import current_files
from orchestration.cycles.state import cycle_states
from orchestration.defs.resources import RunLock
from orchestration.durable_files import UnreadableFileError
from orchestration.settings import Settings
from orchestration.sharding import workplace
from orchestration.sharding.dealing import in_groups
from orchestration.sharding.local_runner import LocalRunner
from orchestration.sharding.runners import RunnerError, TaskError
from orchestration.sharding.workplace import Workplace, open_workplace
from orchestration.stages.check import check_exports
from orchestration.stages.findings import StageError
from tests.small_cycle import KEY, SmallCycle, row

TIMELESS = "No,Unit,Q1"
OF_ONE = {
    "answers_are_on_their_scale",
    "columns_are_mapped",
    "times_are_in_the_window",
    "units_and_categories_are_known",
}
ACROSS = {
    "persons_answer_once",
    "response_ids_are_unique",
    "responses_are_of_one_source",
    "files_do_not_hold_each_other",
}


@pytest.fixture
def cycle(tmp_path: Path) -> SmallCycle:
    """One whose exports break rules one by one, and some of them together."""
    made = SmallCycle(tmp_path)
    made.add("survey_sources", "c1,p,landing,c1/again/*", "c1,q,landing,c1/q/*")
    made.add("export_profiles", "q,i,plain,Asia/Jakarta,,,")
    made.add("export_columns", "q,Unit,attribute,unit_id", "q,Q1,question,U1")
    many = [row(n, nip=f"19870101201001{n:04}") for n in range(40)]
    made.drop("c1/p/a.csv", [*many, "Jumlah,,,,160,120"])
    made.drop("c1/p/b.csv", [*many[20:], *(row(n, unit="Kantor Z") for n in range(60, 70))])
    made.drop("c1/p/c.csv", [f"{n + 100},{of.partition(',')[2]}" for n, of in enumerate(many)])
    made.drop("c1/p/d.csv", [row(n + 200, month=12).replace(",4,3", ",7,x") for n in range(9)])
    made.drop("c1/again/a.csv", many)
    for name, count in (("e", 30), ("f", 31)):
        rows = [f"{n},{'AB'[n % 2]},{n % 5}" for n in range(count)]
        made.drop(f"c1/q/{name}.csv", rows, TIMELESS)
    return made


def in_processes(task: Callable[[Numbers], None], rows: Mapping[int, int]) -> None:
    """Three tasks in two processes, one of them twice; and one that was lost before its end."""
    assert isinstance(task, ProfileTask)
    lost = task.folder / ".1-lost"
    lost.mkdir()
    for name in ("files", "compared", "judged"):
        (lost / f"{name}.parquet").write_bytes(b"PAR1, and then its machine was lost")
    groups = in_groups(rows, 3)
    assert len(groups) == 3
    LocalRunner(2).map(task, [*groups, groups[0]])


def test_whoever_profiles_the_exports_says_the_same(cycle: SmallCycle) -> None:
    lists = cycle.data / "quality" / "c1"

    def said(**by: Any) -> tuple[object, dict[str, bytes]]:
        outcomes = cycle.check("c1", **by)
        return outcomes, {path.name: path.read_bytes() for path in lists.glob("*.csv")}

    here = said()
    outcomes, files = here
    assert len(files) == 2
    failed = {each.check for of in outcomes.values() for each in of if not each.passed}
    assert failed >= ACROSS | OF_ONE
    assert said(run=in_processes) == here
    assert list((cycle.data / "spilled").iterdir()) == []


class Elsewhere:
    """Others, of whom one is lost, or who see what a task of Spark would."""

    def __init__(self, lost: tuple[int, ...] = ()) -> None:
        self.lost = lost
        self.groups: Sequence[Any] = ()

    def map(self, task: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        self.groups = items
        for item in items:
            if self.lost and set(self.lost) <= set(item):
                raise TaskError(item, "its machine or process was lost")
        return LocalRunner().map(task, items)


@pytest.fixture
def settings(cycle: SmallCycle, tmp_path: Path) -> Settings:
    """Those of a run on Spark whose exports were pulled."""
    cycle.pull("c1")
    return Settings(
        data_dir=cycle.data,
        seeds_dir=cycle.seeds,
        pseudonym_key=KEY,
        spark_master="spark://host:7077",
        shards=3,
        shard_dir=tmp_path / "shards",
    )


@pytest.fixture
def others(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    others = Elsewhere()
    place = Workplace(settings.shards_dir, others)
    monkeypatch.setattr("orchestration.stages.check.open_workplace", lambda _: place)
    return others


def test_exports_whose_check_is_lost_are_named(settings: Settings, others: Elsewhere) -> None:
    check_exports(settings, "c1")
    assert len(others.groups) == 3
    cycle_states(settings).forget_border(["c1"])
    others.lost = others.groups[-1]
    with pytest.raises(StageError) as raised:
        check_exports(settings, "c1")
    said, where = str(raised.value).splitlines()
    assert said == (
        "memeriksa ekspor gagal, tidak ada yang terbit / checking the exports failed, nothing is "
        "published: its machine or process was lost"
    )
    exports = current_files(settings.export_files, "c1")
    names = [file.name for file in exports if file.file_number in others.lost]
    assert len(names) == len(others.lost) < len(exports)
    assert where == f"dari ekspor / of the exports: {', '.join(names)}"


def test_the_export_that_no_profile_can_be_made_of_is_named(
    settings: Settings, others: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("no such time")

    monkeypatch.setattr("expectations.one_export.time_figures", fails)
    monkeypatch.setattr(
        "orchestration.stages.check.in_groups", lambda rows, _: [(number,) for number in rows]
    )
    with pytest.raises(StageError, match=r"published: c1/again/a\.csv: no such time$"):
        check_exports(settings, "c1")
    here = Settings(**{**settings.model_dump(), "spark_master": None, "shards": None})
    with pytest.raises(StageError, match=r"published: c1/again/a\.csv: no such time$"):
        check_exports(here, "c1")


@pytest.mark.parametrize("by_others", [True, False])
def test_a_reading_that_was_damaged_is_told_as_such(
    settings: Settings, others: Elsewhere, by_others: bool
) -> None:
    [*_, reading] = sorted((settings.raw_dir / "survey_responses").rglob("*.parquet"))
    reading.write_bytes(reading.read_bytes()[:-100])
    if not by_others:
        settings = Settings(**{**settings.model_dump(), "spark_master": None, "shards": None})
    with pytest.raises(UnreadableFileError, match="read anew from raw/files/") as raised:
        check_exports(settings, "c1")
    assert reading.name in str(raised.value)


def test_others_see_what_is_lent_until_it_is_dealt(settings: Settings, others: Elsewhere) -> None:
    check_exports(settings, "c1")
    lent = settings.shards_dir / "raw"
    readings = {path.name for path in (settings.raw_dir / "survey_responses").rglob("*.parquet")}
    assert {path.name for path in lent.rglob("*.parquet")} == readings
    assert lent.stat().st_mode & 0o077 == 0
    assert list((settings.shards_dir / "checks").iterdir()) == []


def test_a_run_has_one_workplace_until_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path)
    left = settings.shards_dir / "raw" / "of a run that was killed"
    left.mkdir(parents=True)
    monkeypatch.setattr("orchestration.defs.resources.get_settings", lambda: settings)
    with (
        pytest.raises(KeyboardInterrupt),
        RunLock().yield_for_execution(build_init_resource_context()),
    ):
        opened = open_workplace(settings)
        assert open_workplace(settings) is opened
        assert list(settings.shards_dir.iterdir()) == []
        assert settings.shards_dir.stat().st_mode & 0o077 == 0
        raise KeyboardInterrupt
    assert not settings.shards_dir.exists()
    assert workplace._opened == []

    settings.shards_dir.mkdir()
    other = Settings(data_dir=tmp_path / "other", shard_dir=tmp_path)
    assert other.shards_dir == settings.shards_dir
    with pytest.raises(RunnerError, match=f"ILK_SHARD_DIR: .* belongs to {tmp_path}"):
        open_workplace(other)
    assert settings.shards_dir.exists(), "its owner may be at work there"
