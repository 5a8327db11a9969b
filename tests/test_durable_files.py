"""What is written or removed lies where it belongs, and is whole.

Belongs here: paths that are made of ids, disks that take nothing more. Doesn't: what a run that
was killed leaves (test_killed.py).
"""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration import cli, cycle_run
from orchestration.durable_files import DISK_READ_ONLY, OutsidePathError, below, disk_remedy
from orchestration.exports.registry import Registry
from orchestration.settings import Settings
from tests.conftest import SAMPLE_CYCLES, SAMPLE_SEEDS, Sample, ilk


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../a", "/etc", "a/.."])
def test_a_name_that_is_no_single_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutsidePathError, match="nothing was written or removed"):
        below(tmp_path, name)
    with pytest.raises(OutsidePathError):
        below(tmp_path, "a", name)


def test_a_link_that_leads_out_is_refused_and_a_folder_that_is_a_link_is_not(tmp_path: Path):
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    (elsewhere / "data").mkdir(parents=True)
    folder.symlink_to(elsewhere / "data")  # a data folder on another disk
    (folder / "out").symlink_to(elsewhere)
    assert below(folder, "a", "b.csv") == folder / "a" / "b.csv"
    with pytest.raises(OutsidePathError):
        below(folder, "out", "b.csv")


def everything(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")} - {Path("ilk.lock")}


@pytest.mark.parametrize("command", ["run", "forget", "status"])
def test_a_cycle_named_two_dots_is_refused_by_every_command_and_nothing_is_removed(
    own_sample: Callable[..., Settings], tmp_path: Path, command: str
) -> None:
    seeds, people = tmp_path / "seeds", tmp_path / "people.txt"
    shutil.copytree(SAMPLE_SEEDS, seeds)
    for seed in ("survey_cycles", "survey_sources"):
        path = seeds / f"{seed}.csv"
        text = path.read_text(encoding="utf-8").replace("\nilk-2025-s2,", "\n..,")
        path.write_text(text, encoding="utf-8")
    people.write_text("199002022015030005\n", encoding="utf-8")
    settings = own_sample(ILK_SEEDS_DIR=str(seeds))
    before = everything(settings.data_dir)
    arguments = {"run": [".."], "forget": ["--identifier-file", str(people)], "status": []}
    result = ilk(command, *arguments[command])
    assert result.exit_code in (1, 2)
    assert "survey_cycles.csv, baris/line 3" in result.output
    assert everything(settings.data_dir) == before


def test_forgetting_removes_nothing_where_the_registry_names_a_cycle_two_dots(
    own_sample: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = own_sample()
    registry = Registry(settings.raw_dir)
    registry.rewrite(lambda row: replace(row, cycle_id="../.."))
    registry.save()
    people = tmp_path / "people.txt"
    people.write_text("199002022015030005\n", encoding="utf-8")
    before = everything(settings.data_dir)
    result = ilk("forget", "--identifier-file", str(people))
    assert (result.exit_code, "nothing was written or removed" in result.output) == (1, True)
    assert everything(settings.data_dir) - before <= {Path("raw/forgotten.json")}
    # What spilled is removed by whoever holds the lock.
    assert before - {Path("spilled")} <= everything(settings.data_dir)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EDQUOT, "make room"),
        (errno.EROFS, "how it is mounted"),
        (errno.ENOENT, ""),
    ],
)
def test_a_disk_that_takes_nothing_more_is_told_with_what_to_do(number: int, remedy: str):
    told = disk_remedy(OSError(number, os.strerror(number)))
    assert remedy in told and bool(told) == bool(remedy)


def test_a_folder_that_turned_read_only_is_a_sentence(monkeypatch: pytest.MonkeyPatch):
    error = OSError(errno.EROFS, os.strerror(errno.EROFS), "data/raw/.lock")
    assert cycle_run._with_remedy(f"OSError: {error}").startswith(DISK_READ_ONLY)

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(cli, "_installation", refuse)
    told = ilk("status")
    assert told.exit_code == 1
    assert DISK_READ_ONLY in told.output and "data/raw/.lock" in told.output


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc here: it is Linux's")
def test_a_folder_that_no_system_makes_is_a_sentence(sample: Sample):
    result = ilk("status", SAMPLE_CYCLES[0], "--out", "/proc/lists")
    assert result.exit_code == 1, result.output
    assert "choose another folder" in result.output
    assert "/proc/lists" in result.output
    assert "Traceback" not in result.output and result.exception.__class__ is SystemExit
