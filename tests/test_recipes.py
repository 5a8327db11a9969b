"""The recipes (docs/recipes.md) as they stand: all of their files in a copy of all, one run.

Belongs here: that each does what its heading says. Doesn't: what such seeds or models mean.
"""

import csv
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.sampling import make_cycle
from orchestration.settings import REPOSITORY
from tests.conftest import SAMPLE_SEEDS
from tests.mutants import Tree

PAGE = REPOSITORY / "docs" / "recipes.md"
CYCLE = "ilk-uji"
# Of the house's rules, those that read the sample's warehouse; the others judge the recipes too.
OF_THE_SAMPLE = ("no_sum_depends", "holds_every_constraint", "short_when_compiled")


def blocks() -> Iterator[tuple[str, str]]:
    """File and content of each block."""
    text = PAGE.read_text(encoding="utf-8")
    for block in re.finditer(
        r"^```(?:csv|sql|yaml|markdown)\n(\S+)\n(.*?)^```$", text, re.M | re.S
    ):
        yield block[1], block[2]


def follow(root: Path, file: str, content: str) -> None:
    """Do with a block what its reader does: new rows, a new file, or lines among their kind."""
    path = root / file
    if "seeds" in Path(file).parts:
        _add_rows(path, content)
    elif file == "models/_exposures.yml":
        text = path.read_text(encoding="utf-8")
        assert text.count("depends_on: &published\n") == 1
        path.write_text(
            text.replace("depends_on: &published\n", f"depends_on: &published\n{content}"),
            encoding="utf-8",
        )
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8") + "\n" if path.exists() else ""
        path.write_text(before + content, encoding="utf-8")


def _add_rows(path: Path, content: str) -> None:
    rows = list(csv.DictReader(io.StringIO(content)))
    if path.name == "questions.csv" and "asks" in rows[0]:
        _add_column(path, "asks")
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file))
    else:
        header = list(rows[0])
    assert {*rows[0]} <= {*header}, f"{path.name} has other columns"
    is_new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows(rows)


def _add_column(path: Path, name: str) -> None:
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    if name not in header.split(","):
        lines = [f"{header},{name}", *(f"{row}," for row in rows)]
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _let_the_post_answer(export: Path) -> None:
    """Put the first twelve who answered into the new unit, with an answer to its question."""
    with export.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    for row in rows[:12]:
        row[header.index("Unit kerja")] = "Pos Layanan Sabang"
        row[header.index("Bagaimana kelayakan ruang kerja di pos Anda?")] = "3"
    with export.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


