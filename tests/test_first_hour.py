"""The first hour of somebody new: `./ilk` without uv, and the example that every command finds."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration import cli, settings
from orchestration.settings import EXAMPLE_MARK, REPOSITORY, Settings, get_settings
from tests.conftest import SAMPLE_CYCLES, ilk

PLAIN_PATH = os.environ | {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An empty data folder, and an environment that says nothing else."""
    monkeypatch.setenv("ILK_DATA_DIR", str(tmp_path / "data"))
    for name in ("ILK_LANDING_URL", "ILK_PSEUDONYM_KEY", "ILK_SEEDS_DIR"):
        monkeypatch.delenv(name)
    yield tmp_path / "data"
    get_settings.cache_clear()


def test_the_command_works_from_anywhere_without_uv_on_the_path(tmp_path: Path):
    assert shutil.which("uv", path=PLAIN_PATH["PATH"]) is None
    link = tmp_path / "ilk"
    link.symlink_to(REPOSITORY / "ilk")
    for command in (REPOSITORY / "ilk", link):
        done = subprocess.run(
            [command, "--help"], cwd=tmp_path, env=PLAIN_PATH, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert b"forget" in done.stdout


def test_the_command_tells_who_has_not_set_it_up_what_to_do(tmp_path: Path):
    shutil.copy(REPOSITORY / "ilk", tmp_path / "ilk")
    done = subprocess.run(
        [tmp_path / "ilk", "status"], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 2
    assert f"make -C '{tmp_path}' setup" in done.stderr


def test_the_example_marks_its_folder_and_tells_what_goes_on(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    ran = []
    monkeypatch.setattr(cli, "run", ran.append)
    result = ilk("example")
    assert result.exit_code == 0, result.output
    assert ran == [list(SAMPLE_CYCLES)]
    assert "./ilk status" in result.output.splitlines()[-1]
    assert Settings().landing == str(REPOSITORY / "examples/ilk/landing")
    assert Settings().pseudonym_key


def test_after_the_example_every_command_finds_its_exports_and_key(
    own_sample: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
):
    data_dir = own_sample().data_dir
    monkeypatch.setattr(settings, "_EXAMPLE_KEY", os.environ["ILK_PSEUDONYM_KEY"])
    monkeypatch.delenv("ILK_LANDING_URL")
    monkeypatch.delenv("ILK_PSEUDONYM_KEY")
    (data_dir / EXAMPLE_MARK).touch()
    status = ilk("status")
    assert status.output.count("terkini/current") == len(SAMPLE_CYCLES), status.output
    assert "made-up people" in status.output
    run = ilk("run", *SAMPLE_CYCLES)
    assert run.exit_code == 0, run.output
    assert run.output.count("/ nothing new") == len(SAMPLE_CYCLES)


def test_the_example_does_not_get_among_real_data(own_folder: Path):
    (own_folder / "raw").mkdir(parents=True)
    result = ilk("example")
    assert result.exit_code == 2
    assert "holds other data; set ILK_DATA_DIR" in result.output
    assert not (own_folder / EXAMPLE_MARK).exists()


def test_real_exports_do_not_get_into_the_examples_folder(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    own_folder.mkdir()
    (own_folder / EXAMPLE_MARK).touch()
    monkeypatch.setenv("ILK_LANDING_URL", "s3://survei/ilk")
    result = ilk("status")
    assert result.exit_code == 2
    assert "is the example's; set ILK_DATA_DIR to another folder" in result.output
