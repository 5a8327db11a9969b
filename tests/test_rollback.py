"""`ilk publish`: an earlier publication is shown again, and what a run does after that.

Belongs here: what forbids it, the record of it, held cycles. Doesn't: readers during the swap
(publishing/test_publishing_swap.py).
"""

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.auditing import rollback
from orchestration.auditing.held_cycles import held_cycles, hold, let_go
from orchestration.auditing.rollback import Kept, RollbackError
from orchestration.cycles.state import cycle_states
from orchestration.publishing.tables import Declaration
from orchestration.settings import Settings
from tests.conftest import SAMPLE_CYCLES, ilk

FIRST, LAST = SAMPLE_CYCLES
OwnSample = Callable[..., Settings]


def shown(settings: Settings) -> str:
    return settings.published_dir.resolve().name


def cycles_shown(settings: Settings) -> list[str]:
    with duckdb.connect(settings.published_dir.resolve() / "ilk.duckdb", read_only=True) as read:
        rows = read.execute("select distinct cycle_id from idx_scores order by all").fetchall()
    return [cycle_id for (cycle_id,) in rows]


def outcomes(settings: Settings) -> list[tuple[str, str]]:
    with duckdb.connect() as connection:
        return connection.execute(
            f"select outcome, publication_id from '{settings.audit_dir}/runs.parquet'"
            " order by started_at"
        ).fetchall()


def test_going_back_is_one_command_that_no_run_undoes_in_silence(own_sample: OwnSample):
    settings = own_sample()
    left = shown(settings)
    listed = ilk("publish", "--list").output.splitlines()
    assert len(listed) == 2 and all("utuh / whole" in line for line in listed)
    assert listed[0].startswith(left) and "tampil / shown" in listed[0]
    (earlier,) = {line.split()[0] for line in listed} - {left}

    went = ilk("publish", "--rollback")

    assert went.exit_code == 0, went.output
    assert f"Kini tampil / now shown: {earlier} (sebelumnya / before: {left})" in went.output
    assert shown(settings) == earlier and cycles_shown(settings) == [FIRST]
    assert outcomes(settings)[-1] == ("rolled_back", earlier)
    again = ilk("run", LAST)
    assert again.exit_code == 0, again.output
    assert "stays as it was rolled back to" in " ".join(again.output.split())
    assert shown(settings) == earlier
    assert outcomes(settings)[-2:] == [("rolled_back", earlier), ("nothing_new", None)]
    assert "dikembalikan" in ilk("status").output

    # Another cycle's real run publishes it, and leaves out what was rolled back.
    cycle_states(settings).release(FIRST)
    real = ilk("run", FIRST)
    assert real.exit_code == 0, real.output
    assert f"publish --release {LAST}" in " ".join(real.output.split())
    assert cycles_shown(settings) == [FIRST]
    assert shown(settings) == earlier, "the same figures are the same publication"

    forth = ilk("publish", "--rollback", left)
    assert forth.exit_code == 0, forth.output
    assert shown(settings) == left and cycles_shown(settings) == [FIRST, LAST]
    assert ilk("publish", "--release", LAST).exit_code == 1, "what is shown is not held"
    assert "dikembalikan" not in ilk("status").output


