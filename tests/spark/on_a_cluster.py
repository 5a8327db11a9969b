"""Tasks on a cluster of one master and two workers, of which one is lost (`make test-spark`).

Belongs here: what only a cluster shows. Doesn't: what one machine shows too (test_spark_local.py).
Its name keeps it from `make test`: it takes minutes where other tests run beside it.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from orchestration.sharding.runners import TaskError
from orchestration.sharding.spark_runner import SparkRunner
from orchestration.sharding.spark_session import SparkError
from tests.spark.cluster import HOW_TO_GET_IT, IS_HERE, SECRET, SparkCluster, processes_that_name
from tests.spark.published_again import PublishedAgain, large_cycle, the_sample

KEY = "kunci-pseudonim-uji-0123456789"


@pytest.fixture(scope="module")
def cluster() -> Iterator[SparkCluster]:
    if not IS_HERE:
        pytest.skip(HOW_TO_GET_IT)
    started = SparkCluster()
    with pytest.MonkeyPatch.context() as environment:
        for name, value in started.environment.items():
            environment.setenv(name, value)
        yield started
    started.stop()
    deadline = time.monotonic() + 20
    while left := processes_that_name(str(started.folder)):
        assert time.monotonic() < deadline, f"left behind: {left}"
        time.sleep(0.5)


@pytest.fixture
def runner(cluster: SparkCluster) -> Iterator[SparkRunner]:
    with SparkRunner(cluster.master, secret=SECRET, patience=120) as opened:
        yield opened


def test_a_worker_that_is_lost_in_the_middle_changes_nothing(
    cluster: SparkCluster, runner: SparkRunner, tmp_path: Path
) -> None:
    def slow(item: int) -> int:
        (tmp_path / f"{item}-{time.monotonic()}").touch()
        time.sleep(2)
        return item * item

    assert runner.map(abs, [-1]) == [1]  # executors are there

    def lose_one() -> None:
        while len(list(tmp_path.iterdir())) < 3:
            time.sleep(0.1)
        cluster.kill_worker("one")

    killer = threading.Thread(target=lose_one)
    killer.start()
    try:
        assert runner.map(slow, range(8)) == [item**2 for item in range(8)]
    finally:
        killer.join()
        cluster.start_worker("one")
    assert len(list(tmp_path.iterdir())) > 8, "one was tried again: it was lost while it ran"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[PublishedAgain, dict[str, str]]:
    """The sample, and what it publishes where it is computed whole."""
    again = the_sample(tmp_path_factory.mktemp("sample"))
    return again, again.published()


@pytest.mark.parametrize("shards", [1, 2, 7, 64])
def test_any_number_of_shards_publishes_the_same(
    cluster: SparkCluster,
    sample: tuple[PublishedAgain, dict[str, str]],
    tmp_path: Path,
    shards: int,
) -> None:
    again, whole = sample
    assert len(whole) > 40
    assert again.published(**_told(cluster, tmp_path / "shards", shards)) == whole


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[PublishedAgain, dict[str, str]]:
    """A cycle of 66,000 respondents, and what it publishes where it is computed whole."""
    again = large_cycle(tmp_path_factory.mktemp("large"), respondents=66_000)
    return again, again.published()


@pytest.mark.parametrize(
    ("at_work", "least", "most"),
    [("shards/checks/*/*", 1, 99), ("shards/dealt/*/*", 1, 99), ("shards/rows/*/*.parquet", 3, 11)],
    ids=["checking", "dealing", "computing"],
)
def test_66_000_respondents_are_published_the_same_where_a_worker_is_lost(
    cluster: SparkCluster,
    large: tuple[PublishedAgain, dict[str, str]],
    tmp_path: Path,
    at_work: str,
    least: int,
    most: int,
) -> None:
    again, whole = large
    shards = tmp_path / "shards"
    run = again.begun(**_told(cluster, shards, 12))
    seen = 0
    while run.is_on and seen < least:
        time.sleep(0.02)
        seen = len({path.name for path in shards.glob(at_work)})
    assert run.is_on
    assert seen <= most, "it was to be lost in the middle"
    cluster.kill_worker("two")
    try:
        assert again.published_by(run) == whole
    finally:
        cluster.start_worker("two")
    assert [of.name for of in shards.iterdir()] == ["responses"]


def _told(cluster: SparkCluster, folder: Path, shards: int) -> dict[str, str]:
    return {
        "ILK_SHARDS": str(shards),
        "ILK_SHARD_DIR": str(folder),
        "ILK_SPARK_MASTER": cluster.master,
        "ILK_SPARK_SECRET": SECRET,
    }


def test_one_that_fails_for_good_is_named_after_four_attempts(
    runner: SparkRunner, tmp_path: Path
) -> None:
    def fails(item: int) -> int:
        if item == 2:
            (tmp_path / f"{time.monotonic()}").touch()
            raise ValueError("Ani of unit 7 said 'no'")
        return item

    with pytest.raises(TaskError, match=r"^2: ValueError: Ani of unit 7 said 'no'$"):
        runner.map(fails, range(4))
    assert len(list(tmp_path.iterdir())) == 4


def test_neither_key_nor_words_of_an_error_get_into_a_file_or_a_command_line(
    cluster: SparkCluster, runner: SparkRunner
) -> None:
    """While it runs and after: blocks on disk, logs of executors, the event log, arguments."""

    def look(item: int, *, key: str, folder: Path, more: bytes) -> list[str]:
        time.sleep(1)  # all that Spark writes before a task runs is written
        words = key.encode()
        assert more  # large: Spark sends it by files of its own
        return [
            str(path) for path in folder.rglob("*") if path.is_file() and words in path.read_bytes()
        ]

    task = partial(look, key=KEY, folder=cluster.folder, more=os.urandom(3_000_000))
    assert runner.map(task, range(4)) == [[]] * 4

    def fails(item: int, *, key: str) -> int:
        raise ValueError(f"{key} of item {item}")

    with pytest.raises(TaskError, match=KEY):
        runner.map(partial(fails, key=KEY), [1])
    assert not processes_that_name(KEY)
    assert not processes_that_name(SECRET)
    runner.close()
    written = [path for path in cluster.folder.rglob("*") if path.is_file()]
    assert any("events_1" in path.name for path in written), "the event log is on"
    assert any(path.name == "stderr" and path.stat().st_size for path in written)
    for words in (KEY, SECRET):
        of = [path for path in written if words.encode() in path.read_bytes()]
        assert [path for path in of if path.parent != cluster.conf] == []


def test_a_session_that_nobody_closes_ends_with_its_process(cluster: SparkCluster) -> None:
    code = (
        "import sys; from orchestration.sharding.spark_runner import SparkRunner; "
        "runner = SparkRunner(sys.argv[1], secret=sys.argv[2]); print(runner.map(abs, [-1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, cluster.master, SECRET],
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert (done.returncode, done.stdout) == (0, "[1]\n"), done.stderr
    assert not processes_that_name(f"SparkSubmit --master {cluster.master}")


def test_the_secret_of_a_cluster_is_asked_for(
    cluster: SparkCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong in (None, "another"):
        with (
            SparkRunner(cluster.master, secret=wrong) as runner,
            pytest.raises(SparkError, match="ILK_SPARK_SECRET"),
        ):
            runner.map(str, [1])
    monkeypatch.setenv("SPARK_CONF_DIR", str(cluster.conf))  # the cluster's own file has it
    with SparkRunner(cluster.master) as runner:
        assert runner.map(str, [1]) == ["1"]


def test_that_nobody_works_is_told_and_ends(
    cluster: SparkCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    starved = cluster.with_defaults("starved", {"spark.executor.memory": "900g"})
    monkeypatch.setenv("SPARK_CONF_DIR", str(starved))
    with (
        SparkRunner(cluster.master, secret=SECRET, patience=5) as runner,
        pytest.raises(SparkError, match="no machine took a task within 5 seconds"),
    ):
        runner.map(str, [1])
