"""`ilk trace`: from a score down to the answers that made it, and what became of a row."""

import csv
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from orchestration.auditing.opening import audited
from orchestration.auditing.rows import row_fate
from orchestration.auditing.scores import (
    TOLERANCE,
    Question,
    ScoreTrace,
    Verdict,
    domains,
)
from orchestration.auditing.tree import Component, Tree
from orchestration.run_lock import run_lock
from orchestration.settings import Settings
from orchestration.sql_text import formula_safe
from tests.conftest import SAMPLE_CYCLES, Sample, ilk

LAST = SAMPLE_CYCLES[-1]
OwnSample = Callable[..., Settings]


def verdicts(
    settings: Settings, domain_type: str, component: str = "index", mode: str = "poststrat"
) -> list[Verdict]:
    with audited(settings, LAST) as connection:
        question = Question(LAST, mode, domain_type, None, Component.named(component))
        return ScoreTrace(connection, settings, question).verdicts()


def scored_domains(settings: Settings, domain_type: str) -> int:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        [(count,)] = connection.execute(
            "select count(distinct domain_id) from indexes.idx_scores"
            " where cycle_id = ? and domain_type = ?",
            [LAST, domain_type],
        ).fetchall()
    return count


@pytest.mark.parametrize("mode", ["poststrat", "none"])
def test_every_provider_units_contributions_sum_to_its_score(sample: Sample, mode: str):
    found = verdicts(sample.settings, "provider_unit", mode=mode)
    assert len(found) == scored_domains(sample.settings, "provider_unit") > 600
    assert sum(verdict.traced is not None for verdict in found) > 30
    assert max(verdict.difference for verdict in found) < TOLERANCE


@pytest.mark.parametrize(
    ("domain_type", "component"),
    [
        ("provider_unit", "service=sdm"),
        ("provider_region_level", "perspective=empathy"),
        ("direction", "service_perspective=sdm/reliability"),
        ("role_provider_level", "index"),
        ("age_group", "item=sdm_reliability_pengampu_tusi"),
        ("role", "service=bmn_umum"),
    ],
)
def test_every_kind_of_domain_and_component_adds_up(
    sample: Sample, domain_type: str, component: str
):
    found = verdicts(sample.settings, domain_type, component)
    assert any(verdict.traced is not None for verdict in found)
    assert [verdict for verdict in found if not verdict.holds] == []


def test_every_domain_type_of_the_scores_can_be_traced_or_is_a_middle(sample: Sample):
    with duckdb.connect(str(sample.database), read_only=True) as connection:
        rows = connection.execute("select distinct domain_type from idx_scores").fetchall()
    with audited(sample.settings, LAST) as connection:
        known = domains(connection)
    assert {domain_type for (domain_type,) in rows} == {*known, "equal_level", "unit_median"}


def test_the_national_index_is_walked_down_to_items_strata_and_files(sample: Sample):
    result = ilk("trace", LAST, "--domain", "national")
    assert result.exit_code == 0, result.output
    assert "sama, ±1e-09 / equal" in result.output
    for part in ("sdm_reliability_pengampu_tusi", "penerima 33|upt|individu_pegawai"):
        assert part in result.output
    with duckdb.connect(str(sample.database), read_only=True) as connection:
        rows = connection.execute(
            "select distinct file_name, file_sha256 from audit_reconciliation where cycle_id = ?",
            [LAST],
        ).fetchall()
    for name, sha256 in rows:
        assert name in result.output
        assert sha256 in result.output


def test_the_rows_written_sum_to_the_score_and_hold_nobodys_identifier(
    sample: Sample, tmp_path: Path
):
    target = tmp_path / "rows.csv"
    result = ilk("trace", LAST, "--domain", "provider_level=wilayah", "--rows", str(target))
    assert result.exit_code == 0, result.output
    with target.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known = verdicts(sample.settings, "provider_level")
    [score] = [verdict.published for verdict in known if verdict.domain_id == "wilayah"]
    assert sum(float(row["contribution"]) for row in rows) == pytest.approx(score, abs=1e-9)
    text = target.read_text(encoding="utf-8")
    landing = Path(sample.settings.landing) / LAST / "limesurvey"
    with next(landing.glob("*.csv")).open(encoding="utf-8-sig", newline="") as file:
        identifiers = {row["NIP"].strip() for row in csv.DictReader(file, delimiter=";")} - {""}
    assert len(identifiers) > 1000
    assert not [identifier for identifier in identifiers if identifier in text]
    assert target.stat().st_mode & 0o077 == 0