def test_a_damaged_or_unknown_publication_is_not_shown_again(own_sample: OwnSample):
    settings = own_sample()
    left = shown(settings)
    (earlier,) = {path.name for path in (settings.data_dir / "publications").iterdir()} - {left}
    assert f"choose one of: {earlier}" in ilk("publish", "--rollback", "no such").output
    assert "is shown already" in ilk("publish", "--rollback", left).output
    damaged = settings.data_dir / "publications" / earlier / "parquet/dim_cycles/dim_cycles.parquet"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    refused = ilk("publish", "--rollback")
    assert refused.exit_code == 1
    assert "parquet/dim_cycles/dim_cycles.parquet" in refused.output
    assert "BERUBAH / CHANGED" in ilk("publish", "--list").output
    damaged.write_bytes(bytes(content[: len(content) // 2]) + b"\x00")
    # A folder that no run is known to have shown: a killed run may leave one.
    (settings.audit_dir / "runs.parquet").unlink()
    assert "was never shown" in ilk("publish", "--rollback").output
    assert shown(settings) == left
    assert ilk("publish").exit_code == 2


# --- what may not come back --------------------------------------------------------------------

SCORES = Declaration(
    model=("indexes", "idx_scores"),
    rows_of=("figures", "shown_scores"),
    grain=("cycle_id", "domain_id"),
    has_persons=True,
)


def publication(
    folder: Path, *, hidden: bool, code: str = "c1", answers: int = 50, score: float = 3.5
) -> Kept:
    """A publication with one score that is hidden or not."""
    folder.mkdir(parents=True)
    with duckdb.connect(folder / "ilk.duckdb") as connection:
        connection.execute(
            "create table idx_scores as select 'c' as cycle_id, 'u1' as domain_id,"
            f" {'null' if hidden else score}::double as score, {hidden} as is_suppressed"
        )
        connection.execute(
            f"create table audit_runs as select '{code}' as code_hash, 's' as seeds_hash,"
            f" '{folder.name}' as publication_id, 'published' as outcome"
        )
        connection.execute(
            "create table audit_reconciliation as select 'c' as cycle_id, 'f' as file_sha256,"
            f" true as is_accepted, null::varchar as rejection_reason, {answers} as response_count"
        )
    return Kept(folder.name, folder, None, ("c",), is_shown=False)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.mark.parametrize(
    ("later", "is_refused"),
    [
        ({"hidden": False}, False),
        ({"hidden": True}, True),  # the same answers: hidden for its own sake
        ({"hidden": True, "answers": 80}, False),  # by other answers, as standing.py allows
        ({"hidden": True, "answers": 80, "code": "c2"}, True),  # or by other rules
        ({"hidden": False, "code": "c2"}, False),
    ],
)
def test_what_was_hidden_since_does_not_come_back(settings, tmp_path, later, is_refused):
    target = publication(tmp_path / "a", hidden=False)
    left = publication(tmp_path / "b", **later)

    def demand() -> None:
        rollback._demand_nothing_hidden_since(
            settings, left=left, target=target, declared={"idx_scores": SCORES}
        )

    if is_refused:
        with pytest.raises(RollbackError, match="may not come back"):
            demand()
    else:
        demand()


def test_a_final_cycles_figures_stay_as_they_were_frozen(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(rollback, "is_final", lambda *_: True)
    target = publication(tmp_path / "a", hidden=False, score=3.4)
    left = publication(tmp_path / "b", hidden=False)
    with pytest.raises(RollbackError, match="It is final"):
        rollback._demand_nothing_hidden_since(
            settings, left=left, target=target, declared={"idx_scores": SCORES}
        )


def test_what_is_of_before_an_erasure_does_not_come_back(settings, tmp_path):
    from datetime import datetime

    target = publication(tmp_path / "a", hidden=False)
    of_before, of_after = (
        Kept(target.publication_id, target.folder, datetime(2026, 1, day), ("c",), False)
        for day in (1, 3)
    )
    (settings.data_dir / "forgotten").mkdir(parents=True)
    (settings.data_dir / "forgotten" / "x.json").write_text(
        json.dumps({"forgotten_at": "2026-01-02T07:00:00+00:00", "files": [{"cycle_id": "c"}]}),
        encoding="utf-8",
    )
    with pytest.raises(RollbackError, match="before the responses of somebody"):
        rollback._demand_unerased(settings, of_before)
    rollback._demand_unerased(settings, of_after)


def test_a_cycle_is_held_until_it_is_made_from_something_else_or_shown_again(settings):
    assert hold(settings, left={"a": "1", "b": "2"}, shown={"a": "1"}) == ("b",)
    assert set(held_cycles(settings, {"a": "1", "b": "2"})) == {"b"}
    assert held_cycles(settings, {"a": "1", "b": "3"}) == {}
    # Back once more: both are held that were left.
    assert hold(settings, left={"a": "1"}, shown={"a": "0"}) == ("a",)
    assert set(held_cycles(settings, {"a": "1", "b": "2"})) == {"a", "b"}
    hold(settings, left={"a": "0"}, shown={"a": "1", "b": "2"})
    assert held_cycles(settings, {"a": "1", "b": "2"}) == {}
    assert set(held_cycles(settings, {"a": "0"})) == {"a"}
    assert let_go(settings, ["a", "b"]) == ["a"]
    assert held_cycles(settings, {"a": "0"}) == {}
