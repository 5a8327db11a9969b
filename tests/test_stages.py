"""What a run decides (orchestration/stages), without Dagster and dbt.

Belongs here: which way a stage goes. Doesn't: the states themselves (test_cycle_state.py), whole
runs (test_cli.py and others).
"""

import subprocess
import sys
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.auditing.run_records import HELD_BACK, start_run
from orchestration.cycles.fingerprints import CurrentFile
from orchestration.cycles.state import CycleStates, cycle_states
from orchestration.dbt_build import NodeResult
from orchestration.exports.pull_report import PullReport
from orchestration.lineage.runs import lineage_run
from orchestration.publishing.publication import PublicationReport
from orchestration.publishing.standing import Timing
from orchestration.settings import REPOSITORY, Settings
from orchestration.stages import build as stage
from orchestration.stages import publish, pull
from orchestration.stages.build import Build, build_cycle
from orchestration.stages.findings import Finding, StageError
from orchestration.stages.publish import NOTHING_LEFT, Candidate, Published, publish_candidate
from orchestration.stages.pull import Pulled
from tests.conftest import SAMPLE_CYCLES, SAMPLE_SEEDS

FIRST, LAST = SAMPLE_CYCLES
RUN = "00000000-0000-4000-8000-000000000000"


def test_what_a_run_decides_knows_no_dagster() -> None:
    modules = [
        f"orchestration.stages.{path.stem}"
        for path in (REPOSITORY / "orchestration" / "stages").glob("[a-z]*.py")
    ]
    assert len(modules) > 5
    code = f"import sys, {', '.join(modules)}; print('dagster' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"


