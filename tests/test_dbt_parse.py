"""One parse of the project serves every data folder and every process of a machine.

Belongs here: what a parse under no data folder's places gives, and where it is kept. Doesn't:
what dbt builds of it (test_materializations.py), a damaged manifest.json (test_damaged_files.py).
"""

import fcntl
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from orchestration import dbt_build
from orchestration.dbt_build import _manifest, _shared_places
from orchestration.settings import Settings
from tests.conftest import SAMPLE_SEEDS


def as_told(settings: Settings, path: Path) -> dict[str, Any]:
    """What the manifest says, without when and in which process it was parsed."""
    _manifest(settings).write(str(path))
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    del told["metadata"]
    for node in (part for kind in told.values() for part in kind.values()):
        if isinstance(node, dict):
            node.pop("created_at", None)
    return told


def parsed_files(settings: Settings) -> int:
    """How many files dbt read anew for its last parse into the shared place."""
    [told] = settings.dbt_parsed_dir.glob("*/perf_info.json")
    count: int = json.loads(told.read_text(encoding="utf-8"))["parsed_path_count"]
    return count


@pytest.fixture
def parsed_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(dbt_build, "_manifests", {})
    monkeypatch.setattr(Settings, "dbt_parsed_dir", tmp_path / "parsed")
    return tmp_path / "parsed"


def test_a_second_data_folder_is_told_its_own_places_by_the_first_ones_parse(
    tmp_path: Path, parsed_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Settings(data_dir=tmp_path / "first", seeds_dir=SAMPLE_SEEDS)
    _manifest(first)
    assert parsed_files(first) > 0
    [kept] = parsed_dir.glob("*/partial_parse.msgpack")
    assert str(tmp_path).encode() not in kept.read_bytes()

    # Other rows and other columns; a place that SQL and formats read in a way of their own.
    seeds = tmp_path / "seeds"
    shutil.copytree(SAMPLE_SEEDS, seeds)
    units = (seeds / "units.csv").read_text(encoding="utf-8").splitlines()
    (seeds / "units.csv").write_text("\n".join(f"{line},x" for line in units), encoding="utf-8")
    second = Settings(data_dir=tmp_path / "people's", seeds_dir=seeds)
    with monkeypatch.context() as within:
        within.setattr(dbt_build, "_invoke", None)
        same_process = as_told(second, tmp_path / "same_process.json")
    monkeypatch.setattr(dbt_build, "_manifests", {})
    shared = as_told(second, tmp_path / "shared.json")
    assert parsed_files(second) == 0
    assert shared == same_process

    # Where nobody may write beside the code, dbt parses under the folder's own places.
    monkeypatch.setattr(dbt_build, "_manifests", {})
    (tmp_path / "file").touch()
    monkeypatch.setattr(Settings, "dbt_parsed_dir", tmp_path / "file" / "parsed")
    own = as_told(second, tmp_path / "own.json")
    assert (second.dbt_target_dir / "partial_parse.msgpack").is_file()
    assert shared == own
    assert "/people''s/raw/" in json.dumps(shared["sources"])

    kept.write_bytes(kept.read_bytes()[:1000])
    monkeypatch.setattr(dbt_build, "_manifests", {})
    monkeypatch.setattr(Settings, "dbt_parsed_dir", parsed_dir)
    assert as_told(second, tmp_path / "anew.json") == own


@pytest.mark.usefixtures("parsed_dir")
def test_two_processes_parse_one_after_the_other(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, seeds_dir=SAMPLE_SEEDS)
    with (
        _shared_places(settings) as places,
        (places.target / "lock").open() as lock,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (places.target / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_folder_with_braces_in_its_name_is_read(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "{2025}", seeds_dir=SAMPLE_SEEDS)
    source = _manifest(settings).sources["source.ilk.raw.staff_frame"]
    location = source.meta["external_location"].format(name="staff_frame")
    assert location == source.relation_name
    assert f"'{settings.raw_dir}/staff_frame/" in location
