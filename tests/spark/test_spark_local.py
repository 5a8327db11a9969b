"""Tasks on Spark within this machine: results in order, failures in words, nothing left.

Belongs here: what needs no cluster, so that every gate runs it where pyspark and Java are. Doesn't:
a cluster, whose machines can be lost (on_a_cluster.py).
"""

import importlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from orchestration.project_files import shipped
from orchestration.sharding.runners import TaskError
from orchestration.sharding.spark_runner import SparkRunner, code_of_tasks
from orchestration.sharding.spark_session import SparkError
from tests.sharding.failing_job import what_is_said
from tests.spark.cluster import HOW_TO_GET_IT, IS_HERE, processes_that_name

needs_spark = pytest.mark.skipif(not IS_HERE, reason=HOW_TO_GET_IT)


@pytest.fixture(scope="module")
def runner() -> Iterator[SparkRunner]:
    with SparkRunner("local[2,2]") as opened:
        yield opened


@needs_spark
def test_results_come_in_the_order_of_the_items(runner: SparkRunner) -> None:
    def slower_the_smaller(item: int) -> tuple[int, str | None]:
        import time

        time.sleep((3 - item) / 5)
        return item * item, os.environ.get("OMP_NUM_THREADS")

    assert runner.map(slower_the_smaller, range(4)) == [(item**2, "1") for item in range(4)]
    assert runner.map(slower_the_smaller, []) == []


@needs_spark
def test_one_that_fails_for_good_is_named_in_its_own_words(
    runner: SparkRunner, tmp_path: Path
) -> None:
    def fails(item: int) -> int:
        if item % 2:
            with (tmp_path / f"{item}").open("a") as tried:
                tried.write(".")
            raise ValueError("\nunit 'X' is not known\nLINE 1: ^")
        return item

    with pytest.raises(TaskError) as raised:
        runner.map(fails, range(6))
    assert raised.value.item == 1
    assert str(raised.value) == (
        "1: ValueError: unit 'X' is not known (dan 2 lainnya / and 2 more)"
    )
    assert (tmp_path / "1").read_text() == "..", "local[2,2] says: two times"


@needs_spark
def test_the_row_that_a_model_fails_on_is_named(runner: SparkRunner, tmp_path: Path) -> None:
    said, where = what_is_said(tmp_path, runner).splitlines()
    assert "shard 1 failed, nothing is published: ShardModelError: as_numbers: " in said
    assert where == "dari ekspor / of the exports: c1/p/3.csv, baris / row 17"


@needs_spark
def test_one_that_succeeds_when_tried_again_has_succeeded(
    runner: SparkRunner, tmp_path: Path
) -> None:
    def fails_once(item: int) -> int:
        seen = tmp_path / f"{item}"
        if not seen.exists():
            seen.touch()
            raise OSError("the share was away")
        return item

    assert runner.map(fails_once, [5, 6]) == [5, 6]


@needs_spark
def test_one_whose_process_dies_is_named(runner: SparkRunner) -> None:
    def dies(item: str) -> str:
        if item == "b":
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    with pytest.raises(
        TaskError, match=r"^b: .* its machine or process was lost \(out of mem"
    ) as e:
        runner.map(dies, ["a", "b"])
    assert "\n" not in str(e.value)