@dataclass(frozen=True)
class Followed:
    """A copy of the repository with all recipes followed, and the cycle that was run there."""

    root: Path
    database: Path

    def run(self, *command: str, **told: str) -> subprocess.CompletedProcess[str]:
        own = {name: of for name, of in os.environ.items() if not name.startswith("ILK_")}
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.root,
            env=own
            | {
                "PYTHONPATH": str(self.root),
                "ILK_DATA_DIR": str(self.root / "data"),
                "ILK_LANDING_URL": str(self.root / "landing"),
                "ILK_PSEUDONYM_KEY": "a key of the tests",
                "ILK_PAGES": "false",
                "COLUMNS": "500",
                **told,
            },
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def warehouse(self, sql: str) -> list[tuple[Any, ...]]:
        path = str(self.root / "data" / "warehouse.duckdb")
        with duckdb.connect(path, read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def published(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database.resolve()), read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    root = tmp_path_factory.mktemp("recipes") / "repository"
    Tree.grown(root, root)
    shutil.rmtree(root / "seeds")
    shutil.copytree(SAMPLE_SEEDS, root / "seeds")
    landed = []
    for file, content in blocks():
        if file.startswith("landing/"):
            landed.append((file, content))
        else:
            follow(root, file, content)
    make_cycle(root / "landing", cycle_id=CYCLE, respondents=80, seed=1, seeds_dir=root / "seeds")
    for file, content in landed:
        follow(root, file, content)
    [gform] = (root / "landing" / CYCLE / "gform").iterdir()
    _let_the_post_answer(gform)
    here = Followed(root, root / "data" / "published" / "ilk.duckdb")
    ran = here.run("-m", "orchestration", "run", CYCLE)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return here


def test_a_question_about_everything_together_has_its_drivers(followed: Followed) -> None:
    [(audiences, rows, explained, r_squared, least)] = followed.published(
        "select count(distinct audience_id), count(*), sum(relative_weight), max(r_squared), "
        "min(respondent_count) from idx_drivers where weighting_mode = 'poststrat'"
    )
    [(cells,)] = followed.published(
        "select count(distinct (service_id, perspective_id)) from dim_questions "
        "where instrument_id = 'ilk-2026' and audience_id = 'individu_pegawai' "
        "and asks = 'performance'"
    )
    assert (audiences, rows) == (1, cells)
    assert explained == pytest.approx(r_squared, abs=1e-9)
    assert 0.3 < r_squared < 1
    assert least >= 10
    [(answers, scores)] = followed.warehouse(
        "select count(*) filter (where answer_status = 'valid'), count(score) "
        "from marts.fct_answers where question_id = 'keseluruhan_individu_pegawai'"
    )
    assert 0 < answers == scores


def test_a_service_group_weighs_as_much_as_its_siblings(followed: Followed) -> None:
    query = """
        select service_id, score, respondent_count from indexes.idx_scores
        where component_type = '{}' and domain_type = 'national' and weighting_mode = 'poststrat'
        order by all
    """
    services = followed.warehouse(query.format("service"))
    [(_, index, _)] = followed.warehouse(query.format("index"))
    assert [service for service, *_ in services][-1] == "ti"
    assert len(services) == 5
    assert services[-1][2] > 30
    assert index == pytest.approx(sum(score for _, score, _ in services) / 5, abs=1e-9)


def test_a_question_is_asked_where_its_profile_has_the_heading(followed: Followed) -> None:
    [(here,), (everywhere,)] = followed.warehouse(
        "select respondent_count from indexes.idx_scores where domain_type = 'national'"
        " and weighting_mode = 'none'"
        " and item_id in ('sdm_empathy_cuti', 'ti_reliability_individu_pegawai') order by item_id"
    )
    assert 10 < here < everywhere  # not msform's


def test_a_unit_level_has_its_unit_its_ratings_and_its_target(followed: Followed) -> None:
    units = followed.published(
        "select unit_id from dim_units inner join dim_unit_levels using (unit_level_id)"
        " where unit_level_id = 'pos'"
    )
    assert units == [("pos-sabang",)]
    [(target, why)] = followed.published(
        "select target_score, null_reason from idx_targets"
        " where domain_id = 'pos' and weighting_mode = 'none'"
    )
    assert (target, why) == (3.5, "too_few_children")  # one question is not much of an index
    [(score,)] = followed.warehouse(
        "select score from indexes.idx_scores where domain_type = 'provider_level'"
        " and domain_id = 'pos' and weighting_mode = 'none' and item_id = 'bmn_tangible_ruang'"
    )
    assert score == pytest.approx(3)


def test_an_index_model_is_published_and_shows_no_more_than_the_scores(followed: Followed) -> None:
    margins = followed.published(
        "select m.margin, (s.ci_high - s.ci_low) / 2, s.is_suppressed from idx_margins as m"
        " inner join idx_scores as s using (cycle_id, weighting_mode, domain_type, domain_id)"
        " where s.component_type = 'index'"
    )
    assert len(margins) > 20
    assert any(margin is not None for margin, *_ in margins)
    for margin, half, is_suppressed in margins:
        assert margin == half
        assert margin is None or not is_suppressed


def test_a_mart_is_published(followed: Followed) -> None:
    assert ("ilk-1.0", "poststrat") in followed.published(
        "select method_id, weighting_mode from dim_methods"
    )


def test_the_house_rules_have_nothing_against_the_recipes(followed: Followed) -> None:
    but = " and ".join(f"not {name}" for name in OF_THE_SAMPLE)
    rules = ["tests/test_house_rules.py", "tests/test_docs.py", "tests/test_seeds_vocabulary.py"]
    ran = followed.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *rules, "-k", but)
    assert ran.returncode == 0, ran.stdout[-4000:]


def test_another_index_is_run_from_its_own_seeds_and_another_export_is_read(
    followed: Followed,
) -> None:
    data = followed.root / "data-skm"
    ran = followed.run(
        *("-m", "orchestration", "run", "skm-2020"),
        ILK_SEEDS_DIR="examples/skm/seeds",
        ILK_DATA_DIR=str(data),
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        files = connection.execute(
            "select profile_id, sum(response_count)::int from marts.audit_reconciliation"
            " where is_accepted group by all order by all"
        ).fetchall()
        districts = connection.execute(
            "select other_demographics['district'], count(*) from marts.fct_responses"
            " group by all order by 2 desc"
        ).fetchall()
        scores = connection.execute(
            "select score from indexes.idx_scores where domain_type = 'national'"
            " and weighting_mode = 'none' and item_id = 'pengaduan'"
        ).fetchall()
    assert files == [("kertas", 2), ("skm-plain", 3)]
    assert districts == [(None, 4), ("Gubeng", 1)]
    assert scores == [(pytest.approx((3 + 3 + 4 + 3) / 4),)]
