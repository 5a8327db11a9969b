"""`ilk` in a process of its own, begun from one that has imported the frameworks already.

Belongs here: the process that imports and forks, and how tests ask it. Doesn't: what is true of a
whole process from its first import on (test_process.py, test_dead_runs.py).

A run of a few answers takes a third of its CPU seconds to import Dagster, dbt and Great
Expectations. Each worker of the tests has one process that imports them and what of ours doesn't
look at the environment, has dbt parse the project, and forks for each run: environment, output and
exit code are the run's own. Where two runs are to be on at once, it has two.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from expectations.validation import as_if_missing, imported_when_used
from orchestration.settings import REPOSITORY, Settings

FRAMEWORKS = (
    "alembic.command",
    "babel.dates",
    "dagster._core.execution.execute_in_process",
    "dagster._core.executor.in_process",
    "dagster._core.storage.event_log",
    "dagster._core.storage.legacy_storage",
    "dagster._core.storage.migration.utils",
    "dagster._core.storage.runs",
    "dagster._core.storage.schedules",
    "dagster._core.workspace.context",
    "dagster._daemon.monitoring.run_monitoring",
    "dagster_dbt",
    "dbt.adapters.duckdb.environments.local",
    "dbt.adapters.duckdb.impl",
    "dbt.cli.main",
    "dbt.task.build",
    "fsspec.implementations.chained",
    "pandas",
    "pyarrow.csv",
    "pyarrow.pandas_compat",
    "pyarrow.parquet",
    "python_calamine",
    "rich.live",
    "rich.markdown",
    "scipy.optimize",
    "scipy.sparse.linalg",
    "sqlalchemy.dialects.sqlite",
    "sqlglot.optimizer",
    "structlog",
    "tomlkit",
    "typer",
    "upath.implementations.local",
    "xlsxwriter",
)
OURS = (
    "expectations.border",
    "expectations.rejected_rows",
    "expectations.seeds",
    "orchestration.alerts.alerts",
    "orchestration.cycle_run",
    "orchestration.health",
    "orchestration.lineage.tracing",
    "orchestration.pseudonyms",
    "orchestration.publishing.disclosure.verdicts",
    "orchestration.publishing.publication",
    "orchestration.scoring.evenness",
    "orchestration.scoring.item_covariances",
    "orchestration.scoring.late_and_early",
    "orchestration.scoring.overlap_covariances",
    "orchestration.scoring.rank_sets",
    "orchestration.scoring.robustness",
    "orchestration.scoring.small_areas",
    "orchestration.stages.build",
    "orchestration.stages.check",
    "orchestration.stages.publish",
    "orchestration.stages.pull",
)
TIMEOUT = 600


_idle: list[subprocess.Popen[str]] = []


@dataclass(frozen=True)
class IlkProcess:
    """`ilk` that was begun: it may be killed, and must be waited for."""

    arguments: tuple[str, ...]
    pid: int
    _server: subprocess.Popen[str]
    _folder: tempfile.TemporaryDirectory[str]

    @property
    def is_on(self) -> bool:
        """Whether it has not ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, 0)
            return True
        return False

    def kill(self) -> None:
        """End it and what it began, as a power cut would: nothing is said to anybody."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def wait(self) -> subprocess.CompletedProcess[str]:
        """Wait for its end and return what it said; negative codes are signals."""
        assert self._server.stdout
        code = int(self._server.stdout.readline())
        _idle.append(self._server)
        with self._folder as folder:
            said = (Path(folder, name).read_text("utf-8", "replace") for name in _OUTPUTS)
            return subprocess.CompletedProcess(["ilk", *self.arguments], code, *said)


_OUTPUTS = ("stdout", "stderr")


def run_ilk(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `ilk` with these arguments and nothing but this environment, and wait for its end."""
    return start_ilk(*arguments, environment=environment).wait()


def start_ilk(
    *arguments: str, environment: Mapping[str, str], timeout: float = TIMEOUT
) -> IlkProcess:
    """Begin `ilk` with these arguments and nothing but this environment; killed after `timeout`."""
    folder = tempfile.TemporaryDirectory(prefix="ilk-run-")
    said = {name: str(Path(folder.name, name)) for name in _OUTPUTS}
    for path in said.values():  # a run that is killed early has opened none
        Path(path).touch()
    server = _idle.pop() if _idle else _new_server()
    assert server.stdin
    assert server.stdout
    asked = {"arguments": arguments, "environment": {**environment}, "timeout": timeout, **said}
    server.stdin.write(f"{json.dumps(asked)}\n")
    server.stdin.flush()
    return IlkProcess(arguments, int(server.stdout.readline()), server, folder)


def _new_server() -> subprocess.Popen[str]:
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.ilk_process"],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    atexit.register(_end, server)
    return server


def _end(server: subprocess.Popen[str]) -> None:
    """Let a server end by itself, with the semaphores that dbt made in it, unless a run is on."""
    assert server.stdin
    if server in _idle:
        server.stdin.close()
    else:
        server.terminate()


def trust_the_disk() -> None:
    """Skip fsync in this process: a run has 220, and one for each of 600 events of Dagster.

    No test cuts the power, and what a killed process wrote the kernel has.
    """
    pytest.MonkeyPatch().setattr(os, "fsync", lambda _: None)

    @event.listens_for(Engine, "connect")
    def connected(connection: object, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("pragma synchronous = off")


def _import_and_parse() -> None:
    gc.disable()
    for name in FRAMEWORKS:
        importlib.import_module(name)
    with imported_when_used("altair", "scipy.stats"), as_if_missing("pyspark", "py4j"):
        importlib.import_module("great_expectations")
    for name in OURS:
        importlib.import_module(name)
    _parse_the_project()
    gc.freeze()  # what is there already is looked at no more, and so not copied
    gc.enable()


def _parse_the_project() -> None:
    """Have dbt parse the project and compile its macros, as a process's first run does."""
    from dbt_common.clients.jinja import template_cache

    from orchestration.dbt_build import _parsed
    from orchestration.settings import get_settings

    with tempfile.TemporaryDirectory(prefix="ilk-parse-") as folder:
        seeds = REPOSITORY / "examples" / "skm" / "seeds"
        project = _parsed(Settings(data_dir=Path(folder), seeds_dir=seeds))
    for macro in project.macros.values():
        template_cache.get_node_template(macro)
    assert not get_settings.cache_info().currsize, "the settings are each run's own"


def _run(asked: Mapping[str, Any]) -> None:
    """Be the process `ilk` from here on."""
    os.setpgid(0, 0)
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(asked[name], os.O_WRONLY | os.O_CREAT, 0o600), number)
    sys.argv = [str(Path(sys.executable).with_name("ilk")), *asked["arguments"]]
    from orchestration.__main__ import main

    try:
        main()
    except BaseException:  # as the interpreter does at its end
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def _serve() -> None:
    trust_the_disk()
    _import_and_parse()
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(asked)
            os._exit(0)
        with contextlib.suppress(PermissionError, ProcessLookupError):  # whoever comes first
            os.setpgid(child, child)
        print(child, flush=True)
        until = time.monotonic() + asked["timeout"]
        while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
            if time.monotonic() > until:
                os.kill(child, 9)
            time.sleep(0.01)
        print(os.waitstatus_to_exitcode(ended[1]), flush=True)


if __name__ == "__main__":
    _serve()