@needs_spark
def test_executors_of_another_version_compute_nothing(
    runner: SparkRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.sharding.spark_runner._code", lambda: "another")
    with pytest.raises(TaskError, match="install the same ILK on all machines"):
        runner.map(str, [1])


def test_code_is_another_where_any_module_or_package_that_computes_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "orchestration"
    copytree(shipped("orchestration"), package, ignore=ignore_patterns("__pycache__"))
    (package / "sharding" / "notes.txt").write_text("no code", encoding="utf-8")
    seen = [code_of_tasks(package)]
    assert seen == [code_of_tasks(shipped("orchestration"))]
    assert seen != [code_of_tasks(package, shipped("expectations"))]
    for name in ("sharding/tasks.py", "durable_files.py", "scoring/second_moments.py"):
        with (package / name).open("a", encoding="utf-8") as module:
            module.write("\n")
        seen.append(code_of_tasks(package))
    monkeypatch.setattr("orchestration.sharding.spark_runner.version", lambda _: "0")
    seen.append(code_of_tasks(package))
    assert len(set(seen)) == 5


@needs_spark
def test_how_many_shards_are_done_is_logged(
    runner: SparkRunner, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(item: int) -> None:
        import time

        time.sleep(0.3)

    monkeypatch.setattr("orchestration.sharding.spark_runner._SECONDS_BETWEEN_LOOKS", 0.1)
    with caplog.at_level("INFO", logger="ilk.shards"):
        runner.map(slowly, range(6))
    of_six = [re.fullmatch(r"tugas (\d) dari 6 / task \1 of 6", of) for of in caplog.messages]
    told = [int(said[1]) for said in of_six if said]
    assert told == sorted(set(told))
    assert len(told) == len(of_six)
    assert len(told) > 1
    assert told[-1] == 6


@needs_spark
def test_a_module_that_executors_lack_is_named(runner: SparkRunner) -> None:
    class OfThere:
        def __reduce__(self) -> tuple[object, ...]:
            return importlib.import_module, ("only_on_the_driver",)

    with pytest.raises(SparkError, match="ModuleNotFoundError: No module named 'only_on_the_driv"):
        runner.map(str, [OfThere()])


@needs_spark
def test_it_ends_with_its_process_is_silent_and_leaves_nothing_and_signals_as_they_were(
    runner: SparkRunner,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    java = "org.apache.spark.deploy.SparkSubmit --master local[2,2]"
    assert runner.map(str, [1]) == ["1"]
    assert processes_that_name(java)
    runner.close()
    assert not processes_that_name(java)
    before = signal.default_int_handler
    workers = signal.signal(signal.SIGINT, before)  # those of the tests ignore it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, workers))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert runner.map(str, [1]) == ["1"], "a second session in one process"
    assert signal.getsignal(signal.SIGINT) is before
    assert list(tmp_path.rglob("*.so")), "Java's libraries are unpacked there"

    def slowly(item: int) -> None:
        import time

        time.sleep(20)

    threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        runner.map(slowly, [1])
    runner.close()
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert {record.name for record in caplog.records} <= {"ilk.shards"}  # as the level is said


@pytest.mark.parametrize("loaded", ["", pytest.param("import pyspark.sql", marks=needs_spark)])
def test_nothing_more_of_spark_is_imported_before_it_is_used(loaded: str) -> None:
    """Neither by us nor by Great Expectations, which takes all that is installed, or loaded."""
    code = f"""
{loaded}
import sys
before = [*sys.modules]
import pandas as pd
from expectations.rules import Rule
from expectations.validation import validate
from orchestration.sharding.spark_runner import SparkRunner
SparkRunner("local[2]").close()
from orchestration.words import FaultText
rule = Rule("any", "expect_column_values_to_not_be_null", "any", FaultText("", ""), "critical")
assert validate(pd.DataFrame({{"any": [1]}}), [rule], suite="any").outcomes[0].passed
assert {{*before}} <= {{*sys.modules}}
print("checked")
new = [name for name in sys.modules if name not in before]
sys.exit(" ".join(name for name in new if name.startswith(("pyspark", "py4j"))) or 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stdout, done.stderr) == (0, "checked\n", ""), done.stderr


def test_without_the_extra_or_java_a_sentence_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "pyspark", None)
        with pytest.raises(SparkError, match="uv sync --inexact --extra spark"):
            SparkRunner("local[2]").map(str, [1])
    if IS_HERE:
        monkeypatch.setenv("PATH", "/nowhere")
        monkeypatch.delenv("JAVA_HOME", raising=False)
        with pytest.raises(SparkError, match="openjdk-17-jre-headless"):
            SparkRunner("local[2]").map(str, [1])


def test_a_master_that_does_not_answer_is_told_at_once() -> None:
    with pytest.raises(SparkError, match=r"spark://127.0.0.1:1,.*nothing answers there"):
        SparkRunner("spark://127.0.0.1:1,127.0.0.1:2").map(str, [1])
