"""Demographics as rows: one more than an ILK asks, from its seed to the pages' tables.

Belongs here: a cycle with education, the guard over what its respondents say of themselves, ids
that the warehouse has for itself. Doesn't: the rule of hiding
(publishing/test_disclosure_control.py).
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml

from expectations.seeds import contradictions
from orchestration.auditing.opening import audited
from orchestration.auditing.scores import Question, ScoreTrace
from orchestration.auditing.tree import Component
from orchestration.publishing.standing import ShownAnswers
from orchestration.seeds.demographics import attributes, demographic_names
from orchestration.settings import REPOSITORY, Settings
from tests.privacy.attacker.known import read_known
from tests.small_cycle import KEY, SmallCycle

HEADER = "id,Waktu,NIP,Unit,Q1,Q2,Pendidikan"
LEVELS = ["SMA"] * 40 + ["S1"] * 15 + ["SMP"] * 4
DEMOGRAPHICS = ("demographic_id,name_id,name_en,sort_order", "education,Pendidikan,Education,1")


def answers(levels: list[str]) -> Iterator[str]:
    for number, level in enumerate(levels, start=1):
        unit, rated = "AB"[number % 2], (1 + number % 4, 1 + number // 4 % 4)
        yield f"{number},2025-10-02 08:00:{number:02},,{unit},{rated[0]},{rated[1]},{level}"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> SmallCycle:
    """A cycle of which 40 finished SMA, 15 have S1 and 4 SMP: no four demographics of an ILK."""
    small = SmallCycle(tmp_path_factory.mktemp("demographics"))
    small.seed("demographics", *DEMOGRAPHICS)
    small.seed("code_lists", "code_list_id,source_value,code,lower_bound",
               "pendidikan,SMA,sma,", "pendidikan,S1,s1,", "pendidikan,SMP,smp,")  # fmt: skip
    small.seed("export_codes", "profile_id,target,source_value,code,code_list_id",
               "p,education,,,pendidikan")  # fmt: skip
    small.add("export_columns", "p,Pendidikan,attribute,education")
    small.drop("c1/p/a.csv", answers(LEVELS), header=HEADER)
    ran = small.run("c1")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return small


def test_a_demographic_of_the_seed_is_a_domain_type_with_its_names(asked: SmallCycle):
    kinds = asked.published(
        "select domain_type, name_id, name_en from dim_domain_types order by sort_order"
    )
    assert ("education", "Pendidikan", "Education") in kinds
    assert [kind for kind, *_ in kinds].index("education") == 9
    assert not {"gender", "age_group"} & {kind for kind, *_ in kinds}


def test_its_small_group_is_hidden_and_the_next_one_to_protect_it(asked: SmallCycle):
    hidden = asked.warehouse(
        "select domain_id, reason from figures.disclosure_hidden_cells"
        " where domain_type = 'education' and component_type = 'index' order by all"
    )
    assert hidden == [("s1", "complement"), ("smp", "small")]
    shown = "select distinct domain_id from {} where domain_type = 'education'"
    for table in ("idx_scores", "dim_domains"):
        assert asked.published(shown.format(table)) == [("sma",)], table
    [(score, count, is_suppressed)] = asked.published(
        "select score, respondent_count, is_suppressed from idx_scores where"
        " domain_type = 'education' and component_type = 'index'"
    )
    assert (score is not None, count, is_suppressed) == (True, 40, False)
    assert asked.published(
        "select distinct member_count from idx_evenness where between = 'education'"
    ) == [(1,)]


def test_a_response_has_it_beside_the_four_columns(asked: SmallCycle):
    assert asked.warehouse(
        "select gender, age_group, other_demographics['education'], count(*)"
        " from marts.fct_responses group by all order by 4"
    ) == [(None, None, "smp", 4), (None, None, "s1", 15), (None, None, "sma", 40)]


def test_its_scores_are_traced_and_the_attacker_knows_its_groups(asked: SmallCycle):
    settings = Settings(data_dir=asked.data, seeds_dir=asked.seeds, pseudonym_key=KEY)
    with audited(settings, "c1") as connection:
        question = Question("c1", "none", "education", "sma", Component.named("index"))
        found = ScoreTrace(connection, settings, question).verdicts()
    assert [(each.domain_id, each.holds) for each in found] == [("sma", True)]
    known = read_known(asked.data / "warehouse.duckdb")["c1"]
    assert known.demographics == ("education",)
    assert known.kinds["education"].domain_ids == ("s1", "sma", "smp")


def test_the_guard_sees_a_person_who_differs_in_it_alone(asked: SmallCycle, tmp_path: Path):
    memory = ShownAnswers(asked.data)

    def differing(change: str) -> list[int]:
        with duckdb.connect() as connection:
            connection.execute(
                f"attach '{asked.data}/warehouse.duckdb' as built (read_only);"
                "attach ':memory:' as warehouse; create schema warehouse.people;"
                "create table warehouse.people.ratings_contributions as"
                " from built.people.ratings_contributions;"
                f"update warehouse.people.ratings_contributions set {change}"
            )
            return memory.differing(connection, "c1")

    one = "case when _source_row = 2 then {} else other_demographics end"
    assert differing("cycle_id = cycle_id") == [0, 0]
    assert differing("other_demographics = " + one.format("' education=s1'")) == [0, 1]
    # One demographic more makes everybody differ; who left is seen all the same.
    everybody = "other_demographics = other_demographics || ' occupation=lain'"
    assert differing(everybody) == [0, len(LEVELS)]
    left = ", cycle_id = case when _source_row = 2 then 'another' else cycle_id end"
    assert differing(everybody + left) == [1, len(LEVELS)]


def test_without_the_seed_there_are_the_four_of_an_ilk(tmp_path: Path):
    assert demographic_names(tmp_path) == ("gender", "age_group", "rank_group", "tenure_group")
    (tmp_path / "demographics.csv").write_text("\n".join(DEMOGRAPHICS), encoding="utf-8")
    assert demographic_names(tmp_path) == ("education",)
    assert {"gender", "education"} <= {*attributes(tmp_path)}
    assert "age_group" not in attributes(tmp_path)


def names_of_the_warehouse() -> set[str]:
    """Columns beside which a demographic stands, comparisons of evenness, domain types."""
    found = {"regions", "units", "units_upt", "rating_1", "answer_1", "is_level_2", "hears_1"}
    for path in (REPOSITORY / "models" / "people").rglob("*.yml"):
        [model] = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
        if "personal_data" in model.get("config", {}).get("tags", ()):
            found |= {column["name"] for column in model["columns"]}
    macro = (REPOSITORY / "dbt_project" / "macros" / "domain_types.sql").read_text(encoding="utf-8")
    return found | {
        line.split("'")[1] for line in macro.splitlines() if "('" in line and "ref(" not in line
    }


def test_no_demographic_takes_a_name_that_the_warehouse_has_for_itself(tmp_path: Path):
    seeds = tmp_path / "seeds"
    shutil.copytree(REPOSITORY / "examples" / "skm" / "seeds", seeds)
    taken = sorted(names_of_the_warehouse() - {"gender", "answers"})
    rows = [f"{name},Nama,Name,{place}" for place, name in enumerate(taken)]
    (seeds / "demographics.csv").write_text("\n".join([DEMOGRAPHICS[0], *rows]), encoding="utf-8")
    refused = {each.line for each in contradictions(seeds)
               if each.rule in ("demographics_have_names_of_their_own",
                                "demographics_are_column_names")}  # fmt: skip
    assert [name for line, name in enumerate(taken, start=2) if line not in refused] == []


@pytest.mark.parametrize("name", ["order", "Pendidikan", "1_pendidikan", "tingkat pendidikan"])
def test_a_demographic_that_can_name_no_column_is_refused_in_both_languages(
    tmp_path: Path, name: str
):
    seeds = tmp_path / "seeds"
    shutil.copytree(REPOSITORY / "examples" / "skm" / "seeds", seeds)
    with (seeds / "demographics.csv").open("a", encoding="utf-8") as file:
        file.write(f"{name},Nama,Name,5\n")
    [found] = [each for each in contradictions(seeds) if each.seed == "demographics"]
    assert found.rule == "demographics_are_column_names"
    assert "lower-case letters" in found.text.en and "huruf kecil" in found.text.id


def test_an_id_stands_in_one_row(tmp_path: Path):
    seeds = tmp_path / "seeds"
    shutil.copytree(REPOSITORY / "examples" / "skm" / "seeds", seeds)
    with (seeds / "demographics.csv").open("a", encoding="utf-8") as file:
        file.write("education,Pendidikan,Education,5\n")
    assert {each.rule for each in contradictions(seeds)} == {"demographics_are_unique"}
