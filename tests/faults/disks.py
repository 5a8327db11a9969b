"""Faults of disks and memory: full, read-only, damaged under a run, too little memory.

Belongs here: what the machine's own parts do to a run. Doesn't: processes (processes.py).
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.faults.survey import NotPossibleError, Survey, demand_told

_WRITTEN = 12 << 20  # bytes that a run adds, about
READ_ONLY = ("", "audit", "dagster", "publications", "quality", "raw", "raw/files")


def disk_full(survey: Survey, random: Random) -> None:
    """A disk with room for a part of what a run writes, drawn; then it is made larger."""
    with _mounted(survey.data, "-t", "tmpfs", "-o", "size=2g", "tmpfs"):
        survey.begin_again()
        used = shutil.disk_usage(survey.data).used
        _mount("-o", f"remount,size={used + random.randrange(4096, _WRITTEN)}", survey.data)
        ended = survey.run()
        if ended.returncode:
            demand_told(ended, "The disk is full")
        survey.demand_whole()
        _mount("-o", "remount,size=2g", survey.data)
        survey.demand_the_same()


def read_only(survey: Survey, random: Random) -> None:
    """The data folder, or one in it, can't be written."""
    survey.begin_again()
    folder = survey.data / random.choice(READ_ONLY)
    with _mounted(folder, "--bind", folder):
        _mount("-o", "remount,bind,ro", folder)
        ended = survey.run()
        if ended.returncode:
            demand_told(ended, str(folder))
        survey.demand_whole()
    survey.demand_the_same()


def raw_file_damaged(survey: Survey, random: Random) -> None:
    """A file of the raw zone is cut, or a bit of it turned, as soon as the run has written it."""
    survey.begin_again()
    raw = survey.data / "raw"
    known = {*raw.rglob("*")}
    run = survey.small.start("run", "c1")
    kind = random.choice(["files/*", "survey_responses/*/*.parquet"])
    found: list[Path] = []
    while run.is_on and not found:
        found = [path for path in {*raw.glob(kind)} - known if path.suffix != ".tmp"]
    assert found, run.wait()
    content = found[0].read_bytes()
    damage(found[0], random)
    ended = run.wait()
    if ended.returncode:
        demand_told(ended)
    found[0].write_bytes(content)
    survey.demand_whole()
    survey.demand_the_same()


def raw_file_rotten(survey: Survey, random: Random) -> None:
    """A file of the raw zone that is in use was cut, or a bit of it turned, before a run."""
    survey.begin_again()
    run = survey.run()
    assert run.returncode == 0, run
    of_each = [path.name for path in survey.raw_files_in_use()]
    raw = survey.data / "raw"
    rotten = random.choice(
        [path for path in sorted(raw.rglob("*")) if path.name.removesuffix(".parquet") in of_each]
    )
    damage(rotten, random)
    (survey.data / "fingerprints.json").unlink()  # all is computed anew, from what lies there
    ended = survey.run("c1", "c2")
    assert ended.returncode == 0, ended
    survey.demand_the_same()


def damage(path: Path, random: Random) -> None:
    """Cut a file, or turn one bit of it."""
    content = bytearray(path.read_bytes())
    place = random.randrange(len(content))
    if random.random() < 0.5:
        content = content[:place]
    else:
        content[place] ^= 1 << random.randrange(8)
    path.write_bytes(content)


def little_memory(survey: Survey, random: Random) -> None:
    """DuckDB may take so little that it must spill to disk, or can't do it."""
    survey.begin_again()
    limit = f"{random.randrange(8, 120)}MB"
    ended = survey.run(environment={"ILK_MEMORY_LIMIT": limit})
    if ended.returncode:
        demand_told(ended, "ILK_MEMORY_LIMIT")
    survey.demand_whole()
    survey.demand_the_same()


@contextmanager
def _mounted(folder: Path, *how: object) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    _mount(*how, folder)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: object) -> None:
    done = subprocess.run(
        ["mount", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotPossibleError(f"mounting a disk needs root: {done.stderr.strip()}")
