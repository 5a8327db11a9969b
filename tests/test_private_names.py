"""What we use of frameworks that they don't promise: one row a name, and a canary that sings.

Belongs here: names that an upgrade may take away, with where we stand on each. Doesn't: what we
make of them, which their own tests show. A row goes when its use goes; a rule finds a use without.
"""

import ast
import atexit
import inspect
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.validation import as_if_missing
from orchestration.settings import REPOSITORY

# What a framework's documentation offers; below it, or beside it, nothing is promised.
PUBLIC = {
    "dagster": {"dagster"},
    "dagster_dbt": {"dagster_dbt"},
    "dbt": {"dbt.cli.main"},
    "great_expectations": {"great_expectations"},
    "pyspark": {"pyspark"},
}


@dataclass(frozen=True)
class Private:
    """A name that is not promised: where it is used, what breaks without it, how to tell."""

    name: str
    used_in: str
    without_it: str
    sings: Callable[[], object]


def of(module: str, *names: str) -> Any:
    # As validation.py does: Spark, loaded by another test, ends a worker that imports all of it.
    hidden = ("pyspark", "py4j") if module.startswith("great_expectations") else ()
    with as_if_missing(*hidden):
        found = import_module(module)
    for name in names:
        found = getattr(found, name)
    return found


def takes(function: Callable[..., object], *parameters: str) -> bool:
    return {*parameters} <= {*inspect.signature(function).parameters}


