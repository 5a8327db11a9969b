"""The wheel of `make dist`: what it holds is enough to run, and nobody writes where it lies.

Belongs here: the wheel, unpacked beside the packages of this environment. Doesn't: installing it
and its requirements without a network, and a whole run (`make dist-check`).
"""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestration.cycles.fingerprints import code_hash, hash_files
from orchestration.settings import REPOSITORY

# Dagster's definitions, for which dbt parses the project; what an installed project says of itself.
LOAD = """
from orchestration.definitions import defs
from orchestration.cycles.fingerprints import code_hash, code_version
assert defs().resolve_job_def("survey_cycle")
print(code_hash(), code_version())
"""

WITHIN = "ilk_warehouse"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the files that git knows or would take, unpacked as pip does it."""
    folder = tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().rstrip("\0").split("\0"):
        if (REPOSITORY / name).is_file():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REPOSITORY / name, folder / "source" / name)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=folder / "source",
        capture_output=True,
        check=True,
    )
    [wheel] = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def run(site: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run this environment's Python with the wheel's code before the checkout's."""
    kept: Mapping[str, str] = {
        name: value for name, value in os.environ.items() if not name.startswith("ILK_")
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=site.parent,
        env={**kept, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_every_file_that_code_asks_for_is_in_the_wheel(site: Path):
    source = site.parent / "source"
    named = {"models", "dbt_project", "seeds", "examples/ilk"}
    for room in ("orchestration", "expectations"):
        files = [path for path in (source / room).rglob("*") if path.is_file()]
        named |= {path.relative_to(source).as_posix() for path in files}
        for path in files:
            if path.suffix == ".py":
                named |= {*re.findall(r'shipped\("([^"]+)"\)', path.read_text(encoding="utf-8"))}
    assert "docs/method.md" in named
    lacking = [
        part for part in named if not any((at / part).exists() for at in (site, site / WITHIN))
    ]
    assert lacking == []


def test_an_installed_project_needs_a_data_folder_of_its_own(site: Path):
    told = run(site, "-m", "orchestration", "status")
    assert told.returncode == 2, told.stderr
    assert "ILK_DATA_DIR" in told.stderr
    assert not (site / WITHIN / "data").exists()


def test_an_installed_project_loads_and_is_left_as_it_was(site: Path, tmp_path: Path):
    before = hash_files([site])
    loaded = run(site, "-c", LOAD, ILK_DATA_DIR=str(tmp_path))
    assert loaded.returncode == 0, loaded.stderr
    # An upgrade from a checkout to a wheel of the same commit computes nothing anew.
    code, version = loaded.stdout.split()[-2:]
    assert code == code_hash()
    assert version == "None"  # not from git archive, so no commit was written into it
    assert hash_files([site]) == before
    assert (tmp_path / "dbt_home" / "models").readlink() == site / WITHIN / "models"


def test_another_version_is_what_dbt_finds_after_an_upgrade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from orchestration import dbt_build, settings
    from orchestration.settings import Settings

    monkeypatch.setattr(dbt_build, "IS_INSTALLED", True)
    monkeypatch.setattr(settings, "IS_INSTALLED", True)
    at = Settings(data_dir=tmp_path)
    (tmp_path / "dbt_home").mkdir()
    (tmp_path / "dbt_home" / "models").symlink_to(tmp_path / "an earlier version")
    dbt_build._link_project(at)
    assert (at.dbt_home / "../models").resolve() == REPOSITORY / "models"
    assert (at.dbt_home / "macros").resolve() == REPOSITORY / "dbt_project" / "macros"
