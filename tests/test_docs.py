"""The documentation is tested: what it must describe has its place, and what it names exists.

Belongs here: README.md, CONTRIBUTING.md and docs/ against code and models. Doesn't: style.
"""

import re
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from orchestration.cli import app
from orchestration.settings import REPOSITORY, Settings

PAGES = sorted([REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md"]) + sorted(
    (REPOSITORY / "docs").glob("*.md")
)
page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


def text(path: str | Path) -> str:
    return (REPOSITORY / path).read_text(encoding="utf-8")


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def headings(markdown: str) -> list[str]:
    return re.findall(r"^#+ +(.+)$", re.sub(r"```.*?```", "", markdown, flags=re.S), flags=re.M)


def test_every_method_parameter_has_its_row_with_its_default() -> None:
    project = yaml.safe_load(text("dbt_project/dbt_project.yml"))
    table = text("docs/method.md").split("\n## Parameters\n")[1]
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", table, flags=re.M))
    documented = {name: float(default) for name, default in rows.items()}
    assert documented == project["vars"]["method_parameter_defaults"], (
        "the table Parameters of docs/method.md and method_parameter_defaults differ: mend one"
    )


def test_every_table_has_its_heading() -> None:
    tables = {
        path.stem
        for layer in ("marts", "indexes", "views")
        for path in (REPOSITORY / "models" / layer).glob("[!_]*.yml")
    }
    documented = {
        heading for heading in headings(text("docs/tables.md")) if re.search("_", heading)
    }
    assert documented == tables, "give each table and view a heading in docs/tables.md"


def test_every_setting_is_documented() -> None:
    settings = {
        str(setting.validation_alias or f"ILK_{name}".upper())
        for name, setting in Settings.model_fields.items()
    }
    documented = set(
        re.findall(r"^\| `((?:ILK|OPENLINEAGE)_\w+)` \|", text("docs/operations.md"), flags=re.M)
    )
    assert documented == settings, "one row a setting in docs/operations.md, Settings"


@page
def test_every_variable_named_is_read_somewhere(page: Path) -> None:
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("orchestration", "dbt_project", "models", "deploy")
        for path in (REPOSITORY / folder).rglob("*")
        if path.suffix in {".py", ".sql", ".yml", ".sh"}
    )
    settings = {f"ILK_{name}".upper() for name in Settings.model_fields}
    unknown = {
        name
        for name in re.findall(r"\bILK_[A-Z_]+\b", page.read_text(encoding="utf-8"))
        if name not in settings and name not in code
    }
    assert not unknown, f"{page.name} names variables that nothing reads: {sorted(unknown)}"


@page
def test_every_make_target_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", text("Makefile"), flags=re.M))
    named = set(re.findall(r"(?:^|`)make ([a-z][\w-]*)", page.read_text("utf-8"), flags=re.M))
    assert named <= targets, f"{page.name} names targets that the Makefile lacks"


@page
def test_every_ilk_command_named_exists(page: Path) -> None:
    commands = get_command(app).commands
    markdown = page.read_text(encoding="utf-8")
    assert "uv run" not in markdown, f"{page.name}: ./ilk works without uv"
    for name, rest in re.findall(r"\./ilk ([\w-]+)([^\n`#]*)", markdown):
        assert name in commands, f"{page.name}: ilk has no command {name}"
        command = commands[name]
        if below := getattr(command, "commands", None):  # such as `ilk profile new`
            name = rest.split()[0]
            assert name in below, f"{page.name}: ilk has no command {command.name} {name}"
            command = below[name]
        known = {option for parameter in command.params for option in parameter.opts}
        unknown = set(re.findall(r"--[\w-]+", rest)) - known
        assert not unknown, f"{page.name}: ilk {name} has no {sorted(unknown)}"


@page
def test_every_link_leads_somewhere(page: Path) -> None:
    markdown = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", markdown):
        if target.startswith("https://"):
            continue
        name, _, fragment = target.partition("#")
        found = (page.parent / name).resolve() if name else page
        assert found.exists(), f"{page.name} links to {target}, which is not there"
        if fragment:
            anchors = {anchor(heading) for heading in headings(found.read_text(encoding="utf-8"))}
            assert fragment in anchors, f"{page.name}: {name} has no heading #{fragment}"


def test_every_place_the_method_names_exists() -> None:
    """The table 'Where each formula is, and what proves it': models, macros, files and tests."""
    section = text("docs/method.md").split("## Where each formula is")[1].split("\n## ")[0]
    models = {path.stem for path in (REPOSITORY / "models").rglob("[!_]*.yml")}
    macros = set(
        re.findall(
            r"{% macro (\w+)",
            "".join(text(path) for path in (REPOSITORY / "dbt_project/macros").glob("*.sql")),
        )
    )
    claims = {path.stem for path in (REPOSITORY / "dbt_project/tests").glob("*.sql")}
    files = {path.name for path in (REPOSITORY / "orchestration/publishing").glob("*.py")}
    worked_by_hand = {
        path.stem
        for path in (REPOSITORY / "models").rglob("[!_]*.yml")
        if "\nunit_tests:" in path.read_text(encoding="utf-8")
    }
    for row in re.findall(r"^\| [^|]+ \| ([^|]+) \| ([^|]*) \|$", section, flags=re.M)[1:]:
        for name in re.findall(r"`([^`]+)`", row[0]):
            assert name in models | macros | files or (REPOSITORY / name).is_file(), name
        proofs = row[1].strip().split(", ")
        for name in proofs:
            assert name in claims or (REPOSITORY / name).is_file(), f"{row[0]}: no proof '{name}'"
        if "tests/test_unit_tests.py" in proofs:
            has_unit_test = worked_by_hand & set(re.findall(r"`([^`]+)`", row[0]))
            assert has_unit_test, f"none of {row[0]} has a dbt unit test"
