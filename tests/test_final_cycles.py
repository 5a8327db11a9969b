"""Final cycles stay as they were frozen, move only with a reason, and can be computed again."""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb
import pytest

from orchestration.auditing.differences import find_moved
from orchestration.auditing.final_cycles import FinalCycleMovedError, Guard, final_version
from orchestration.cycles.fingerprints import cycle_fingerprint, seeds_hash
from orchestration.cycles.state import cycle_states
from orchestration.dbt_build import NodeResult, manifest_path
from orchestration.publishing.publication import PublicationReport, publish
from orchestration.publishing.tables import Declaration, read_declarations
from orchestration.run_lock import run_lock
from orchestration.settings import Settings
from tests.conftest import SAMPLE_CYCLES, SAMPLE_SEEDS, ilk

FIRST, LAST = SAMPLE_CYCLES
OwnSample = Callable[..., Settings]
AT = datetime(2025, 6, 1, tzinfo=UTC)
NATIONAL = "domain_type = 'national' and component_type = 'index' and weighting_mode = 'poststrat'"


def publish_again(settings: Settings, *restated: str, why: str = "") -> PublicationReport:
    """Publish the warehouse as it lies there, as a run would."""
    declared = read_declarations(manifest_path(settings))
    return publish(
        warehouse=settings.warehouse,
        declared=declared,
        data_dir=settings.data_dir,
        fingerprint={},
        guard=Guard(settings, declared, "a-run", frozenset(restated), why),
    )


def move(settings: Settings, cycle_id: str, by: float = 0.01, where: str = NATIONAL) -> None:
    """Let a score of the warehouse come out otherwise."""
    with duckdb.connect(str(settings.warehouse)) as connection:
        rows = connection.execute(
            f"update figures.shown_scores set score = score + ? where cycle_id = ? and {where}",
            [by, cycle_id],
        ).fetchall()
        assert rows[0][0] > 0


def published(settings: Settings, query: str) -> list[tuple]:
    database = (settings.published_dir / "ilk.duckdb").resolve()
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query).fetchall()


def seeds_with_status(settings: Settings, folder: Path, cycle_id: str, status: str) -> Path:
    shutil.copytree(settings.seeds_dir, folder)
    path = folder / "survey_cycles.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines = [
        f"{line.rpartition(',')[0]},{status}" if line.startswith(cycle_id) else line
        for line in lines
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def settings(own_sample: OwnSample) -> Settings:
    """A copy of the sample whose last cycle is final."""
    found = own_sample(ILK_LANDING_URL=str(own_sample().landing))
    result = ilk("finalise", LAST)
    assert result.exit_code == 0, result.output
    assert f"{LAST} final sejak / since" in result.output.replace("\n", " ")
    with duckdb.connect(str(found.warehouse)) as connection:  # as dbt does in every run
        connection.execute(
            "create or replace view staging.stg_audit__restatements as"
            f" from read_parquet('{found.audit_dir / 'restatements.parquet'}')"
        )
    return found


def test_a_final_cycle_that_moved_is_refused_and_the_publication_stays(settings: Settings):
    before = settings.published_dir.readlink()
    move(settings, LAST)
    with pytest.raises(FinalCycleMovedError) as caught:
        publish_again(settings)
    sentence = str(caught.value)
    assert f"{LAST} sudah final, tetapi 1 angkanya akan berubah" in sentence
    assert "idx_scores poststrat national=national index score: 3." in sentence
    assert f"ilk run {LAST} --restate" in sentence
    assert settings.published_dir.readlink() == before


def test_a_cycle_that_is_not_final_may_move_and_so_may_the_last_bits_of_one_that_is(
    settings: Settings,
):
    move(settings, FIRST)
    move(settings, LAST, by=1e-12)
    publish_again(settings)
    assert published(settings, "from audit_restatements") == []
    assert final_version(settings, FIRST) is None


