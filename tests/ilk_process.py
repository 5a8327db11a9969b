"""`ilk` in a process of its own, begun from one that has imported the frameworks already.

Belongs here: the process that imports and forks, and how tests ask it. Doesn't: what is true of a
whole process from its first import on (test_process.py, test_killed.py, test_dead_runs.py).

A run of a few answers takes half of its CPU seconds to import Dagster, dbt and Great Expectations.
Each worker of the tests has one process that imports them, nothing of ours that looks at the
environment, and forks for each run: environment, output and exit code are the run's own.
"""

import atexit
import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from expectations.validation import imported_when_used
from orchestration.settings import REPOSITORY

FRAMEWORKS = (
    "alembic.command",
    "dagster_dbt",
    "dbt.adapters.duckdb.impl",
    "dbt.cli.main",
    "dbt.task.build",
    "pandas",
    "pyarrow.parquet",
    "rich.markdown",
    "scipy.sparse",
    "sqlalchemy.dialects.sqlite",
    "sqlglot.optimizer",
    "typer",
    "xlsxwriter",
)
TIMEOUT = 600


def run_ilk(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `ilk` with these arguments and nothing but this environment, and wait for its end."""
    with tempfile.TemporaryDirectory(prefix="ilk-run-") as folder:
        said = {name: str(Path(folder, name)) for name in ("stdout", "stderr")}
        asked = {"arguments": arguments, "environment": {**environment}, **said}
        server = _server()
        assert server.stdin
        assert server.stdout
        server.stdin.write(f"{json.dumps(asked)}\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        stdout, stderr = (Path(path).read_text(encoding="utf-8") for path in said.values())
    return subprocess.CompletedProcess(["ilk", *arguments], code, stdout, stderr)


@cache
def _server() -> subprocess.Popen[str]:
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.ilk_process"],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    atexit.register(server.terminate)
    return server


def _import_frameworks() -> None:
    gc.disable()
    for name in FRAMEWORKS:
        importlib.import_module(name)
    with imported_when_used("altair", "scipy.stats"):
        importlib.import_module("great_expectations")
    gc.freeze()  # what is there already is looked at no more, and so not copied
    gc.enable()


def _run(asked: Mapping[str, Any]) -> None:
    """Be the process `ilk` from here on."""
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
    _import_frameworks()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(json.loads(line))
            os._exit(0)
        until = time.monotonic() + TIMEOUT
        while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
            if time.monotonic() > until:
                os.kill(child, 9)
            time.sleep(0.01)
        print(os.waitstatus_to_exitcode(ended[1]), flush=True)


if __name__ == "__main__":
    _serve()