def test_a_cell_that_a_spreadsheet_takes_for_a_formula_is_written_as_text():
    rows = duckdb.sql(
        f"select {formula_safe('cell')} as cell"
        " from (values ('=1+1'), ('+a'), ('-a'), ('@a'), ('a=1'), ('\ta'), ('\na')) as cells(cell)"
    ).fetchall()
    assert [cell for (cell,) in rows] == ["'=1+1", "'+a", "'-a", "'@a", "a=1", "'\ta", "'\na"]


def test_rows_that_cannot_be_written_are_a_sentence(sample: Sample, tmp_path: Path):
    target = tmp_path / "no folder" / "rows.csv"
    result = ilk("trace", LAST, "--domain", "national", "--rows", str(target))
    assert result.exit_code == 1
    assert f"--rows {target}: tidak dapat ditulis / can't be written" in result.output


def test_a_published_score_that_its_rows_do_not_give_is_found(own_sample: OwnSample):
    settings = own_sample()
    database = (settings.published_dir / "ilk.duckdb").resolve()
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "update idx_scores set score = score + 2e-9 where cycle_id = ?"
            " and domain_type = 'national' and component_type = 'index'",
            [LAST],
        )
    result = ilk("trace", LAST, "--domain", "national")
    assert result.exit_code == 1
    assert "NOT EQUAL" in result.output
    assert ilk("trace", LAST, "--domain", "role").exit_code == 0


def test_a_file_of_the_raw_zone_that_was_tampered_with_is_found(own_sample: OwnSample):
    settings = own_sample()
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        [(sha256,)] = connection.execute(
            "select min(file_sha256) from marts.audit_reconciliation where cycle_id = ?", [LAST]
        ).fetchall()
    with (settings.raw_dir / "files" / sha256).open("ab") as file:
        file.write(b"one more row")
    result = ilk("trace", LAST, "--domain", "national")
    assert result.exit_code == 1
    assert "tidak/no" in result.output


def test_a_hidden_score_is_shown_only_to_who_asks_for_it(sample: Sample):
    hidden = next(v for v in verdicts(sample.settings, "provider_unit") if v.is_hidden)
    asked = ("trace", LAST, "--domain", f"provider_unit={hidden.domain_id}")
    refused = ilk(*asked)
    assert refused.exit_code == 1
    assert "--show-hidden" in refused.output
    shown = ilk(*asked, "--show-hidden")
    assert shown.exit_code == 0, shown.output
    assert "Hidden in the publication" in shown.output.replace("\n", " ")


def test_a_unit_that_is_misspelt_is_answered_with_those_that_look_like_it(sample: Sample):
    known = verdicts(sample.settings, "provider_unit")[0].domain_id
    result = ilk("trace", LAST, "--domain", f"provider_unit={known}x")
    assert result.exit_code == 1
    assert known in result.output


def test_a_trace_waits_for_a_run_to_end(sample: Sample):
    with run_lock(sample.settings.data_dir):
        result = ilk("trace", LAST, "--domain", "national")
    assert result.exit_code == 1
    assert "Another run is in progress" in result.output


def test_children_below_the_smallest_share_leave_their_parent_without_a_score():
    tree = Tree(
        items=[("s", "p", "one"), ("s", "p", "two"), ("s", "q", "three"), ("t", "p", "four")],
        weights={("service", "s"): 3.0, ("item", "two"): 2.0},
        min_weight_share=2 / 3,
    )
    # p of s: item two carries 2 of 3, just enough. q has nothing, and p alone is 1 of 2: no s.
    cell = Component.named("service_perspective=s/p")
    assert tree.shares(cell, {"two", "four"}) == {"two": 1.0}
    assert tree.shares(Component.named("service=s"), {"two", "four"}) == {}
    # The index: s weighs 3 of 4, t 1. Inside s, p and q halve it; inside p, items weigh 1 and 2.
    assert tree.shares(Component.named("index"), {"one", "two", "three", "four"}) == pytest.approx(
        {"one": 3 / 4 / 2 / 3, "two": 3 / 4 / 2 * 2 / 3, "three": 3 / 4 / 2, "four": 1 / 4}
    )


