"""Words of published tables: everything that leaves is named and described in both languages."""

import json
import re

import duckdb
import pytest
from frictionless import Package

from orchestration.dbt_build import manifest_path
from orchestration.publishing.specifications import TableSpec, described, specifications
from orchestration.settings import REPOSITORY
from tests.conftest import Sample

MEASURED = re.compile("^(DOUBLE|FLOAT|DECIMAL|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DATE|TIMESTAMP)")


@pytest.fixture(scope="module")
def manifest(sample: Sample) -> dict:
    return json.loads(manifest_path(sample.settings).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def specs(sample: Sample, manifest) -> dict[str, TableSpec]:
    with duckdb.connect(sample.database, read_only=True) as connection:
        return specifications(described(manifest), connection)


def blocks() -> dict[str, str]:
    text = (REPOSITORY / "models" / "_words.md").read_text(encoding="utf-8")
    return dict(re.findall(r"{% docs (\w+) %}\n(.*?)\n{% enddocs %}", text, flags=re.S))


def test_every_published_table_and_column_has_its_words_in_both_languages(specs):
    lacking = [
        f"{name}: {what}"
        for spec in specs.values()
        for name, each in [(spec.name, spec), *((f"{spec.name}.{c.name}", c) for c in spec.columns)]
        for what, text in [
            ("label", "" if each.label.id == each.name else each.label.id),
            ("English label", "" if each.label.en == each.name else each.label.en),
            ("Indonesian description", each.description.id),
            ("English description", each.description.en),
        ]
        if not text
    ]
    assert not lacking, f"write them in models/_words.md, English in the model's YAML: {lacking}"


def test_the_data_package_of_the_sample_is_valid(sample: Sample):
    package = Package(str(sample.database.with_name("datapackage.json")))
    report = package.validate(limit_rows=200)
    assert report.valid, report.flatten(["name", "type", "message"])[:5]
    keys = {resource.name: resource.schema.primary_key for resource in package.resources}
    assert keys["v_index_by_unit"] == ["cycle_id", "unit_id"]


def test_every_number_and_day_has_a_unit_that_is_known(specs):
    lacking = [
        f"{spec.name}.{column.name}"
        for spec in specs.values()
        for column in spec.columns
        if bool(MEASURED.match(column.type)) != bool(column.unit)
    ]
    assert not lacking, f"numbers and days have a unit, nothing else does: {lacking}"
    units = {
        column.unit: column.unit_label
        for spec in specs.values()
        for column in spec.columns
        if column.unit
    }
    known = {name.removeprefix("unit__") for name in blocks() if name.startswith("unit__")}
    assert set(units) == known, "each unit has a block unit__..., and each of these a column"
    assert all(label.id and label.en for label in units.values())


def test_every_block_is_of_something_published(specs):
    columns = {column.name for spec in specs.values() for column in spec.columns}
    own = {f"{spec.name}__{column.name}" for spec in specs.values() for column in spec.columns}
    tables = {f"table__{name}" for name in specs}
    others = {name for name in blocks() if not name.startswith("unit__")}
    assert others <= columns | own | tables, "remove what nothing published is called by"


def test_a_tables_comment_falls_into_its_two_languages(specs):
    for spec in specs.values():
        assert " / " not in spec.description.id + spec.description.en, (
            f"{spec.name}: its comment is parted there; say 'or'"
        )
