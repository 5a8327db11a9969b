"""The rooms of the Python code: read in one direction, Dagster at its edge.

Belongs here: who may import whom, over the source. Doesn't: the rooms of models/
(test_house_rules.py), style (ruff).
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from orchestration.settings import REPOSITORY
from tests.test_house_rules import obeyed

# A room reads itself and earlier ones; a module beside the rooms is one of its own.
ROOMS = (
    # tools of all
    "project_files", "words", "durable_files", "sql_text", "keyed_hash", "engine_macros",
    "bounded_engine", "response_files", "local_disk", "log_lines", "process_environment",
    "run_lock", "pseudonyms", "survey_days", "survey_terms",
    # what comes in, how it is scored, what goes out: each knows nothing of where things lie
    "seeds", "scoring", "model_inputs", "exports", "publishing", "metadata", "sampling",
    "settings", "dagster_home",
    "expectations", "postgres", "follow_up_workbook", "sample_plan",
    # a cycle from run to run
    "cycles", "dbt_build", "sharding", "lineage", "auditing", "forgetting", "health",
    "stages",
    # what is said of it, on a terminal and to channels
    "terminal", "fieldwork", "alerts",
    "defs", "definitions", "cycle_run",
    # what a person types
    "onboarding", "serving", "verifying", "health_command", "cli", "__main__",
)  # fmt: skip
# Beside stages/, what a Dagster object may call or name.
DEFS_READ = {
    "orchestration.defs": "each other",
    "orchestration.stages": "what a run decides",
    "orchestration.alerts": "who is told what",
    "orchestration.settings": "where things lie",
    "orchestration.words": "descriptions",
    "orchestration.durable_files": "errors of files that can't be read",
    "expectations.border": "names of checks",
    "expectations.rule_words": "names of checks",
    "expectations.rules": "names of checks",
    "expectations.validation": "the shape of an outcome",
    "orchestration.seeds.survey_cycles": "partitions",
    "orchestration.exports.registry": "files as assets",
    "orchestration.exports.seed_files": "sources as assets",
    "orchestration.survey_days": "the schedule's clock",
    "orchestration.exports.sources": "sources as assets",
    "orchestration.dbt_build": "the manifest, and the shape of a node's result",
    "orchestration.log_lines": "lines of JSON from a run that Dagster started",
    "orchestration.lineage": "shapes, and the run that OpenLineage hears of",
    "orchestration.publishing.publication": "what left, as metadata",
    "orchestration.publishing.tables": "published tables as assets",
    "orchestration.publishing.specifications": "published tables as assets",
    "orchestration.publishing.reading.headline": "the headline as metadata",
    "orchestration.cycles.fingerprints": "the hash of seeds as a run's tag",
    "orchestration.run_lock": "the resource that a run holds",
    "orchestration.sharding.workplace": "what a run holds until its end",
    "orchestration.auditing.run_records": "a run's own record, from its start to its end",
}
MAX_LINES_OF_A_DEF = 45


def modules() -> list[Path]:
    return [
        path
        for name in ("orchestration", "expectations")
        for path in (REPOSITORY / name).rglob("*.py")
    ]


def room(module: str) -> str:
    first, *rest = module.split(".")
    return rest[0] if first == "orchestration" and rest else first


def imported(path: Path) -> Iterator[str]:
    """Modules of ours that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            is_package = (REPOSITORY / node.module.replace(".", "/")).is_dir()
            found = [f"{node.module}.{each.name}" for each in node.names] if is_package else []
            yield from found or [node.module]
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def of_ours(path: Path) -> list[str]:
    return [
        name for name in imported(path) if name.split(".")[0] in ("orchestration", "expectations")
    ]


def named(path: Path) -> str:
    return ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)


def test_a_room_is_read_by_later_ones_alone() -> None:
    order = {name: place for place, name in enumerate(ROOMS)}
    obeyed(
        (
            f"{named(path)} imports {found}"
            for path in modules()
            for found in of_ours(path)
            if order.get(room(found), -1) > order.get(room(named(path)), len(ROOMS))
        ),
        f"rooms are read in one direction: {' -> '.join(ROOMS)}. Move what both need into an "
        "earlier room, or hand it over as an argument",
    )
    rooms = {room(named(path)) for path in modules()} - {"__init__"}
    obeyed(
        rooms ^ order.keys(),
        "say in ROOMS after which rooms it stands (a subject's first module beside the rooms, its "
        "third in a room of their own)",
    )


def test_dagsters_objects_translate_and_decide_nothing() -> None:
    defs = sorted((REPOSITORY / "orchestration" / "defs").glob("*.py"))
    remedy = (
        "what a run decides lies in orchestration/stages, which knows no Dagster and is tested "
        "without it (tests/test_stages.py): return what came of it, and translate that here"
    )
    obeyed(
        (
            f"{path.name} imports {found}"
            for path in defs
            for found in of_ours(path)
            if not any(found == name or found.startswith(f"{name}.") for name in DEFS_READ)
        ),
        f"{remedy} (or say in DEFS_READ why it is no decision)",
    )
    functions = [
        (path.name, node)
        for path in defs
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    assert len(functions) > 20
    obeyed(
        (
            f"{name}:{node.name} has {lines} lines"
            for name, node in functions
            if (lines := (node.end_lineno or 0) - node.lineno + 1) > MAX_LINES_OF_A_DEF
        ),
        f"at most {MAX_LINES_OF_A_DEF}: {remedy}",
    )