def ends_with(words: str, code: str, *arguments: str) -> bool:
    """Whether a process of this code ends in an error of these words."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    return words in done.stderr


def a_second_writer_is_told() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "a.duckdb")
        with duckdb.connect(path):
            code = "import duckdb, sys; duckdb.connect(sys.argv[1])"
            return ends_with("Could not set lock on file", code, path)


def duckdb_says(words: str) -> bool:
    """Whether DuckDB's library holds a message.

    To ask for it by a signal takes as long as a task where no core is free for a second thread.
    """
    return words.encode() in Path(str(import_module("_duckdb").__file__)).read_bytes()


def macro_of_dbt(name: str) -> bool:
    """Whether dbt or its DuckDB adapter defines a macro that our materializations call."""
    folders = [
        Path(str(import_module(module).__file__)).parent
        for module in ("dbt.include.duckdb", "dbt.include.global_project")
    ]
    return any(
        re.search(rf"\bmacro {name}\(", file.read_text(encoding="utf-8"))
        for folder in folders
        for file in folder.rglob("*.sql")
    )


EVENT_LOG = "dagster._core.storage.event_log"
SQLITE_LOG = f"{EVENT_LOG}.sqlite.sqlite_event_log"
DUCKDB_ADAPTER = "dbt.adapters.duckdb"
MATERIALIZATIONS = "dbt_project/macros/materializations.sql"
TABLE = [
    Private(
        "dagster._core.storage.noop_compute_log_manager.NoOpComputeLogManager",
        "orchestration/dagster.yaml",
        "remove compute_logs from dagster.yaml: a killed run leaves two `tail -F` behind",
        lambda: of("dagster._core.storage.noop_compute_log_manager", "NoOpComputeLogManager"),
    ),
    Private(
        f"{EVENT_LOG}.SqliteEventLogStorage",
        "orchestration/defs/event_log.py",
        "remove event_log_storage from dagster.yaml: each event costs four times the CPU",
        lambda: (
            all(
                hasattr(of(EVENT_LOG, "SqliteEventLogStorage"), name)
                for name in ("_connect", "_initdb", "conn_string_for_shard", "has_table", "wipe")
            )
            and "self._db_lock" in inspect.getsource(of(EVENT_LOG, "SqliteEventLogStorage"))
            and "self._initialized_dbs" in inspect.getsource(of(EVENT_LOG, "SqliteEventLogStorage"))
        ),
    ),
    Private(
        f"{SQLITE_LOG}.INDEX_SHARD_NAME",
        "orchestration/defs/event_log.py",
        "as above",
        lambda: isinstance(of(SQLITE_LOG, "INDEX_SHARD_NAME"), str),
    ),
    Private(
        f"{EVENT_LOG}.SqlEventLogStorage",
        "orchestration/defs/retention.py",
        "Dagster's storage grows by 8 MB a run: remove old runs by `dagster run delete`",
        lambda: (
            takes(of(EVENT_LOG, "SqlEventLogStorage", "delete_events_for_run"), "run_id")
            and hasattr(of(EVENT_LOG, "SqlEventLogStorage"), "index_connection")
            and hasattr(of(EVENT_LOG, "SqliteEventLogStorage"), "path_for_shard")
        ),
    ),
    *(
        Private(
            f"{EVENT_LOG}.schema.{table}",
            "orchestration/defs/retention.py",
            "as above",
            lambda table=table: "run_id" in of(f"{EVENT_LOG}.schema", table).c,
        )
        for table in ("AssetCheckExecutionsTable", "SqlEventLogStorageTable")
    ),
    Private(
        "dagster._core.storage.sqlite.SQLITE_BUSY_TIMEOUT_SECONDS",
        "orchestration/defs/event_log.py",
        "as above",
        lambda: of("dagster._core.storage.sqlite", "SQLITE_BUSY_TIMEOUT_SECONDS") > 0,
    ),
    Private(
        "dagster._serdes.ConfigurableClassData",
        "orchestration/defs/event_log.py",
        "as above",
        lambda: of("dagster._serdes", "ConfigurableClassData"),
    ),
    *(
        Private(
            f"dagster.{module}.{table}|read in SQL",
            "orchestration/health.py",
            "`ilk health` can't tell whether the daemon lives (tests/test_health.py)",
            lambda module=module, name=name, column=column: (
                column in of(f"dagster._core.storage.{module}.schema", name).c
            ),
        )
        for module, name, table, column in (
            ("runs", "DaemonHeartbeatsTable", "daemon_heartbeats", "body"),
            ("schedules", "InstigatorsTable", "instigators", "instigator_body"),
            ("schedules", "JobTickTable", "job_ticks", "tick_body"),
        )
    ),
    Private(
        "dagster._core.launcher.CheckRunHealthResult",
        "orchestration/defs/run_launcher.py",
        "remove run_launcher from dagster.yaml: a killed run holds up all others until `ilk run`",
        lambda: (
            takes(of("dagster._core.launcher", "CheckRunHealthResult"), "status", "msg")
            and takes(of("dagster", "DefaultRunLauncher", "check_run_worker_health"), "run")
            and hasattr(of("dagster", "DefaultRunLauncher"), "supports_check_run_worker_health")
            and hasattr(of("dagster", "DefaultRunLauncher"), "_instance")
        ),
    ),
    Private(
        "dagster._core.launcher.WorkerStatus",
        "orchestration/defs/run_launcher.py",
        "as above",
        lambda: (
            {"RUNNING", "FAILED"} <= {*of("dagster._core.launcher", "WorkerStatus").__members__}
        ),
    ),
    Private(
        "dagster_shared.error.SerializableErrorInfo",
        "orchestration/cycle_run.py",
        "say dg.DagsterEvent's error untyped",
        lambda: (
            {"message", "cls_name", "cause"}
            <= {*inspect.signature(of("dagster_shared.error", "SerializableErrorInfo")).parameters}
        ),
    ),
    Private(
        "RunFailureReason.UNEXPECTED_TERMINATION",
        "orchestration/cycle_run.py",
        "Ctrl-C is told as a fault of the data",
        lambda: (
            str(of("dagster._core.events", "RunFailureReason", "UNEXPECTED_TERMINATION"))
            == "RunFailureReason.UNEXPECTED_TERMINATION"
        ),
    ),
    Private(
        "dagster._core.execution.plan.active",
        "orchestration/cycle_run.py",
        "Dagster's own remarks stand on the terminal",
        lambda: import_module("dagster._core.execution.plan.active"),
    ),
    Private(
        "Could not set lock on file",
        "orchestration/cycle_run.py",
        "a warehouse that another program has open is told in DuckDB's words alone",
        a_second_writer_is_told,
    ),
    Private(
        "Query interrupted",
        "orchestration/cycle_run.py",
        "Ctrl-C during a query is told as a fault of the data",
        lambda: duckdb_says("Query interrupted"),
    ),
    Private(
        "atexit._run_exitfuncs",
        "orchestration/__main__.py",
        "end by sys.exit: 5 CPU seconds more a run",
        lambda: callable(atexit._run_exitfuncs),
    ),
    Private(
        "great_expectations.data_context.types.base.ProgressBarsConfig",
        "expectations/validation.py",
        "leave its progress bars on",
        lambda: (
            takes(
                of("great_expectations.data_context.types.base", "ProgressBarsConfig"), "globally"
            )
            and hasattr(
                of("great_expectations").get_context(mode="ephemeral").variables, "progress_bars"
            )
        ),
    ),
    Private(
        "dbt.artifacts.schemas.run.RunExecutionResult",
        "orchestration/dbt_build.py",
        "ask the result for its `results` alone",
        lambda: of("dbt.artifacts.schemas.run", "RunExecutionResult"),
    ),
    Private(
        "dbt.contracts.graph.manifest.Manifest",
        "orchestration/dbt_build.py",
        "parse for each cycle",
        lambda: (
            callable(of("dbt.contracts.graph.manifest", "Manifest", "deepcopy"))
            and callable(of("dbt.contracts.graph.manifest", "Manifest", "write"))
        ),
    ),
    Private(
        "dbt.contracts.graph.nodes.SeedNode",
        "orchestration/dbt_build.py",
        "parse for each data folder",
        lambda: of("dbt.contracts.graph.nodes", "SeedNode"),
    ),
    Private(
        f"{DUCKDB_ADAPTER}.connections.DuckDBConnectionManager",
        "orchestration/dbt_build.py",
        "the warehouse stays locked until the process ends",
        lambda: callable(
            of(f"{DUCKDB_ADAPTER}.connections", "DuckDBConnectionManager", "close_all_connections")
        ),
    ),
    Private(
        "NodeFinished",
        "orchestration/dbt_build.py",
        "the status line stands still during a build",
        lambda: of("dbt.events.types", "NodeFinished"),
    ),
    Private(
        f"{DUCKDB_ADAPTER}.plugins.BasePlugin",
        "orchestration/pseudonyms.py",
        "identifiers are not hashed: the border's check of the key stops the run",
        lambda: takes(of(f"{DUCKDB_ADAPTER}.plugins", "BasePlugin", "configure_cursor"), "cursor"),
    ),
    *(
        Private(name, MATERIALIZATIONS, "write it out, or go back to dbt-duckdb's own", sings)
        for name, sings in {
            name: lambda name=name: macro_of_dbt(name)
            for name in (
                "load_cached_relation",
                "should_full_refresh",
                "get_assert_columns_equivalent",
                "get_column_schema_from_query",
                "alter_relation_comment",
                "duckdb_escape_comment",
                "create_csv_table",
                "get_create_table_as_sql",
                "get_create_view_as_sql",
                "duckdb__reset_csv_table|default__reset_csv_table",
            )
        }.items()
    ),
    Private(
        "materialize(",
        MATERIALIZATIONS,
        "rows of Python models are not written",
        lambda: (
            "materialize(" in inspect.getsource(import_module(f"{DUCKDB_ADAPTER}.environments"))
        ),
    ),
    Private(
        "pyspark.SparkContext._gateway",
        "orchestration/sharding/spark_session.py",
        "leave the process of Java until ours ends, and refuse a second master in one process",
        lambda: (
            find_spec("pyspark") is None
            or all(hasattr(of("pyspark", "SparkContext"), name) for name in ("_gateway", "_jvm"))
        ),
    ),
    Private(
        "pyspark.java_gateway.launch_gateway",
        "orchestration/sharding/spark_session.py",
        "let pyspark start Java by itself: it prints to the terminal, and the secret of a cluster "
        "must come from spark-defaults.conf alone, since it hands settings over as arguments",
        lambda: (
            find_spec("pyspark") is None
            or (
                takes(of("pyspark.java_gateway", "launch_gateway"), "popen_kwargs")
                and takes(of("pyspark", "SparkConf"), "_jvm")
            )
        ),
    ),
]


@pytest.mark.parametrize("private", TABLE, ids=[private.name for private in TABLE])
def test_a_private_name_is_there_still(private: Private) -> None:
    file = REPOSITORY / private.used_in
    bare = private.name.split("|")[0].removeprefix(f"{private.name.rpartition('.')[0]}.")
    assert bare in file.read_text(encoding="utf-8"), "no longer used: take its row away"
    assert private.sings(), f"gone or changed in this version; without it: {private.without_it}"


def test_every_private_module_that_is_imported_has_its_row() -> None:
    known = {private.name for private in TABLE}
    used = {
        f"{node.module}.{each.name}"
        for folder in ("orchestration", "expectations", "models")
        for path in (REPOSITORY / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
        for each in node.names
        if (public := PUBLIC.get(node.module.split(".")[0].replace("dagster_shared", "dagster")))
        and node.module not in public
    }
    assert used - known == set(), "not promised by its framework: give it a row and a canary"
