"""Faults of processes: killed, two at once, beside a trace, on two machines.

Belongs here: what other processes do to a run. Doesn't: disks (disks.py), clock, network and
servers (surroundings.py).
"""

import os
import subprocess
import sys
import time
from random import Random

from tests.faults.survey import CYCLE, NotPossibleError, Survey, demand_told

_WAITS = "wait for it to end"


def killed(survey: Survey, random: Random) -> None:
    """kill -9 at a moment drawn over the time that an undisturbed run takes."""
    survey.begin_again()
    moment = random.uniform(0, survey.seconds)
    run = survey.small.start("run", CYCLE)
    time.sleep(moment)
    assert run.is_on or moment > survey.seconds / 2, "it ended in half of its time"
    run.kill()
    run.wait()
    survey.demand_whole()
    survey.demand_the_same()


def killed_twice(survey: Survey, random: Random) -> None:
    """kill -9 at such a moment, and the run after it at another."""
    survey.begin_again()
    for _ in range(2):
        run = survey.small.start("run", CYCLE)
        time.sleep(random.uniform(0, survey.seconds))
        run.kill()
        run.wait()
        survey.demand_whole()
    survey.demand_the_same()


def two_runs(survey: Survey, random: Random) -> None:
    """A second run begins at a moment of the first."""
    survey.begin_again()
    first = survey.small.start("run", CYCLE)
    time.sleep(random.uniform(0, survey.seconds))
    second = survey.run()
    ended = first.wait()
    # Before the first takes the lock the second may have it; after its end it finds nothing new.
    codes = sorted((ended.returncode, second.returncode))
    assert codes in ([0, 0], [0, 1]), (ended, second)
    for run in (ended, second):
        if run.returncode:
            demand_told(run, _WAITS)
    survey.demand_whole()
    survey.demand_the_same()


def run_and_trace(survey: Survey, random: Random) -> None:
    """`ilk trace` at a moment of a run: it answers, or says that a run is on."""
    survey.begin_again()
    run = survey.small.start("run", CYCLE)
    time.sleep(random.uniform(0, survey.seconds))
    trace = survey.small.start("trace", "c2", "--domain", "national").wait()
    ended = run.wait()
    for each in (ended, trace):
        if each.returncode:
            demand_told(each, _WAITS)
    assert 0 in (ended.returncode, trace.returncode)
    survey.demand_whole()
    survey.demand_the_same()


def two_machines(survey: Survey, random: Random) -> None:
    """A run of a machine with another name and other process numbers, at a moment of a run."""
    in_another = ["unshare", "--uts", "--pid", "--fork", "--mount-proc", "sh", "-c"]
    probe = subprocess.run([*in_another, "hostname mesin-lain"], capture_output=True, check=False)
    if probe.returncode:
        raise NotPossibleError("another machine needs the right to make namespaces (root)")
    survey.begin_again()
    there = subprocess.Popen(
        [*in_another, f"hostname mesin-lain; exec {sys.executable} -m orchestration run {CYCLE}"],
        env=survey.small.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lock = survey.data / "ilk.lock"
    os.truncate(lock, 0)
    until = time.monotonic() + 120
    while not lock.stat().st_size and there.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(random.uniform(0, survey.seconds / 2))
    here = survey.run()
    said = there.communicate()
    assert there.returncode == 0, said
    if here.returncode:
        demand_told(here, _WAITS, "mesin-lain")
    survey.demand_whole()
    survey.demand_the_same()
