"""The drill of deploy/backup.sh: all is lost but the backup, and one command brings it back.

Belongs here: restic for real, on a repository in a folder. Doesn't: the timer that calls it
(test_deployment.py).
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.cycles.fingerprints import hash_files
from orchestration.durable_files import UnreadableFileError
from orchestration.health import findings
from orchestration.settings import REPOSITORY, Settings
from tests.small_cycle import KEY, SmallCycle, row

pytestmark = pytest.mark.skipif(
    shutil.which("restic") is None or shutil.which("flock") is None,
    reason="restic is missing: make services (Debian: apt-get install restic)",
)


class Drill:
    """A small index that was run, what backs it up, and where that writes."""

    def __init__(self, folder: Path) -> None:
        self.cycle = SmallCycle(folder)
        self.etc = folder / "etc"
        self.etc.mkdir()
        lines = {
            "ilk.env": [f"ILK_DATA_DIR={self.cycle.data}", f"ILK_SEEDS_DIR={self.cycle.seeds}"],
            "key.env": [f"ILK_PSEUDONYM_KEY={KEY}"],
            "backup.env": [
                "# a password may hold what a shell would read",
                f"RESTIC_REPOSITORY={folder / 'repository'}",
                "RESTIC_PASSWORD=$(exit 1) `a b`",
                f"ILK_KEY_REPOSITORY={folder / 'vault'}",
                f"ILK_KEY_PASSWORD_FILE={self.etc / 'key.password'}",
            ],
        }
        for name, said in lines.items():
            (self.etc / name).write_text("\n".join(said) + "\n", encoding="utf-8")
        (self.etc / "key.password").write_text("another", encoding="utf-8")
        self.restic("init", password="$(exit 1) `a b`", repository="repository")
        self.restic("init", password="another", repository="vault")

    def restic(self, *arguments: str, password: str, repository: str) -> str:
        done = subprocess.run(
            ["restic", *arguments],
            env={
                **self.environment,
                "RESTIC_PASSWORD": password,
                "RESTIC_REPOSITORY": str(self.cycle.folder / repository),
            },
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return done.stdout

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{name: of for name, of in os.environ.items() if not name.startswith("ILK_")},
            "ILK_ETC": str(self.etc),
            "ILK_COMMAND": str(Path(sys.executable).with_name("ilk")),
            "ILK_PAGES": "false",
            "XDG_CACHE_HOME": str(self.cycle.folder / "cache"),
        }

    def backup(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [REPOSITORY / "deploy" / "backup.sh", *arguments],
            env={**self.environment, **more},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    def snapshots(self) -> int:
        told = self.restic(
            "snapshots", "--json", password="$(exit 1) `a b`", repository="repository"
        )
        return len(json.loads(told))

    @property
    def records(self) -> dict[str, str]:
        """What no run makes again, by its path: hashes of whole folders."""
        data = self.cycle.data
        parts = ("raw", "audit", "publications", "forgotten", "landing", "follow_ups")
        return {part: hash_files([data / part]) for part in parts} | {
            "seeds": hash_files([self.cycle.seeds]),
            "published": str((data / "published").readlink()),
        }


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    made = Drill(tmp_path_factory.mktemp("drill"))
    made.cycle.drop("c1/p/a.csv", [row(number, nip=str(10**17 + number)) for number in range(40)])
    run = made.cycle.run("c1")
    assert run.returncode == 0, run.stdout
    # Records that this index has no cause to hold.
    for name in ("forgotten/2025.json", "audit/rolled_back.json", "follow_ups/c1.xlsx"):
        (made.cycle.data / name).parent.mkdir(exist_ok=True)
        (made.cycle.data / name).write_text("{}", encoding="utf-8")
    return made


def test_all_is_lost_but_the_backup_and_one_command_brings_the_publication_back(drill: Drill):
    saved = drill.backup()
    assert saved.returncode == 0, saved.stderr
    before = drill.records
    shutil.rmtree(drill.cycle.data)
    shutil.rmtree(drill.cycle.seeds)
    (drill.etc / "key.env").unlink()
    (drill.etc / "ilk.env").unlink()

    # On the new machine there is backup.env, where the data was, and an installation's seeds,
    # of which the backup has one with other rows and lacks the other.
    drill.cycle.seeds.mkdir()
    for name in ("units.csv", "left_over.csv"):
        (drill.cycle.seeds / name).write_text(f"{name}, edited here\n", encoding="utf-8")
    places = {"ILK_DATA_DIR": str(drill.cycle.data), "ILK_SEEDS_DIR": str(drill.cycle.seeds)}
    restored = drill.backup("restore", **places)
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert "tidak ada yang baru" in restored.stdout
    after = drill.records
    changed = {part for part in before if before[part] != after[part]}
    assert changed <= {"audit"}  # the run's own record
    [aside] = drill.cycle.seeds.parent.glob("seeds.before-*")
    assert f"seeds and settings that were here: {aside}\n" in restored.stdout
    kept = {path.name: path.read_text("utf-8") for path in (aside / "seeds").iterdir()}
    assert kept == {name: f"{name}, edited here\n" for name in ("units.csv", "left_over.csv")}
    assert (aside / "backup.env").is_file()
    assert (drill.etc / "key.env").read_text(encoding="utf-8") == f"ILK_PSEUDONYM_KEY={KEY}\n"
    assert drill.cycle.warehouse("select count(*) from people.responses_judged") == [(40,)]
    assert drill.backup("restore").returncode == 2  # never over data that is there


def test_seeds_stay_where_nothing_could_be_restored(drill: Drill, tmp_path: Path):
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "units.csv").write_text("edited here\n", encoding="utf-8")
    (drill.etc / "ilk.env").rename(tmp_path / "ilk.env")
    places = {"ILK_DATA_DIR": str(tmp_path / "data"), "ILK_SEEDS_DIR": str(seeds)}
    (drill.cycle.folder / "repository").rename(tmp_path / "away")
    failed = drill.backup("restore", **places)
    (tmp_path / "away").rename(drill.cycle.folder / "repository")
    (tmp_path / "ilk.env").rename(drill.etc / "ilk.env")
    assert failed.returncode == 1
    assert [path.name for path in seeds.iterdir()] == ["units.csv"]


def test_health_tells_of_a_backup_that_fails_or_is_never_made_again(drill: Drill):
    settings = Settings(data_dir=drill.cycle.data, seeds_dir=drill.cycle.seeds)

    def found(hours: float) -> list[bool]:
        later = datetime.now(UTC) + timedelta(hours=hours)
        return [each.is_red for each in findings(settings, later, names=["backup"])]

    shutil.rmtree(settings.backup_dir, ignore_errors=True)
    assert found(0) == [], "nobody ever asked for one"
    (drill.cycle.folder / "repository").rename(drill.cycle.folder / "away")
    assert drill.backup().returncode != 0
    assert (found(29), found(31)) == ([False], [True]), "not one was ever good"
    (drill.cycle.folder / "away").rename(drill.cycle.folder / "repository")
    shutil.rmtree(settings.backup_dir)
    settings.backup_dir.mkdir()
    (settings.backup_dir / "asked_at").write_text("2025-10-01T00:00:00Z\n", encoding="utf-8")
    assert found(0) == [True]
    assert drill.backup().returncode == 0
    assert (found(29), found(31)) == ([False], [True])
    (settings.backup_dir / "good_at").write_text("", encoding="utf-8")
    with pytest.raises(UnreadableFileError, match="good_at"):
        found(0)


def test_the_key_is_in_no_backup_of_the_data(drill: Drill):
    # As on a server: seeds below the settings, and beside them what a restore put aside.
    settings = (drill.etc / "ilk.env").read_text(encoding="utf-8")
    seeds = drill.etc / "seeds"
    shutil.copytree(drill.cycle.seeds, seeds)
    (drill.etc / "seeds.before-20251201T000000Z").mkdir()
    (drill.etc / "ilk.env").write_text(
        settings.replace(str(drill.cycle.seeds), str(seeds)), encoding="utf-8"
    )
    assert drill.backup().returncode == 0
    found = drill.restic("ls", "latest", password="$(exit 1) `a b`", repository="repository")
    assert str(drill.etc / "ilk.env") in found
    (drill.etc / "ilk.env").write_text(settings, encoding="utf-8")
    assert str(seeds / "units.csv") in found
    assert "key.env" not in found
    assert (
        "seeds.before-" not in found
    )  # root's alone, as the key in it: the service user can't read it
    assert "password" not in found
    assert "warehouse.duckdb" not in found


def test_a_raw_file_that_is_lost_or_changed_is_told_by_its_sha256(drill: Drill):
    count = drill.snapshots()
    shutil.rmtree(drill.cycle.data / "backup", ignore_errors=True)
    [path] = (drill.cycle.data / "raw" / "files").iterdir()
    content = path.read_bytes()
    told = []
    for spoil in (lambda: path.write_bytes(content[:-1] + b"x"), path.unlink):
        spoil()
        told.append(drill.backup(ILK_BACKUP_KEEP="--keep-last 1"))
    path.write_bytes(content)
    for found, state in zip(told, ("berubah / changed", "hilang / lost"), strict=True):
        assert found.returncode == 1
        assert f"c1/p/a.csv ({state}) {path.name}" in found.stdout
    assert drill.snapshots() == count + 2  # the older ones, which have it, stay
    assert not (drill.cycle.data / "backup" / "good_at").exists()  # ilk health tells of it


def test_no_backup_is_made_of_half_a_run(drill: Drill):
    with (drill.cycle.data / "ilk.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert drill.backup(ILK_BACKUP_PATIENCE="0").returncode == 75
