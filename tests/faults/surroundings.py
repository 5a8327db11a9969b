"""Faults of what a run relies on: the clock, a source, PostgreSQL.

Belongs here: clock, network, servers. Doesn't: processes (processes.py), disks (disks.py).
"""

import atexit
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from random import Random

import psycopg

from tests.faults.survey import CYCLE, NotPossibleError, Survey, answers, demand_told
from tests.postgres_server import HOW_TO_GET_ONE, PostgresServer, find_binaries
from tests.small_cycle import HEADER

SECONDS_A_HANG_MAY_COST = 120


def clock_set_back(survey: Survey, random: Random) -> None:
    """The clock is set back by up to 14 months, into closed windows, then right again."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        raise NotPossibleError("another clock needs Debian's libfaketime")
    survey.begin_again()
    back = {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME": f"-{random.randrange(1, 420 * 24)}h",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    if random.random() < 0.5:  # in the wrong year only what is wrong is pulled
        survey.drop(60)
        run = survey.run()
        assert run.returncode == 0, run
        survey.drop(75)
    ended = subprocess.run(
        [sys.executable, "-m", "orchestration", "run", CYCLE],
        env=survey.small.environment | back,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended
    survey.demand_the_same()


def source_hangs(survey: Survey, random: Random) -> None:
    """A second source, on the web, takes the call and never answers; then it does."""
    from tests.exports.place_servers import WebServer

    survey.begin_again()
    rows = (survey.data / "landing/c1/p/a.csv").read_text(encoding="utf-8").splitlines()[1:]
    with WebServer().running() as web:
        survey.small.add("survey_sources", f"c1,p,landing,{web.url}/b.csv")
        try:
            web.pages["/b.csv"] = ("\n".join([HEADER, *rows[50:]]) + "\n").encode()
            web.hangs.add("/b.csv")
            started = time.monotonic()
            ended = survey.run()
            took = time.monotonic() - started
            assert took < survey.seconds * 3 + SECONDS_A_HANG_MAY_COST, took
            demand_told(ended, "127.0.0.1")  # an address that may hold a key is not shown
        finally:
            sources = survey.small.seeds / "survey_sources.csv"
            lines = sources.read_text(encoding="utf-8").splitlines()
            survey.small.seed("survey_sources", *lines[:-1])
    survey.demand_the_same()


@cache
def _postgres() -> PostgresServer:
    binaries = find_binaries()
    if binaries is None:
        raise NotPossibleError(HOW_TO_GET_ONE)
    server = PostgresServer(binaries)
    atexit.register(server.stop)
    return server


def postgres_gone(survey: Survey, random: Random) -> None:
    """PostgreSQL is killed at a moment of the publication, and comes back."""
    server = _postgres()
    url = server.database()
    told = {"ILK_POSTGRES_URL": url}
    survey.begin_again()
    run = survey.small.start("run", CYCLE, environment=told)
    while run.is_on and not any(survey.data.glob("publications/.building/ilk.duckdb")):
        time.sleep(0.005)
    time.sleep(random.uniform(0, survey.seconds / 6))
    server.kill()
    ended = run.wait()
    server.start()
    if ended.returncode:
        demand_told(ended, "PostgreSQL")
    survey.demand_whole()
    with psycopg.connect(url) as connection:
        [(exists,)] = connection.execute("select to_regclass('ilk.publication') is not null")
    assert ended.returncode or exists, "a run that ended well left nothing there"
    survey.demand_the_same(told)
    shown = (survey.data / "published").resolve().name
    with psycopg.connect(url) as connection:
        assert connection.execute("select publication_id from ilk.publication").fetchall() == [
            (shown,)
        ]
        [(people,)] = connection.execute("select max(respondent_count) from ilk.idx_scores")
    assert people == len(answers(75, month=10))