SEED_OF_REASON = {
    "test_response": "export_columns.csv",
    "incomplete": "method_parameters.csv",
    "out_of_window": "survey_cycles.csv",
    "unknown_unit": "units.csv",
    "unknown_category": "recipient_categories.csv",
    "superseded": "method.md 1",
}


def test_every_rejected_row_leads_to_the_seed_row_that_rejected_it(sample: Sample):
    with audited(sample.settings, LAST) as connection:
        rows = connection.execute(
            """
            select responses.rejection_reason, files.file_name, min(responses._source_row)
            from warehouse.marts.fct_responses as responses
            inner join warehouse.marts.audit_reconciliation as files
                on files.cycle_id = responses.cycle_id
                and files.file_sha256 = responses._file_sha256
            where responses.cycle_id = ? and not responses.is_accepted
            group by all
            """,
            [LAST],
        ).fetchall()
        assert {reason for reason, *_ in rows} == set(SEED_OF_REASON)
        for reason, name, row in rows:
            fate = row_fate(
                connection, sample.settings, cycle_id=LAST, file_name=name, source_row=row
            )
            assert fate.rejection_reason == reason
            assert fate.answers == ()
            rules = " ".join(fate.rules)
            if reason == "incomplete" and fate.facts[0].endswith("not submitted"):
                assert "submitted_at" in rules or "is_complete" in rules
            else:
                assert SEED_OF_REASON[reason] in rules


def test_an_accepted_row_shows_each_answer_and_the_rule_behind_a_rejected_one(sample: Sample):
    with audited(sample.settings, LAST) as connection:
        [(name, row, rejected_count)] = connection.execute(
            """
            select files.file_name, responses._source_row, responses.rejected_count
            from warehouse.marts.fct_responses as responses
            inner join warehouse.marts.audit_reconciliation as files
                on files.cycle_id = responses.cycle_id
                and files.file_sha256 = responses._file_sha256
            where responses.cycle_id = ? and responses.is_accepted and responses.rejected_count > 0
            order by responses.response_key
            limit 1
            """,
            [LAST],
        ).fetchall()
    result = ilk("trace", LAST, "--file", name, "--row", str(row))
    assert result.exit_code == 0, result.output
    assert "Diterima / Accepted" in result.output
    assert result.output.count("questions.csv, baris") == rejected_count


def test_a_row_that_is_not_there_is_answered_with_how_many_there_are(sample: Sample):
    name = f"{LAST}/gform/survei-{LAST}.csv"
    result = ilk("trace", LAST, "--file", name, "--row", "100000")
    assert result.exit_code == 1
    assert "no response in row 100000; 2 – 748" in result.output.replace("\n", " ")


@contextmanager
def only_read(folder: Path) -> Iterator[None]:
    """Let nobody write there, root included."""
    for options in (["--bind", str(folder)], ["-o", "remount,bind,ro"]):
        done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"it needs the right to mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_data_folder_that_may_only_be_read_is_traced_unless_a_run_is_on(own_sample: OwnSample):
    settings = own_sample()
    shutil.rmtree(settings.data_dir / "spilled", ignore_errors=True)
    command = ["trace", LAST, "--domain", "national"]
    with only_read(settings.data_dir):
        traced = ilk(*command)
        assert traced.exit_code == 0, traced.output
        assert "sama, ±1e-09 / equal" in traced.output
        run = ilk("run", LAST)
        assert (run.exit_code, len(run.output.splitlines())) == (2, 1), run.output
    with run_lock(settings.data_dir), only_read(settings.data_dir):
        refused = ilk(*command)
    assert refused.exit_code == 1
    assert "Another run is in progress" in refused.output