class Installation:
    """A data folder whose dbt is a list of results, and whose fingerprints are given."""

    def __init__(self, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = Settings(data_dir=data_dir, seeds_dir=SAMPLE_SEEDS)
        self.now = {FIRST: "a", LAST: "b"}
        self.results: list[NodeResult] = []
        self.seen: list[tuple[str, bool, set[str]]] = []
        for place in ("orchestration.stages.build", "orchestration.cycles.state"):
            monkeypatch.setattr(f"{place}.cycle_fingerprint", lambda _, cycle: self.now[cycle])
        monkeypatch.setattr(stage, "build_warehouse", self._dbt)
        monkeypatch.setattr(stage, "column_lineage", lambda *_, **__: {})
        monkeypatch.setattr(stage, "_list_rejected", lambda *_: None)
        start_run(self.settings, run_id=RUN, cycle_id=None)

    @property
    def states(self) -> CycleStates:
        return cycle_states(self.settings)

    @property
    def held(self) -> set[str]:
        with duckdb.connect(self.settings.warehouse, read_only=True) as connection:
            rows = connection.execute("from marts.figures").fetchall()
        return {cycle_id for (cycle_id,) in rows}

    def _dbt(
        self, settings: Settings, cycle_id: str, *, load_seeds: bool, held: Collection[str]
    ) -> list[NodeResult]:
        assert cycle_id in self.states.half_built
        assert not held, "nothing was rolled back here: tests/test_rollback.py"
        with duckdb.connect(settings.warehouse) as connection:
            connection.execute("create schema if not exists marts")
            connection.execute("create table if not exists marts.figures (cycle_id varchar)")
            connection.execute("insert into marts.figures values (?)", [cycle_id])
        self.seen.append((cycle_id, load_seeds, self.held))
        return self.results

    def build(self, cycle_id: str) -> Build:
        lineage = lineage_run(self.settings, run_id=RUN, cycle_id=cycle_id)
        return build_cycle(
            self.settings, cycle_id, run_id=RUN, manifest={"nodes": {}}, lineage=lineage
        )

    def publish(self, *cycle_ids: str) -> None:
        self.settings.published_dir.mkdir(exist_ok=True)
        self.states.publish(cycle_ids)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    return Installation(tmp_path, monkeypatch)


def failing() -> NodeResult:
    names = ("model.ilk.dim_units", "dim_units", "model", "error", "its reason", None, 1.0)
    return NodeResult(*names, datetime.now(UTC))


def test_a_cycle_published_from_what_lies_here_is_not_built_again(here: Installation) -> None:
    assert not here.build(FIRST).is_unchanged
    here.publish(FIRST)
    assert here.build(FIRST).is_unchanged
    here.now[FIRST] = "changed"
    assert not here.build(FIRST).is_unchanged
    assert [load_seeds for _, load_seeds, _ in here.seen] == [True, False]


def test_a_cycle_is_not_built_on_one_that_is_out_of_date(here: Installation) -> None:
    here.build(FIRST)
    here.now[FIRST] = "changed"
    with pytest.raises(StageError, match=f"./ilk run {FIRST} {LAST}"):
        here.build(LAST)
    assert (len(here.seen), here.states.half_built) == (1, set())


def test_what_failed_stays_half_built_and_is_out_of_the_way_of_others(here: Installation) -> None:
    here.build(FIRST)
    here.publish(FIRST)
    here.now[LAST], here.results = "c", [failing()]
    assert [each.name for each in here.build(LAST).failed] == ["dim_units"]
    assert here.states.half_built == {LAST}
    here.now[FIRST], here.results = "changed", []
    here.build(FIRST)
    assert here.seen[-1] == (FIRST, False, {FIRST})
    assert here.states.half_built == {LAST}


def test_a_cycle_whose_build_broke_off_is_out_of_date_for_those_compared_with_it(
    here: Installation,
) -> None:
    here.build(FIRST)
    here.results = [failing()]
    here.build(FIRST)
    with pytest.raises(StageError, match=f"./ilk run {FIRST} {LAST}"):
        here.build(LAST)


def test_a_warehouse_that_nobody_remembers_is_removed(here: Installation) -> None:
    here.build(FIRST)
    here.states.path.unlink()
    here.build(LAST)
    assert here.seen[-1] == (LAST, True, {LAST})


def names(findings: Iterable[Finding]) -> list[str]:
    return [finding.check for finding in findings]


def test_every_check_is_answered_whichever_way_a_stage_goes() -> None:
    """Dagster fails a step that leaves one of its checks out."""
    report = PullReport(FIRST, (), (), (), (), (), (), (), 0)
    ways = ((True, "survey_responses"), (True, "staff_frame"), (False, "survey_responses"))
    for is_unanswered, kind in ways:
        file = CurrentFile(FIRST, 1, "gform", kind, "s", "n", "0", "read")
        pulled = Pulled(FIRST, report, [file], "landing", "", is_unanswered)
        assert pulled.is_waiting == (is_unanswered and kind != "staff_frame")
        assert sorted(names(pulled.findings)) == sorted(pull.CHECKS)
    made = PublicationReport("id", Path(), True, {}, {}, 0, 0, (), Timing())
    for left in (NOTHING_LEFT, Published(made, None).findings):
        assert sorted(names([*candidate().findings, *left])) == sorted(publish.CHECKS)


def candidate(*, half_built: Collection[str] = (), lost: Collection[str] = ()) -> Candidate:
    return Candidate(FIRST, {FIRST: "a"}, {}, [], [], [], {}, half_built, lost)


@pytest.mark.parametrize(
    ("judged", "to_come", "comes"),
    [
        (candidate(), [LAST], ""),
        (candidate(half_built=[LAST]), [], f"./ilk run {LAST}"),
        (candidate(half_built=[LAST]), [LAST], "waits"),
        (candidate(half_built=[LAST], lost=["c0"]), [LAST], f"./ilk run {LAST}"),
        (candidate(lost=[LAST]), [], "./ilk run --all"),
        (candidate(lost=[LAST]), [LAST], "waits"),
    ],
)
def test_half_a_warehouse_is_published_with_the_cycles_that_complete_it_or_not_at_all(
    here: Installation, judged: Candidate, to_come: list[str], comes: str
) -> None:
    assert judged.waits_for(to_come) == (comes == "waits")
    if not comes:
        assert judged.broken_off == ""
        return
    let_out: Callable[[], object] = lambda: publish_candidate(  # noqa: E731
        here.settings,
        judged,
        run_id=RUN,
        cycles_to_come=to_come,
        restated=[],
        why="",
        manifest={"nodes": {}},
        lineage=lineage_run(here.settings, run_id=RUN, cycle_id=FIRST),
    )
    if comes == "waits":
        assert let_out() is None
        [run] = duckdb.read_parquet(str(here.settings.audit_dir / "runs.parquet")).fetchall()
        assert HELD_BACK in run
    else:
        with pytest.raises(StageError, match=comes):
            let_out()


def test_a_publication_is_made_within_the_limit_of_memory(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    class AskedError(Exception):
        pass

    def asked(**told: object) -> PublicationReport:
        raise AskedError(told["memory_limit"])

    monkeypatch.setattr("orchestration.publishing.publication.publish", asked)
    with pytest.raises(AskedError, match="700MB"):
        publish_candidate(
            here.settings.model_copy(update={"memory_limit": "700MB"}),
            candidate(),
            run_id=RUN,
            cycles_to_come=[],
            restated=[],
            why="",
            manifest={"nodes": {}, "docs": {}},
            lineage=lineage_run(here.settings, run_id=RUN, cycle_id=FIRST),
        )
