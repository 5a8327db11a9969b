"""A small survey that was published, whose next run is disturbed, and what must hold after that.

Belongs here: the run that nothing disturbed, and the comparison with it. Doesn't: disturbing.
"""

import hashlib
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from orchestration.auditing.run_records import RunRecord, last_runs_of_cycles
from orchestration.exports.registry import read_registry
from orchestration.publishing.checksums import differing_files
from orchestration.publishing.publication import table_checksums
from orchestration.settings import Settings
from tests.small_cycle import KEY, SmallCycle

CYCLE = "c1"
_MOST_LINES = 3
_NO_ENVIRONMENT: Mapping[str, str] = MappingProxyType({})


class NotPossibleError(Exception):
    """The fault can't be made here; the message says what it needs."""


class Survey:
    """Two published cycles, and an export of the first that has changed since.

    `before` and `after`: checksums by table of the publication that stands, and of the one that a
    run of `c1` makes of the changed export where nothing disturbs it. `seconds`: how long that is.
    """

    def __init__(self, folder: Path) -> None:
        """Publish, change, and run once without any disturbance."""
        self.small = SmallCycle(folder)
        self._kept = folder / "before"
        self.drop(45)
        self.small.drop("c2/p/a.csv", answers(45, month=11))
        _well(self.run("c1", "c2"))
        self.before = self._shown()
        self.drop(75)
        shutil.copytree(self.data, self._kept, symlinks=True)
        started = time.monotonic()
        _well(self.run(CYCLE))
        self.seconds = time.monotonic() - started
        self.after = self._shown()
        assert self.after != self.before
        self._raw = self._in_use()

    @property
    def data(self) -> Path:
        """The data folder that is disturbed."""
        return self.small.data

    @property
    def settings(self) -> Settings:
        """What functions are asked with."""
        return Settings(
            data_dir=self.data, seeds_dir=self.small.seeds, pseudonym_key=KEY, pages=False
        )

    def drop(self, count: int) -> None:
        """Put an export of so many answers in place of the first cycle's."""
        self.small.drop(f"{CYCLE}/p/a.csv", answers(count, month=10))

    def begin_again(self) -> None:
        """Put the data folder back to where the disturbed run begins. A mounted disk stays."""
        self.data.mkdir(exist_ok=True)
        for path in self.data.iterdir():
            path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)
        shutil.copytree(self._kept, self.data, symlinks=True, dirs_exist_ok=True)

    def run(
        self, *cycles: str, environment: Mapping[str, str] = _NO_ENVIRONMENT
    ) -> subprocess.CompletedProcess[str]:
        """Run the cycles, the first one if none is named."""
        return self.small.run(*(cycles or (CYCLE,)), environment=environment)

    def demand_whole(self) -> None:
        """Nothing that was there is lost, and what is shown is one publication or the other."""
        assert differing_files(self.data / "published") == [], "half a publication is shown"
        assert self._shown() in (self.before, self.after), "it shows what no run made"
        for path in (self._kept / "raw" / "files").iterdir():
            kept = self.data / "raw" / "files" / path.name
            assert kept.read_bytes() == path.read_bytes(), f"{kept} is lost"
        for path in self.data.glob("warehouse*"):
            assert path.stat().st_mode & 0o077 == 0, f"{path} is open to others"
        assert {"c1", "c2"} <= last_runs_of_cycles(self.settings).keys()

    def demand_the_same(self, environment: Mapping[str, str] = _NO_ENVIRONMENT) -> RunRecord:
        """The next run ends well, in the publication and raw zone of an undisturbed one."""
        _well(self.run(environment=environment))
        self.demand_whole()
        shown = self._shown()
        differing = {
            name for name in {*shown, *self.after} if shown.get(name) != self.after.get(name)
        }
        assert not differing, f"another publication: {sorted(differing)}"
        assert self._in_use() == self._raw, "other exports are in use"
        left = [
            path
            for pattern in ("raw/**/*.tmp", "publications/.[!.]*", "*.tmp", "audit/**/*.tmp")
            for path in self.data.glob(pattern)
        ]
        assert not left, f"left over: {left}"
        return last_runs_of_cycles(self.settings)[CYCLE]

    def raw_files_in_use(self) -> list[Path]:
        """The bytes of the exports in use, in the raw zone."""
        rows = read_registry(self.data / "raw").to_pylist()
        return [
            self.data / "raw" / "files" / row["sha256"]
            for row in rows
            if row["status"] == "read" and row["superseded_by"] is None
        ]

    def _shown(self) -> dict[str, str]:
        return table_checksums(self.data / "published" / "ilk.duckdb")

    def _in_use(self) -> list[tuple[Any, ...]]:
        """The exports in use, with what lies in the raw zone of them."""
        rows = read_registry(self.data / "raw").to_pylist()
        return sorted(
            (
                row["cycle_id"],
                row["name"],
                row["record_count"],
                hashlib.sha256(
                    (self.data / "raw" / "files" / row["sha256"]).read_bytes()
                ).hexdigest(),
            )
            for row in rows
            if row["status"] == "read" and row["superseded_by"] is None
        )


def answers(count: int, *, month: int) -> list[str]:
    """Rows of an export: three units' worth of ratings that differ."""
    return [
        f"{number},2025-{month:02}-02 08:{number // 60:02}:{number % 60:02},,{'AAB'[number % 3]},"
        f"{3 + number % 2},{1 + number % 4}"
        for number in range(count)
    ]


def demand_told(ended: subprocess.CompletedProcess[str], *words: str) -> None:
    """The run said in both languages, in at most three lines, what is wrong and what to do."""
    said = ended.stdout + ended.stderr
    assert ended.returncode in (1, 2), (ended.returncode, said)
    assert "Traceback" not in said, said
    for word in words:
        assert word in said, (word, said)
    told = _told(said)
    assert told, said
    for sentence in told:
        assert " / " in sentence, sentence
        assert sentence.count("\n") < _MOST_LINES, sentence


def _told(said: str) -> list[str]:
    """The problems that were printed; of a run that never began, all that it said."""
    after_each = re.split(
        r"^(?:Masalah / Problem|Peringatan / Warning(?= PostgreSQL)) ", said, flags=re.MULTILINE
    )
    if len(after_each) == 1:
        return [said.strip()]
    end = re.compile(
        r"^(Peringatan / Warning|Laporan mutu|Perlu diperbaiki|Tidak dihitung|Halaman|Publikasi|"
        r"PostgreSQL)", re.MULTILINE
    )  # fmt: skip
    return [end.split(f"- {sentence}")[0].removeprefix("- ").strip() for sentence in after_each[1:]]


def _well(ended: subprocess.CompletedProcess[str]) -> None:
    assert ended.returncode == 0, (ended.returncode, ended.stdout, ended.stderr)
