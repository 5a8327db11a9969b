"""Whole cycles of a few made-up responses, run through `ilk run` as a person types it.

Belongs here: seeds of a survey with two questions and two units, a landing and a data folder of
its own. Doesn't: the sample (conftest.py), files that are only pulled (exports/exports_cases.py).
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb

from expectations.border import Border
from expectations.one_export import Profilers, Run, in_this_process
from expectations.raw_files import Cycle
from expectations.validation import Outcome
from orchestration.bounded_engine import BoundedEngine
from orchestration.exports.pulling import pull_cycle
from orchestration.seeds.seed_tables import seed_records
from orchestration.settings import REPOSITORY
from tests.ilk_process import IlkProcess, start_ilk

KEY = "a key of the tests"
HEADER = "id,Waktu,NIP,Unit,Q1,Q2"
_SEEDS = {
    "survey_cycles": (
        "cycle_id,index_id,instrument_id,method_id,year,semester,opens_on,closes_on,"
        "previous_cycle_id,status",
        "c1,skm,i,skm-1.0,2025,1,2025-10-01,2025-10-31,,closed",
        "c2,skm,i,skm-1.0,2025,2,2025-11-01,2025-11-30,,closed",
    ),
    "survey_sources": (
        "cycle_id,profile_id,kind,location",
        "c1,p,landing,c1/p/*",
        "c2,p,landing,c2/p/*",
    ),
    "export_profiles": (
        "profile_id,instrument_id,tool,timezone,description,date_order,decimal",
        "p,i,plain,Asia/Jakarta,,,",
    ),
    "export_columns": (
        "profile_id,source_column,target_kind,target",
        "p,id,attribute,response_id",
        "p,Waktu,attribute,submitted_at",
        "p,NIP,attribute,respondent_identifier",
        "p,Unit,attribute,unit_id",
        "p,Q1,question,U1",
        "p,Q2,question,U2",
    ),
    "code_lists": ("code_list_id,source_value,code,lower_bound",),
    "export_codes": ("profile_id,target,source_value,code", "p,unit_id,Kantor A,A"),
    "index_weights": ("method_id,component_type,component_id,weight",),
    "targets": ("index_id,year,unit_level_id,target_score",),
    "questions": (
        "instrument_id,question_id,item_id,service_id,perspective_id,audience_id,"
        "provider_level_id,scale_min,scale_max,is_reverse_scored,question_text",
        "i,U1,u1,pelayanan,persyaratan,masyarakat,unit,1,4,false,U1",
        "i,U2,u2,pelayanan,prosedur,masyarakat,unit,1,4,false,U2",
    ),
    "units": (
        "unit_id,unit_name,unit_level_id,unit_type,region_id,parent_unit_id,valid_from,valid_to",
        "A,Unit A,unit,pelayanan,indonesia,,2020-01-01,",
        "B,Unit B,unit,pelayanan,indonesia,,2020-01-01,",
    ),
}


@dataclass
class SmallCycle:
    """Cycles `c1` (October 2025) and `c2` (November), profile `p`, units A and B, scale 1-4."""

    folder: Path

    def __post_init__(self) -> None:
        """Write the seeds: those of examples/skm where they are not of this survey."""
        shutil.copytree(REPOSITORY / "examples" / "skm" / "seeds", self.seeds)
        for name, lines in _SEEDS.items():
            self.seed(name, *lines)

    @property
    def seeds(self) -> Path:
        """The folder of seeds."""
        return self.folder / "seeds"

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    def seed(self, name: str, *lines: str) -> None:
        """Write a seed anew, header first."""
        (self.seeds / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def add(self, name: str, *lines: str) -> None:
        """Add rows to a seed."""
        with (self.seeds / f"{name}.csv").open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def drop(self, name: str, rows: Iterable[str], header: str = HEADER) -> None:
        """Drop an export as <cycle>/p/<name>; `name` is such as `c1/p/a.csv`."""
        path = self.data / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")

    def run(
        self, *arguments: str, environment: Mapping[str, str] = MappingProxyType({})
    ) -> subprocess.CompletedProcess[str]:
        """Run `ilk run` with these arguments, and more in its environment."""
        return self.start("run", *arguments, environment=environment).wait()

    def start(
        self, *arguments: str, environment: Mapping[str, str] = MappingProxyType({})
    ) -> IlkProcess:
        """Begin `ilk` with these arguments, and more in its environment."""
        return start_ilk(*arguments, environment={**self.environment, **environment})

    @property
    def environment(self) -> dict[str, str]:
        """All that `ilk` is told of this survey."""
        return {
            **{name: of for name, of in os.environ.items() if not name.startswith("ILK_")},
            "ILK_DATA_DIR": str(self.data),
            "ILK_SEEDS_DIR": str(self.seeds),
            "ILK_PSEUDONYM_KEY": KEY,
            "ILK_PAGES": "false",  # two seconds a run: tests of pages ask for them
            "COLUMNS": "500",
        }

    def pull(self, cycle_id: str) -> Path:
        """Pull the cycle's exports; return the raw zone."""
        raw_dir = self.data / "raw"
        pull_cycle(
            cycle_id=cycle_id,
            seeds_dir=self.seeds,
            landing=str(self.data / "landing"),
            raw_dir=raw_dir,
            pulled_at=datetime.now(UTC),
            engine=BoundedEngine("1GB", self.data / "spilled"),
        )
        return raw_dir

    def check(
        self,
        cycle_id: str,
        engine: BoundedEngine | None = None,
        run: Run = in_this_process,
    ) -> dict[str, list[Outcome]]:
        """Pull the cycle's exports and return what the border says of them; nothing is built."""
        raw_dir = self.pull(cycle_id)
        [row] = [row for row in seed_records(self.seeds, "survey_cycles")
                 if row["cycle_id"] == cycle_id]  # fmt: skip
        engine = engine or BoundedEngine("1GB", self.data / "spilled")
        return Border(
            raw_dir=raw_dir,
            seeds_dir=self.seeds,
            export_files=raw_dir / "export_files.parquet",
            dbt_project_dir=REPOSITORY / "dbt_project",
            quality_dir=self.data / "quality",
            cycle=Cycle(
                cycle_id,
                row["instrument_id"],
                date.fromisoformat(row["opens_on"]),
                date.fromisoformat(row["closes_on"]),
                row["previous_cycle_id"] or None,
                is_over=True,
            ),
            engine=engine,
            max_off_scale_share=0.2,
            max_superseded_share=0.1,
            profilers=Profilers(raw_dir, engine, run),
        ).check()

    def warehouse(self, sql: str) -> list[tuple[Any, ...]]:
        """Return what a query on the warehouse finds."""
        with duckdb.connect(str(self.data / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def published(self, sql: str) -> list[tuple[Any, ...]]:
        """Return what a query on the publication finds."""
        file = (self.data / "published" / "ilk.duckdb").resolve()
        with duckdb.connect(str(file), read_only=True) as connection:
            return connection.execute(sql).fetchall()


def row(number: int, *, unit: str = "A", nip: str = "", day: int = 2, month: int = 10) -> str:
    """Return a response of HEADER that is right, submitted on a day of the month."""
    minute, second = divmod(number, 60)
    time = f"2025-{month:02}-{day:02} 08:{minute:02}:{second:02}"
    return f"{number},{time},{nip},{unit},4,3"