def test_a_restatement_lists_each_number_that_moved_with_old_new_and_why(settings: Settings):
    query = f"select score from idx_scores where cycle_id = '{LAST}' and {NATIONAL}"
    [(old,)] = published(settings, query)
    [(hidden,)] = published(
        settings,
        f"select domain_id from idx_scores where cycle_id = '{LAST}'"
        " and domain_type = 'provider_region' and component_type = 'index'"
        " group by domain_id having bool_and(is_suppressed) order by all limit 1",
    )
    move(settings, LAST)
    move(
        settings,
        LAST,
        where=f"domain_type = 'provider_region' and domain_id = '{hidden}'"
        " and component_type = 'index'",
    )
    publish_again(settings, LAST, why="20 answers came late")
    [(new,)] = published(settings, query)
    assert new == pytest.approx(old + 0.01)
    assert published(
        settings,
        "select cycle_id, table_name, domain_type, domain_id, component_type, figure_name,"
        " old_value, new_value, why, run_id, is_suppressed from audit_restatements",
    ) == [  # and nothing of the hidden region
        (
            *(LAST, "idx_scores", "national", "national", "index", "score"),
            *(old, new, "20 answers came late", "a-run", False),
        )
    ]
    version = final_version(settings, LAST)
    assert version is not None
    assert (version.folder.name, version.why) == ("002", "20 answers came late")
    # The new numbers are final now: going back would be another restatement.
    move(settings, LAST, by=-0.01)
    with pytest.raises(FinalCycleMovedError):
        publish_again(settings)


def test_a_number_that_is_hidden_now_is_null_in_its_restatements(settings: Settings):
    move(settings, LAST)
    publish_again(settings, LAST, why="why")
    # As if the nation were hidden: disclosure control reaches the restatements by their keys.
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "update figures.shown_scores set is_suppressed = true, score = null"
            f" where cycle_id = ? and {NATIONAL}",
            [LAST],
        )
    publish_again(settings, LAST, why="hidden now")
    rows = published(
        settings,
        "select distinct old_value, new_value, is_suppressed, why is null from audit_restatements"
        " where domain_type = 'national' and component_type = 'index'",
    )
    assert rows == [(None, None, True, False)]


def test_a_cycle_that_the_seed_calls_final_is_held_to_what_is_published(
    own_sample: OwnSample, tmp_path: Path
):
    seeds = seeds_with_status(own_sample(), tmp_path / "seeds", LAST, "final")
    settings = own_sample(ILK_SEEDS_DIR=str(seeds))
    move(settings, LAST)
    with pytest.raises(FinalCycleMovedError):
        publish_again(settings)
    move(settings, LAST, by=-0.01)
    current, seeds_now = cycle_fingerprint(settings, LAST), seeds_hash(settings)
    cycle_states(settings).finish_build(LAST, current, seeds=seeds_now, later=())
    publish_again(settings)
    version = final_version(settings, LAST)
    assert version is not None
    assert (version.folder / "seeds" / "units.csv").read_bytes() == (
        SAMPLE_SEEDS / "units.csv"
    ).read_bytes()


def test_a_cycle_that_is_not_published_as_it_lies_here_is_not_finalised(
    own_sample: OwnSample, tmp_path: Path
):
    seeds = seeds_with_status(own_sample(), tmp_path / "seeds", LAST, "open")
    settings = own_sample(ILK_SEEDS_DIR=str(seeds))
    result = ilk("finalise", LAST)
    assert result.exit_code == 1
    assert f"ilk run {LAST}" in result.output
    assert final_version(settings, LAST) is None


def test_restating_a_cycle_that_is_not_final_is_a_usage_error(own_sample: OwnSample):
    own_sample()
    result = ilk("run", FIRST, "--restate", "why not")
    assert result.exit_code == 2
    assert "--restate" in result.output


