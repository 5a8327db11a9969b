"""The house rules of the dbt project, over its manifest: each fails with its offenders and remedy.

Belongs here: what holds for every model or dbt test whatever it computes. Doesn't: figures, the
seeds (test_seeds_vocabulary.py), what Dagster makes of the project (test_definitions.py).
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types

from orchestration.auditing.scores import DOMAINS, MIDDLES
from orchestration.dbt_build import manifest_path
from orchestration.engine_macros import EngineMacros
from orchestration.exports.headers import BLANKS
from orchestration.lineage.tables import warehouse_tables
from orchestration.lineage.tracing import parsed, qualified, sqlglot_schema
from orchestration.publishing.disclosure.cells import DisclosureError, wholes_of_domain
from orchestration.publishing.specifications import VIEWS, described
from orchestration.publishing.tables import RESPONDENT_COLUMNS, declarations, undeclared
from orchestration.seeds.seed_tables import read_seed
from orchestration.settings import REPOSITORY, get_settings
from orchestration.survey_terms import HEADLINE_ROLE
from tests.conftest import Sample

Node = dict[str, Any]

# The rooms of models/ in their order, and how the names in each begin. A room reads itself and
# earlier ones. Rooms of one storey (the first part: the schema) grow with the same thing.
ROOMS = {
    "staging": "stg",
    "design": "design",
    "people/responses": "responses",
    "people/weights": "weights",
    "people/ratings": "ratings",
    "sums/items": "sums",
    "sums": "sums",
    "figures/scores": "scores",
    "figures/comparison": "comparison",
    "figures/participation": "participation",
    "figures/disclosure": "disclosure|shown",
    "figures/ranks": "ranks",
    "figures/fieldwork": "fieldwork",
    "marts": "dim|fct|audit",
    "indexes": "idx",
    "views": "v",
}
# What people read: views may read it, nothing else may. Its names are published and don't move.
LAST = ("marts", "indexes")
MAX_MODELS = 20
# Above the line nothing reads rows of single persons, unless it speaks of persons itself.
LINE = "sums"
CONTRACTED = ("marts", "indexes", "views")
# One row a rejected answer and reason; views of weights_by_response, which has its key.
WITHOUT_A_KEY = {"audit_rejections", "fct_answers", "fct_responses"}
# Only these may look at which files are there now; all else must follow from the rows they hold.
READS_THE_REGISTRY = {
    "stg_raw__survey_responses",
    "stg_raw__staff_frame",
    "responses_answered",
    "sums_files",
    "audit_rejections",
    "audit_schema_drift",
}
MAX_LINES, MAX_COMPILED_LINES = 100, 600
LONGER = {
    "responses_answered": "translated, routed and counted, each over the same generated columns",
    "sums_item_answers": "who was asked which question, and how it was answered, in one pass",
    "sums_domain_routes": "who speaks for each type of domain, one select each",
    "responses_judged": "the order of the reasons of rejection is one list, read in one place",
    "responses_read": "one translation an attribute, three of which need a case of their own",
    "disclosure_cells": "all that is judged of a cell, and how each class of weight counts in it",
    "scores_with_errors": "seven parts joined, then error, interval and band in turn",
    "shown_changes": "the two sides of a change, each with its own tree and cell",
    "fieldwork_response_cells": "who is told with whom, for whom they speak, what divides them",
    "fieldwork_representativeness": "rates of all groups, what chance adds, wholes and their parts",
    "fieldwork_plan_basis": "cycle, frame, spread and rate that stand in for each other, in turn",
    "fct_sample_plan": "the sizes of four kinds of scope by one formula, in rounds",
    "dim_domains": "what each kind of domain is called, and is a part of, is said in one place",
    "v_service_perspective": "the names of five dimensions, and why each cell of the grid is empty",
    "shown_scores": "rounding, interval and band of what is shown, hidden rows and middles",
}


@pytest.fixture(scope="session")
def manifest() -> Node:
    """dbt's manifest of the project as it lies on disk."""
    found: Node = json.loads(manifest_path(get_settings()).read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def models(manifest: Node) -> list[Node]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


@pytest.fixture(scope="session")
def sql_models(models: list[Node]) -> list[Node]:
    return [node for node in models if node["language"] == "sql"]


@pytest.fixture(scope="session")
def singular_tests(manifest: Node) -> list[Node]:
    return [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and "test_metadata" not in node
    ]


def obeyed(offenders: Iterable[object], remedy: str) -> None:
    """Fail with what breaks the rule, and what to do about it."""
    listed = sorted(str(offender) for offender in offenders)
    assert not listed, f"{', '.join(listed)}: {remedy}"


def room(node: Node) -> str:
    return "/".join(node["fqn"][1:-1])


def sql(model: Node) -> str:
    """A model's SQL without Jinja and comments, which may hold anything."""
    without_jinja = re.sub(r"{{.*?}}|{%.*?%}|{#.*?#}", "", model["raw_code"], flags=re.S)
    return re.sub(r"--.*", "", without_jinja)


def test_a_model_lies_in_a_room_and_bears_its_name(models: list[Node]) -> None:
    obeyed(
        (
            f"{room(node)}/{node['name']}"
            for node in models
            if not re.fullmatch(rf"({ROOMS.get(room(node), '(?!)')})_[a-z0-9_]+", node["name"])
        ),
        f"put it into a room, under a name that begins as there: {ROOMS}",
    )


def test_model_relation_and_schema_bear_one_name(models: list[Node]) -> None:
    obeyed(
        (
            node["name"]
            for node in models
            if (node["alias"], node["schema"]) != (node["name"], room(node).split("/")[0])
        ),
        "drop its alias and schema: relation = file, schema = storey (dbt_project.yml)",
    )


def test_a_room_is_read_by_itself_and_later_ones(manifest: Node, models: list[Node]) -> None:
    order = [*ROOMS]

    def is_allowed(reader: Node, parent: str) -> bool:
        kind = parent.split(".")[0]
        if kind != "model":
            return room(reader) == "staging" or (kind == "seed" and room(reader) != "views")
        read = room(manifest["nodes"][parent])
        if read in LAST or room(reader) == "views":
            return read in LAST and room(reader) == "views"
        if read == "staging" and room(reader) == "indexes":
            return False
        return order.index(read) <= order.index(room(reader))

    obeyed(
        (
            f"{room(node)}/{node['name']} reads {parent.split('.')[-1]}"
            for node in models
            for parent in node["depends_on"]["nodes"]
            if not is_allowed(node, parent)
        ),
        f"models are read in one direction: {' -> '.join(order)}. Staging alone reads sources, "
        "indexes no staging, marts and indexes are read by views alone. Read the model that holds "
        "the same rows in an earlier room, or move what both need down into one",
    )


def test_nothing_above_the_sums_reads_a_person(manifest: Node, models: list[Node]) -> None:
    order = [*ROOMS]
    personal = {node["unique_id"] for node in models if "personal_data" in node["config"]["tags"]}
    readers = {
        node["name"]: [
            manifest["nodes"][parent]["name"]
            for parent in node["depends_on"]["nodes"]
            if parent in personal
        ]
        for node in models
        if order.index(room(node)) > order.index(LINE) and node["unique_id"] not in personal
    }
    obeyed(
        (f"{name} reads {', '.join(read)}" for name, read in readers.items() if read),
        "rows of single persons grow with respondents, figures don't: let a table of sums/ add up "
        "what it needs (counts, sums, sums of products by domain, stratum and weight cell; whole "
        "numbers, so that shards of people add up to the same), and read that",
    )


def test_a_room_is_small_enough_to_know(models: list[Node]) -> None:
    counts = Counter(room(node) for node in models if room(node) not in LAST)
    obeyed(
        (f"{name}: {count} models" for name, count in counts.items() if count > MAX_MODELS),
        f"a room holds at most {MAX_MODELS} models: merge those with one reader, or divide it by "
        "subject (ROOMS, dbt_project.yml, the table in CONTRIBUTING.md)",
    )


def test_scores_know_nothing_of_files(models: list[Node]) -> None:
    readers = {
        node["name"]
        for node in models
        if "model.ilk.stg_raw__export_files" in node["depends_on"]["nodes"]
    }
    obeyed(
        readers - READS_THE_REGISTRY,
        "the registry of files is read where responses enter and where they are accounted for; "
        "take what you need from weights_by_response",
    )


def test_the_public_layers_are_under_contract(models: list[Node]) -> None:
    obeyed(
        (
            node["name"]
            for node in models
            if room(node) in CONTRACTED and not node["config"]["contract"]["enforced"]
        ),
        "marts and indexes are what others read: leave their contract enforced",
    )


def test_every_model_says_its_grain_first(models: list[Node]) -> None:
    obeyed(
        (node["name"] for node in models if not node["description"].startswith("One row per ")),
        "begin its description with 'One row per ...', then when to use it and when not",
    )


def test_every_column_is_described(models: list[Node]) -> None:
    obeyed(
        (
            f"{node['name']}.{column['name']}"
            for node in models
            for column in node["columns"].values()
            if not column["description"] or (room(node) in CONTRACTED and not column["data_type"])
        ),
        "describe it (unit, range, what NULL means); with data_type in marts and indexes",
    )


def test_one_yaml_lies_beside_each_model(models: list[Node]) -> None:
    obeyed(
        (
            node["name"]
            for node in models
            if (node["patch_path"] or "").removeprefix("ilk://")
            != str(Path(node["original_file_path"]).with_suffix(".yml"))
        ),
        "describe it in a YAML of its name beside it, and nothing else there",
    )


def test_a_model_is_short_or_says_why_not(models: list[Node]) -> None:
    lines = {node["name"]: len(node["raw_code"].splitlines()) for node in models}
    long = {name for name, count in lines.items() if count > MAX_LINES}
    obeyed(long - set(LONGER), f"a model over {MAX_LINES} lines is two models: cut it")
    obeyed(set(LONGER) - long, "is short (or gone) now: take it off LONGER")


def test_a_model_is_short_when_compiled_too(sample: Sample) -> None:
    compiled = sample.settings.dbt_target_dir / "compiled" / "models"
    lines = {
        file.stem: len(file.read_text(encoding="utf-8").splitlines())
        for file in compiled.rglob("*.sql")
        if file.parent.suffix != ".yml"
    }
    assert len(lines) > 50
    obeyed(
        (f"{name}: {count} lines" for name, count in lines.items() if count > MAX_COMPILED_LINES),
        f"SQL of over {MAX_COMPILED_LINES} lines is read by nobody: say once what holds for many "
        "columns (macro answer_columns), keep what is many as rows, or add up in a Python model",
    )


def test_a_python_model_reads_calls_and_returns(models: list[Node]) -> None:
    obeyed(
        (
            f"{node['name']}: {found.group().strip()}"
            for node in models
            if node["language"] == "python"
            for found in re.finditer(
                r"^(import|from) (?!typing\b|pyarrow\b|orchestration\.).*"
                r"|\.(filter|project|order|join|df|fetch\w*|sql|execute|to_\w+)\(|\bsession\.\w+|environ",
                node["raw_code"],
                flags=re.M,
            )
        ),
        "read by orchestration/model_inputs.py, and call one function of plain tables and values: "
        "it then serves rows of another machine as well, and is tested without a warehouse",
    )
    functions = (REPOSITORY / "orchestration" / "scoring").rglob("*.py")
    obeyed(
        (
            f"{path.name}: {found.group()}"
            for path in functions
            for found in re.finditer(
                r"^(import|from) (os|duckdb|dbt|orchestration\.(settings|model_inputs))\b.*",
                path.read_text(encoding="utf-8"),
                flags=re.M,
            )
        ),
        "what Python models call takes tables and values: no environment, no warehouse",
    )


def test_a_model_ends_with_its_final_cte(sql_models: list[Node]) -> None:
    obeyed(
        (
            node["name"]
            for node in sql_models
            if not sql(node).strip().endswith("select * from final")
        ),
        "with -> import CTEs -> one job a CTE -> final -> select * from final",
    )


def test_sql_is_lowercase_and_quotes_no_identifier(sql_models: list[Node]) -> None:
    obeyed(
        (
            f"{node['name']}: {found.group()}"
            for node in sql_models
            for found in re.finditer(r'\b(SELECT|FROM|WHERE|JOIN|AND|AS)\b|"[^"]*"', sql(node))
        ),
        "write SQL in lowercase; Spark reads a quoted identifier as a text",
    )


def test_no_score_is_made_up(sql_models: list[Node]) -> None:
    obeyed(
        (
            f"{node['name']}: {found.group()}"
            for node in sql_models
            for found in re.finditer(r"coalesce\(\s*(\w+\.)?\w*score(_100)?\s*,", sql(node))
        ),
        "missing is not zero: leave a score NULL and name the reason",
    )


def test_no_sum_depends_on_the_order_of_its_rows(sample: Sample) -> None:
    schema = sqlglot_schema(warehouse_tables(sample.settings.warehouse))
    compiled = [
        file
        for file in (sample.settings.dbt_target_dir / "compiled" / "models").rglob("*.sql")
        if file.parent.suffix != ".yml"
    ]
    added_up = [
        (file.stem, found.this)
        for file in compiled
        for found in annotate_types(
            qualified(parsed(file.read_text(encoding="utf-8")), schema),
            schema=schema,
            dialect="duckdb",
        ).find_all(exp.Sum, exp.Avg)
    ]
    assert len({model for model, _ in added_up}) > 20
    obeyed(
        (
            f"{model}: {of.sql('duckdb')} ({of.type})"
            for model, of in added_up
            if not of.is_type(*exp.DataType.INTEGER_TYPES, exp.DataType.Type.DECIMAL)
        ),
        "threads add doubles in another order each time: macro stable_sum (macros/engine.sql)",
    )


def test_what_is_kept_for_each_cycle_names_its_cycle(models: list[Node]) -> None:
    obeyed(
        (
            node["name"]
            for node in models
            if node["config"]["materialized"] == "cycle_part" and "cycle_id" not in node["columns"]
        ),
        "what is kept for each cycle is replaced by its cycle_id (macros/materializations.sql)",
    )


def test_no_model_is_made_as_dbts_incremental(models: list[Node]) -> None:
    obeyed(
        (node["name"] for node in models if node["config"]["materialized"] == "incremental"),
        "dbt-duckdb's would add this cycle's rows to those of its last run: {{ by_cycle() }}, or "
        "materialized: cycle_part in a Python model's YAML",
    )


def test_a_table_that_others_read_says_its_key(models: list[Node]) -> None:
    obeyed(
        (
            node["name"]
            for node in models
            if room(node) in CONTRACTED
            and node["name"] not in WITHOUT_A_KEY
            and not (node["config"]["unique_key"] or node["config"]["meta"].get("key"))
        ),
        "config: unique_key: [...] in its YAML: what tells its rows apart, held as it is written",
    )


def test_what_one_row_must_obey_is_a_constraint(manifest: Node) -> None:
    obeyed(
        (
            node["name"]
            for node in manifest["nodes"].values()
            if node.get("test_metadata", {}).get("name")
            in {"not_null", "accepted_values", "unique"}
        ),
        "put it under constraints (or unique_key): no such row is ever written",
    )


def test_the_warehouse_holds_every_constraint(models: list[Node], sample: Sample) -> None:
    with duckdb.connect(sample.settings.warehouse, read_only=True) as connection:
        held = dict(
            connection.execute(
                "select table_name, count(*) from duckdb_constraints() group by table_name"
            ).fetchall()
        )
    written = {
        node["name"]: sum(len(column["constraints"]) for column in node["columns"].values())
        for node in models
        if node["config"]["contract"]["enforced"] and node["config"]["materialized"] != "view"
    }
    assert held == {name: count for name, count in written.items() if count}


def test_a_singular_test_is_named_for_its_claim_and_tells_the_harm(
    singular_tests: list[Node],
) -> None:
    obeyed(
        (
            node["name"]
            for node in singular_tests
            if not node["name"].startswith("assert_")
            or " means that " not in re.sub(r"\s*\n-- ", " ", node["raw_code"].split("\n\n")[0])
        ),
        "name it assert_<claim>, and open with a comment: what must hold, and 'A difference means "
        "that ...'",
    )


def test_every_public_model_says_whether_and_how_it_is_published(manifest: Node) -> None:
    obeyed(
        undeclared(manifest),
        "say in its YAML what stands behind its rows and how it is hidden, config: meta: "
        "published: (orchestration/publishing/tables.py); until then it is not published",
    )
    obeyed(
        (
            f"{table.name} {fault}"
            for table in declarations(manifest).values()
            for fault in table.faults
        ),
        "mend config: meta: published: in its YAML (orchestration/publishing/tables.py)",
    )


def test_a_view_is_read_by_every_database_that_holds_the_published_tables(
    manifest: Node, models: list[Node]
) -> None:
    published = {f"model.ilk.{name}" for name in declarations(manifest)}
    views = [node for node in models if room(node) == VIEWS]
    assert views
    obeyed(
        (
            f"{node['name']}: {found}"
            for node in views
            for found in [
                *({*node["depends_on"]["nodes"]} - published),
                *re.findall(r"{%.*?%}|{{(?! ref\('\w+'\) }}).*?}}", node["raw_code"], flags=re.S),
                *re.findall(
                    r",\s*(?=\)|\bfrom\b)|\b(?:exclude|replace|qualify|if)\b|\["
                    r"|\b(?:group|order) by all\b|\bby name\b",
                    sql(node),
                ),
            ]
        ),
        "read published tables alone, by {{ ref('...') }} and no other Jinja, in SQL of DuckDB 1.2 "
        "and PostgreSQL: no trailing comma, exclude, qualify, group by all, list",
    )


def test_each_shape_of_the_publication_is_an_exposure_of_all_its_tables_and_each_tool_of_its_views(
    manifest: Node,
) -> None:
    published = {f"model.ilk.{name}": table.view for name, table in described(manifest).items()}
    assert manifest["exposures"], "models/_exposures.yml says who reads the publication"
    for exposure in manifest["exposures"].values():
        is_tool = exposure["type"] == "dashboard"
        read = {name for name, view in published.items() if view or not is_tool}
        obeyed(
            read ^ set(exposure["depends_on"]["nodes"]),
            "list the published tables and views (a dashboard: the views), no other, in "
            f"models/_exposures.yml: {exposure['name']}",
        )


def test_tests_stand_on_their_own_seeds_but_for_what_any_team_must_keep() -> None:
    of_any_team = {"test_seeds_vocabulary.py", "test_house_rules.py"}
    obeyed(
        (
            str(path.relative_to(REPOSITORY))
            for path in (REPOSITORY / "tests").rglob("*.py")
            if path.name not in of_any_team
            and re.search(r'(REPOSITORY|ROOT|parents\[\d\]) / "seeds"', path.read_text("utf-8"))
        ),
        "seeds/ is what a team edits: take SAMPLE_SEEDS of tests/conftest.py",
    )


def test_every_seed_and_source_is_described_with_its_columns(manifest: Node) -> None:
    seeds = [node for node in manifest["nodes"].values() if node["resource_type"] == "seed"]
    headers = {
        seed["name"]: read_seed(REPOSITORY / "seeds" / f"{seed['name']}.csv").header
        for seed in seeds
    }
    obeyed(
        (
            f"{node['name']}.{column}"
            for node in [*seeds, *manifest["sources"].values()]
            for column in ["description", *headers.get(node["name"], node["columns"])]
            if not (node if column == "description" else node["columns"].get(column, {})).get(
                "description"
            )
        ),
        "describe it in models/_seeds.yml or models/staging/_sources.yml",
    )


def test_a_model_that_speaks_of_persons_is_tagged_so(models: list[Node]) -> None:
    personal = {node["name"] for node in models if {*RESPONDENT_COLUMNS} & {*node["columns"]}}
    tagged = {node["name"] for node in models if "personal_data" in node["config"]["tags"]}
    obeyed(personal ^ tagged, "rows of single persons: config: {tags: [personal_data]}, others not")


# What a copy of a fact looks like, the files that may hold it, and where the fact stands.
_FACTS = {
    "the headline role": (
        r"""['"]penerima['"]""",
        # A view is read by other databases; the sample makes up people of each role.
        {"models/views/v_participation.sql", "orchestration/sampling/population.py"},
        "HEADLINE_ROLE of orchestration/survey_terms.py, macro headline_role",
    ),
    "the demographics": (
        r"\bage_group\b\W+(?:responses\.)?\brank_group\b",
        {"models/marts/fct_responses.sql"},  # its columns
        "demographic_names of orchestration/seeds/demographics.py, macro demographic_names",
    ),
    "the attributes": (
        r"\brespondent_identifier\b\W+\bsubmitted_at\b",
        set(),
        "ATTRIBUTES of orchestration/survey_terms.py, macro attribute_names",
    ),
    "variables of the dbt project": (
        r"""\[["']vars["']\]""",
        {"orchestration/survey_terms.py"},
        "orchestration/survey_terms.py",
    ),
    "what cells are trimmed of": (
        r"chr\(160\)|\\u00a0\\t|00A0\}*\\t",
        {"dbt_project/macros/engine.sql", "orchestration/exports/headers.py"},
        "macro trim_blanks (orchestration/engine_macros.py calls it), BLANKS of exports/headers.py",
    ),
    "the keyed hash in SQL": (
        r"unhex\(\s*sha256",
        {"dbt_project/macros/engine.sql"},
        "macro keyed_hash (orchestration/engine_macros.py calls it)",
    ),
    "reading a seed": (
        r"csv\.(?:reader|DictReader)\(",
        {"orchestration/seeds/seed_tables.py", "orchestration/exports/erasure.py",
         "orchestration/exports/sniffing.py"},
        "read_seed of orchestration/seeds/seed_tables.py",
    ),
    "a file that is whole or not there": (
        r"os\.replace\(|\.replace\(path\)",
        # Under the name of its hash, and with a lock that is held while it is unseen.
        {"orchestration/durable_files.py", "orchestration/exports/store.py",
         "orchestration/run_lock.py"},
        "whole_file of orchestration/durable_files.py",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fact", _FACTS)
def test_each_fact_stands_in_one_place(fact: str) -> None:
    pattern, holders, place = _FACTS[fact]
    folders = ("orchestration", "expectations", "models", "dbt_project/macros", "dbt_project/tests")
    code = [
        path
        for folder in folders
        for suffix in ("py", "sql")
        for path in (REPOSITORY / folder).rglob(f"*.{suffix}")
    ]
    names = {path.relative_to(REPOSITORY).as_posix() for path in code
             if re.search(pattern, path.read_text(encoding="utf-8"))}  # fmt: skip
    assert holders <= names, f"{fact}: no copy is there any more, take it out of the list"
    obeyed(names - holders, f"{fact}: take it from {place}")


def test_each_domain_type_is_named_audited_and_knows_what_it_is_a_part_of() -> None:
    macro = (REPOSITORY / "dbt_project" / "macros" / "domain_types.sql").read_text(encoding="utf-8")
    assert set(re.findall(r"^ +\('(\w+)', '", macro, flags=re.M)) == {*DOMAINS, *MIDDLES}
    for kind in (*DOMAINS, "education"):
        domain = kind, "u" if kind == "provider_unit" else "a|b>c"
        assert isinstance(wholes_of_domain(domain, {"u": ("r", "l")}, ["education"]), list)
    with pytest.raises(DisclosureError, match="doesn't know"):
        wholes_of_domain(("education", "sma"), {}, ["gender"])


def test_what_python_and_sql_trim_and_call_the_headline_is_the_same() -> None:
    trimmed = EngineMacros().trim_blanks("?")
    for blank in (*BLANKS, "\u2003", "\x0b"):
        [(found,)] = duckdb.sql(f"select {trimmed}", params=[f"{blank}a{blank}"]).fetchall()
        assert found == f"{blank}a{blank}".strip(BLANKS)
    view = (REPOSITORY / "models" / "views" / "v_participation.sql").read_text(encoding="utf-8")
    assert set(re.findall(r"role_id = '(\w+)'", view)) == {HEADLINE_ROLE}
