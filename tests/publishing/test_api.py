"""The static API: every file says what the published tables say, and its document names every file.

Belongs here: files against the database they are made of. Doesn't: which figures are published.
"""

import csv
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from orchestration.dbt_build import manifest_path
from orchestration.durable_files import OutsidePathError
from orchestration.publishing.api.document import rows_of_a_unit, told
from orchestration.publishing.api.files import write_api
from orchestration.publishing.specifications import TableSpec, read_described, specifications
from tests.conftest import Sample

WRITTEN_BESIDE = {"openapi.json", "README.txt"}


@dataclass(frozen=True)
class Api:
    """The files, and the database they are made of."""

    folder: Path
    connection: duckdb.DuckDBPyConnection
    specs: dict[str, TableSpec]

    def json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def rows(self, table: str, where: str = "true", step: int = 1) -> list[list[Any]]:
        """The rows of a table as JSON writes them, in their order; every `step`th alone."""
        found = self.connection.execute(
            f'select * from "{table}" where {where} order by all'
        ).fetchall()
        return [[as_json(cell) for cell in row] for row in found[::step]]

    def count(self, table: str, where: str = "true") -> int:
        ((count,),) = self.connection.execute(
            f'select count(*) from "{table}" where {where}'
        ).fetchall()
        return int(count)

    @property
    def paths(self) -> set[str]:
        """The files that the document names."""
        named = set()
        for path, item in self.json("openapi.json")["paths"].items():
            [ids] = [each["schema"]["enum"] for each in item.get("parameters", [])] or [[""]]
            named |= {path.removeprefix("/").replace("{unit_id}", each) for each in ids}
        return named


def as_json(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="microseconds") + "Z"
    return cell.isoformat() if isinstance(cell, date) else cell


def written(sample: Sample, database: Path, folder: Path) -> Api:
    known = read_described(manifest_path(sample.settings))
    connection = duckdb.connect(str(database), read_only=True)
    specs = specifications(known, connection)
    assert len(specs) == len(told(specs)) + 2, "a view that is left out has another name now"
    write_api(connection, folder, specs, publication_id="abc")
    return Api(folder, connection, told(specs))


