"""A cycle with a landing, seeds and a raw zone of its own."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet

from orchestration.bounded_engine import BoundedEngine
from orchestration.exports.apis.access import Access
from orchestration.exports.pull_report import PullReport
from orchestration.exports.pulling import pull_cycle
from orchestration.exports.registry import read_registry

CYCLE = "ilk-2025-s2"


@dataclass
class Cycle:
    """Two sources, `gform/*` and `msform/*`; each pull is an hour later than the one before."""

    folder: Path
    landing: str = ""
    at: datetime = datetime(2025, 12, 1, tzinfo=UTC)
    progress: list[str] = field(default_factory=list)
    access: dict[str, Access] = field(default_factory=dict)
    """The ways into servers."""

    def __post_init__(self) -> None:
        self.landing = self.landing or str(self.folder / "landing")
        self.seed("gform", "msform")
        self.profiles()

    @property
    def raw_dir(self) -> Path:
        return self.folder / "raw"

    @property
    def seeds_dir(self) -> Path:
        return self.folder / "seeds"

    def seed(
        self, *profile_ids: str, locations: Iterable[str] = (), others: Iterable[str] = ()
    ) -> None:
        """Write survey_sources.csv; `others` are locations of another cycle."""
        rows = [f"{CYCLE},{profile},landing,{CYCLE}/{profile}/*" for profile in profile_ids]
        rows += [f"{CYCLE},gform,landing,{location}" for location in locations]
        rows += [f"another,gform,landing,{location}" for location in others]
        self._write_seed("survey_sources", "cycle_id,profile_id,kind,location", rows)

    def on_a_server(
        self, kind: str, location: str, *profile_ids: str, closes_on: str = "2025-12-10"
    ) -> None:
        """Write a source of the profile gform on a server, beside those of files."""
        rows = [f"{CYCLE},{profile},landing,{CYCLE}/{profile}/*" for profile in profile_ids]
        rows.append(f"{CYCLE},gform,{kind},{location}")
        self._write_seed("survey_sources", "cycle_id,profile_id,kind,location", rows)
        self.cycle_status("open", closes_on)

    def cycle_status(self, status: str, closes_on: str = "2025-12-10") -> None:
        header = (
            "cycle_id,index_id,opens_on,closes_on,previous_cycle_id,method_id,instrument_id,status"
        )
        row = f"{CYCLE},ilk,2025-12-01,{closes_on},,m,i,{status}"
        self._write_seed("survey_cycles", header, [row])

    def profiles(self, gform: str = ",,", msform: str = ",,") -> None:
        header = "profile_id,delimiter,encoding,sheet"
        self._write_seed("export_profiles", header, [f"gform,{gform}", f"msform,{msform}"])

    def drop(self, name: str, content: bytes | str) -> None:
        path = self.folder / "landing" / CYCLE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def remove(self, name: str) -> None:
        (self.folder / "landing" / CYCLE / name).unlink()

    def pull(self, *, accept_fewer: bool = False) -> PullReport:
        self.at += timedelta(hours=1)
        return pull_cycle(
            cycle_id=CYCLE,
            seeds_dir=self.seeds_dir,
            landing=self.landing,
            raw_dir=self.raw_dir,
            pulled_at=self.at,
            engine=BoundedEngine("1GB", self.folder / "spilled"),
            access=self.access,
            accept_fewer=accept_fewer,
            on_progress=self.progress.append,
        )

    def registry(self) -> list[dict]:
        return read_registry(self.raw_dir).to_pylist()

    def in_use(self) -> list[str]:
        return [
            row["name"].removeprefix(f"{CYCLE}/")
            for row in self.registry()
            if row["status"] == "read" and row["superseded_by"] is None
        ]

    def records(self, row: dict) -> list[dict]:
        folder = self.raw_dir / row["kind"] / f"cycle_id={row['cycle_id']}"
        return pyarrow.parquet.read_table(
            folder / f"{row['sha256']}.parquet", partitioning=None
        ).to_pylist()

    def _write_seed(self, name: str, header: str, rows: Iterable[str]) -> None:
        self.seeds_dir.mkdir(parents=True, exist_ok=True)
        text = "\n".join([header, *rows]) + "\n"
        (self.seeds_dir / f"{name}.csv").write_text(text, encoding="utf-8")
