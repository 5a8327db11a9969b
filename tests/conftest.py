"""What several tests share: settings that never touch data/, and one run of the sample.

Belongs here: fixtures used by more than one file. The sample (examples/ilk) is run once a session,
in this process, through the same command a person types.
"""

import fcntl
import gc
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from orchestration.settings import REPOSITORY, Settings, get_settings
from tests.ilk_process import trust_the_disk
from tests.postgres_server import HOW_TO_GET_ONE, PostgresServer, find_binaries

# The seeds that the sample's exports were made with, frozen: seeds/ is a team's to edit.
SAMPLE_SEEDS = REPOSITORY / "tests" / "seeds"
SAMPLE_LANDING = REPOSITORY / "examples" / "ilk" / "landing"
SAMPLE_CYCLES = ("ilk-2025-s1", "ilk-2025-s2")
# From 110 to 25 CPU seconds: the first builds the sample, which the next ones don't need.
LONGEST = (
    "test_cli.py",
    "test_unfit_cycles.py",
    "test_seed_tables.py",
    "test_spark_local.py",
    "test_recipes.py",
    "test_attacker.py",
    "test_forgetting.py",
    "test_damaged_files.py",
    "test_cycle_seeds.py",
    "test_final_cycles.py",
    "test_sharded_build.py",
    "test_killed.py",
    "test_publication_in_time.py",
    "test_which_responses_count.py",
    "test_formulas.py",
    "test_unit_tests.py",
    "test_real_inputs.py",
    "test_cells_in_cycles.py",
)
_data_dir = ""


def pytest_configure() -> None:
    """Point the settings at a folder of this session before any test module reads them."""
    global _data_dir
    gc.set_threshold(3_000_000, 20, 100)  # as in `ilk` itself (orchestration/__main__.py)
    trust_the_disk()
    _data_dir = tempfile.mkdtemp(prefix="ilk-tests-")
    os.environ["ILK_DATA_DIR"] = _data_dir
    os.environ["ILK_LANDING_URL"] = str(SAMPLE_LANDING)
    os.environ["ILK_PSEUDONYM_KEY"] = "a key for tests"
    os.environ["ILK_PAGES"] = "false"  # 2,000 of them a publication: tests of pages write their own
    os.environ["ILK_SEEDS_DIR"] = str(SAMPLE_SEEDS)
    os.environ.pop("ILK_POSTGRES_URL", None)
    get_settings.cache_clear()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: no worker is left alone with one at the end."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONGEST)))


def pytest_unconfigure() -> None:
    """Remove the session's folder."""
    shutil.rmtree(_data_dir, ignore_errors=True)


@dataclass(frozen=True)
class Sample:
    """The sample after its run: where everything lies, and what `ilk run` printed."""

    settings: Settings
    output: str

    @property
    def database(self) -> Path:
        """The published DuckDB file itself, not the link that a later run swaps."""
        return (self.settings.published_dir / "ilk.duckdb").resolve()


def ilk(*arguments: str) -> Result:
    """Run the command line in this process; stdout and stderr are in `output`."""
    from orchestration.cli import app

    get_settings.cache_clear()
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Both cycles of examples/ilk, from landing to publication: run once for all workers."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    kept = shared / "sample"
    with (shared / "sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if kept.exists():
            shutil.copytree(kept / "data", _data_dir, symlinks=True, dirs_exist_ok=True)
        else:
            result = ilk("run", *SAMPLE_CYCLES)
            assert result.exit_code == 0, result.output
            made = kept.with_name("sample.made")
            shutil.copytree(_data_dir, made / "data", symlinks=True)
            # Its sentences name the data folder, which is another for each worker.
            folder = "\n?".join(map(re.escape, _data_dir))  # a line may end within it
            output = re.sub(folder, "{data}", result.output)
            (made / "output.txt").write_text(output, encoding="utf-8")
            made.rename(kept)
    get_settings.cache_clear()
    output = (kept / "output.txt").read_text(encoding="utf-8").replace("{data}", _data_dir)
    return Sample(settings=get_settings(), output=output)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server; one that a test killed it starts again."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip(HOW_TO_GET_ONE)
    server = PostgresServer(binaries)
    yield server
    server.stop()


@pytest.fixture
def own_sample(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Settings]]:
    """A way to get a copy of the sample's data and landing that a test may spoil.

    Call it with further `ILK_*` variables; it returns the settings that are then in force.
    """

    def copy(**environment: str) -> Settings:
        data_dir, landing = tmp_path / "data", tmp_path / "landing"
        if not data_dir.exists():
            shutil.copytree(sample.settings.data_dir, data_dir, symlinks=True)
            shutil.copytree(SAMPLE_LANDING, landing)
        monkeypatch.setenv("ILK_DATA_DIR", str(data_dir))
        monkeypatch.setenv("ILK_LANDING_URL", str(landing))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()
        return get_settings()

    yield copy
    get_settings.cache_clear()