@pytest.fixture(scope="module")
def api(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    made = written(sample, sample.database, tmp_path_factory.mktemp("api") / "v1")
    yield made
    made.connection.close()


@pytest.fixture(scope="module")
def open_api(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Of an open cycle without scores, before any unit is known."""
    folder = tmp_path_factory.mktemp("open")
    shutil.copy(sample.database, folder / "ilk.duckdb")
    with duckdb.connect(str(folder / "ilk.duckdb")) as connection:
        for (table,) in connection.execute(
            "select table_name from duckdb_tables()"
            " where table_name not like 'dim_%' or table_name like '%unit%'"
        ).fetchall():
            connection.execute(f'delete from "{table}"')
        connection.execute("delete from dim_domains where domain_type = 'provider_unit'")
    made = written(sample, folder / "ilk.duckdb", folder / "v1")
    yield made
    made.connection.close()


def test_every_table_is_there_whole_as_json_and_as_csv(api: Api):
    assert len(api.specs) > 25
    for name, spec in api.specs.items():
        content = api.json(f"tables/{name}.json")
        assert content["table"] == name
        assert content["columns"] == [column.name for column in spec.columns]
        assert len(content["rows"]) == api.count(name), name
        # The largest, of 100,000 rows, by every 50th.
        step = 1 + len(content["rows"]) // 2000
        assert content["rows"][::step] == api.rows(name, step=step), name
        types = {column.name: column.type for column in spec.columns}
        read = f"read_csv('{api.folder}/tables/{name}.csv', header = true, columns = {types})"
        for one, other in ((read, f'"{name}"'), (f'"{name}"', read)):
            left = api.connection.execute(f"from {one} except all from {other}").fetchall()
            assert left == [], name


def test_no_text_of_the_csv_that_pages_lead_to_is_a_formula(sample: Sample, tmp_path: Path):
    shutil.copy(sample.database, tmp_path / "ilk.duckdb")
    with duckdb.connect(str(tmp_path / "ilk.duckdb")) as connection:
        connection.execute("update idx_scores set band = '=1+1' where score is not null")
        connection.execute("update dim_roles set name_en = '@SUM(A1)', name_id = '-1+1'")
    made = written(sample, tmp_path / "ilk.duckdb", tmp_path / "v1")
    unit_id = made.json("units.json")[0]["unit_id"]
    for name in ("tables/dim_roles.csv", "tables/idx_scores.csv", f"units/{unit_id}.csv"):
        with (made.folder / name).open(encoding="utf-8", newline="") as file:
            cells = {cell for row in csv.reader(file) for cell in row}
        formulas = {
            cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        }
        assert {cell for cell in formulas if not cell.removeprefix("-")[0].isdigit()} == set(), name
        assert not {"-1+1"} & formulas, name
        if "roles" in name:
            assert {"'@SUM(A1)", "'-1+1"} <= cells
        elif "tables" in name:
            assert "'=1+1" in cells
    assert "@SUM(A1)" in (made.folder / "tables" / "dim_roles.json").read_text(encoding="utf-8")
    made.connection.close()


def test_a_units_file_has_all_rows_that_speak_of_it_and_no_other(api: Api):
    listed = [row["unit_id"] for row in api.json("units.json")]
    of_units = {name: of for name, spec in api.specs.items() if (of := rows_of_a_unit(spec))}
    assert {"dim_units", "fct_participation", "idx_scores", "idx_changes"} <= of_units.keys()
    counted = dict.fromkeys(of_units, 0)
    for number, unit_id in enumerate(listed):
        content = api.json(f"units/{unit_id}.json")
        assert content["unit_id"] == unit_id
        for name, part in content["tables"].items():
            counted[name] += len(part["rows"])
        if number % 100 == 0:
            for name, (key, where) in of_units.items():
                rows = api.rows(name, f"{where} and {key} = '{unit_id}'")
                assert content["tables"].get(name, {"rows": []})["rows"] == rows, name
            with (api.folder / "units" / f"{unit_id}.csv").open(encoding="utf-8") as file:
                header, *scores = csv.reader(file)
            assert header == [column.name for column in api.specs["idx_scores"].columns]
            assert len(scores) == len(content["tables"].get("idx_scores", {"rows": []})["rows"])
    for name, (key, where) in of_units.items():
        assert counted[name] == api.count(name, f"{where} and {key} is not null"), name
    units = api.connection.execute("select distinct unit_id from dim_units order by all").fetchall()
    assert listed == [unit_id for (unit_id,) in units]


def test_the_document_is_openapi_and_names_every_file_and_no_other(api: Api, open_api: Api):
    for each in (api, open_api):
        OpenAPIV31SpecValidator(each.json("openapi.json")).validate()
        files = {
            path.relative_to(each.folder).as_posix()
            for path in each.folder.rglob("*")
            if path.is_file()
        }
        assert each.paths == files - WRITTEN_BESIDE
    assert api.json("openapi.json")["info"]["version"] == "abc"


def test_files_are_what_their_schemas_say(api: Api):
    document = api.json("openapi.json")
    unit_id = api.json("units.json")[0]["unit_id"]
    small = [name for name in api.specs if api.count(name) < 500]
    assert len(small) > 10
    for path in (*(f"/tables/{name}.json" for name in small), "/cycles.json", "/units.json",
                 "/units/{unit_id}.json"):  # fmt: skip
        said = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        schema = {**said["schema"], "components": document["components"]}
        content = api.json(path.removeprefix("/").replace("{unit_id}", unit_id))
        OAS31Validator(schema).validate(content)
    cell = document["components"]["schemas"]["idx_scores"]["properties"]["rows"]["items"]
    [score] = [each for each in cell["prefixItems"] if each["title"].startswith("score:")]
    assert score["type"] == ["number", "null"] and "x-unit" in score
    indonesian, english = score["description"].split("\n\n")
    assert indonesian and english and indonesian != english


def test_a_hidden_figure_is_null_in_every_file(api: Api):
    scores = api.specs["idx_scores"]
    place = {column.name: number for number, column in enumerate(scores.columns)}
    figures = [place[name] for name in ("score", "score_100", "se", "ci_low", "band", "df")]
    hidden = 0
    for row in api.json("units.json"):
        content = api.json(row["json"])["tables"].get("idx_scores", {"rows": []})["rows"]
        with (api.folder / row["csv"]).open(encoding="utf-8") as file:
            _, *lines = csv.reader(file)
        for cells, line in zip(content, lines, strict=True):
            if cells[place["is_suppressed"]]:
                hidden += 1
                assert {cells[figure] for figure in figures} == {None}
                assert {line[figure] for figure in figures} == {""}
    ((counted,),) = api.connection.execute(
        """
        select count(*) from idx_scores join dim_cycles using (cycle_id, weighting_mode)
        where domain_type = 'provider_unit' and is_suppressed
        """
    ).fetchall()
    assert hidden == counted > 0


def test_an_open_cycle_without_scores_and_without_units_has_its_files(open_api: Api):
    assert open_api.json("units.json") == []
    assert open_api.json("tables/idx_scores.json")["rows"] == []
    cycles = open_api.json("cycles.json")
    opened = [(row["cycle_id"], row["opens_on"]) for row in cycles]
    assert ("ilk-2025-s1", "2025-05-05") in opened
    assert not any(path.startswith("/units/") for path in open_api.json("openapi.json")["paths"])


def test_an_id_that_leads_elsewhere_names_no_file(api: Api, tmp_path: Path):
    with duckdb.connect() as connection:
        connection.execute("create table dim_units as select '../../outside' as unit_id")
        with pytest.raises(OutsidePathError):
            write_api(connection, tmp_path / "v1", specifications({}, connection))
    assert not (tmp_path / "outside.json").exists()
