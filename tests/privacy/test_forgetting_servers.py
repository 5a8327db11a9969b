"""Who was forgotten does not come back from a survey tool's server, which may still hold them."""

import csv
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet
from pydantic import SecretStr

from orchestration.exports.apis.access import Access
from orchestration.exports.pull_report import PullReport
from orchestration.exports.pulling import pull_cycle
from orchestration.exports.registry import Registry
from orchestration.forgetting import forget
from orchestration.settings import Settings
from tests.conftest import SAMPLE_LANDING, SAMPLE_SEEDS
from tests.exports.fake_limesurvey import FakeLimeSurvey, served
from tests.privacy.privacy_cases import traces

CYCLE = "ilk-2025-s1"
PERSON = "199601042020021002"
KEY = "a key for tests"


def test_a_person_who_is_still_on_the_server_stays_forgotten(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    shutil.copytree(SAMPLE_SEEDS, seeds)
    (seeds / "survey_sources.csv").write_text(
        f"cycle_id,profile_id,kind,location\n{CYCLE},limesurvey,limesurvey,265831\n",
        encoding="utf-8",
    )
    settings = Settings(
        data_dir=tmp_path / "data",
        seeds_dir=seeds,
        landing_url=str(tmp_path / "landing"),
        pseudonym_key=KEY,
    )
    (export,) = (SAMPLE_LANDING / CYCLE / "limesurvey").iterdir()
    with export.open(encoding="utf-8-sig", newline="") as file:
        header, *records = (row for row in csv.reader(file, delimiter=";") if row)
    server = FakeLimeSurvey(header=header)
    server.responses = {int(number): cells for number, *cells in records[:-1]}

    with served(server):
        access = {"limesurvey": Access(server.url, "ilk", SecretStr(server.password))}

        def pull(at: datetime) -> PullReport:
            return pull_cycle(
                cycle_id=CYCLE,
                seeds_dir=seeds,
                landing=settings.landing,
                raw_dir=settings.raw_dir,
                pulled_at=at,
                engine=settings.engine,
                pseudonym_key=KEY,
                access=access,
            )

        def landed() -> int:
            rows = [row for row in Registry(settings.raw_dir).current(CYCLE) if row.is_in_use]
            folder = settings.raw_dir / "survey_responses" / f"cycle_id={CYCLE}"
            found = [
                cell
                for row in rows
                for cell in pyarrow.parquet.read_table(
                    folder / f"{row.sha256}.parquet", columns=["NIP"], partitioning=None
                )["NIP"].to_pylist()
            ]
            assert PERSON not in found
            return len(found)

        pull(datetime(2025, 5, 20, tzinfo=UTC))
        forget(settings, [PERSON])
        others = len(server.responses) - 1
        assert landed() == others
        report = pull(datetime(2025, 5, 21, tzinfo=UTC))
        assert (report.refused, landed()) == ((), others)
        number, *cells = records[-1]
        server.responses[int(number)] = cells
        for at in (datetime(2025, 5, 22, tzinfo=UTC), datetime(2025, 6, 2, tzinfo=UTC)):
            report = pull(at)
            assert (report.refused, report.vanished, landed()) == ((), (), others + 1)
        assert traces([settings.data_dir], {PERSON}, tmp_path / "scratch") == []