def test_a_run_that_moves_a_final_cycle_ends_with_1_until_it_is_told_why(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    from orchestration.defs.warehouse import MANIFEST

    def build(_: Settings, cycle_id: str, **__: object) -> list[NodeResult]:
        """In dbt's place, which would take longest: all is made, and one score another."""
        move(settings, cycle_id)
        nodes = {
            unique_id: node
            for unique_id, node in MANIFEST["nodes"].items()
            if node["resource_type"] in ("model", "seed")
        }
        parents = {name: node["depends_on"].get("nodes", []) for name, node in nodes.items()}
        return [
            NodeResult(unique_id, node["name"], node["resource_type"], "success", "", None, 0.0, AT)
            for unique_id in TopologicalSorter(parents).static_order()
            if (node := nodes.get(unique_id))
        ]

    monkeypatch.setattr("orchestration.stages.build.build_warehouse", build)
    cycle_states(settings).release(LAST)  # as after a change of files, seeds or code
    before = settings.published_dir.readlink()
    query = f"select score from idx_scores where cycle_id = '{LAST}' and {NATIONAL}"
    [(old,)] = published(settings, query)

    refused = ilk("run", LAST)

    assert refused.exit_code == 1
    assert f"{LAST} sudah final, tetapi 1 angkanya akan berubah" in refused.output
    assert f'ilk run {LAST} --restate "alasan / why"' in refused.output
    assert settings.published_dir.readlink() == before
    assert published(settings, "from audit_restatements") == []
    (told,) = [line for line in ilk("status").output.splitlines() if LAST in line]
    assert "usang/outdated" in told  # it still stands, as it was

    restated = ilk("run", LAST, "--restate", "a wrong weight was mended")

    assert restated.exit_code == 0, restated.output
    [(new,)] = published(settings, query)
    assert published(
        settings, "select cycle_id, figure_name, old_value, new_value, why from audit_restatements"
    ) == [(LAST, "score", old, new, "a wrong weight was mended")]
    assert new == pytest.approx(old + 0.02)  # moved by each of the two runs


def test_a_reproduction_leaves_the_scratch_folder_of_another_alone(own_sample: OwnSample):
    settings = own_sample()
    assert ilk("finalise", FIRST).exit_code == 0
    (settings.data_dir / "reproduction" / "landing").mkdir(parents=True)
    with run_lock(settings.data_dir):  # as the other one does
        result = ilk("reproduce", FIRST)
    assert result.exit_code == 1
    assert f"pid {os.getpid()}" in result.output
    assert (settings.data_dir / "reproduction" / "landing").exists()


def test_a_restated_cycle_is_computed_again_from_what_was_kept(own_sample: OwnSample):
    settings = own_sample(ILK_LANDING_URL=str(own_sample().landing))
    assert ilk("finalise", FIRST).exit_code == 0
    export = next((Path(settings.landing) / FIRST / "limesurvey").glob("*.csv"))
    records = export.read_bytes().splitlines(keepends=True)
    export.write_bytes(b"".join(records[:200] + records[220:]))
    run = ilk("run", FIRST, "--restate", "20 rows were of another survey")
    assert run.exit_code == 0, run.output
    rows = published(settings, "select distinct cycle_id, why from audit_restatements")
    assert rows == [(FIRST, "20 rows were of another survey")]
    # Other files than were kept lie in the landing by now.
    export.unlink()
    result = ilk("reproduce", FIRST)
    assert result.exit_code == 0, result.output
    assert result.output.count("sama / equal") == 2
    assert not (settings.data_dir / "reproduction").exists()


def test_a_reason_that_an_older_publication_did_not_tell_is_no_number_that_moved():
    declared = {
        "idx_scores": Declaration(
            model=("indexes", "idx_scores"),
            rows_of=("figures", "shown_scores"),
            grain=("cycle_id", "domain_id"),
            has_persons=True,
        )
    }
    with duckdb.connect() as connection:
        connection.execute(
            """
            create table old as from (values
                ('c', 'hidden', null::double, null, true), ('c', 'shown', 3.5, null, false),
                ('c', 'few', null, 'too_few_children', false)
            ) as rows (cycle_id, domain_id, score, null_reason, is_suppressed);
            create table new as select * replace (
                case when is_suppressed then 'secondary' else null_reason end as null_reason
            ) from old
            """
        )

        def moved() -> int:
            sides = {"old": {"idx_scores": "old"}, "new": {"idx_scores": "new"}}
            return find_moved(connection, "c", **sides, declared=declared)

        assert moved() == 0
        connection.execute("update new set null_reason = 'no_answers' where domain_id = 'few'")
        assert moved() == 1
        connection.execute("update old set null_reason = 'suppressed' where domain_id = 'hidden'")
        assert moved() == 2
