"""Specifications of published tables: what the manifest and a database say, and the views."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from publishing_cases import DECLARED, Person, Unit, group, write_warehouse

from orchestration.publishing.publication import publish
from orchestration.publishing.specifications import (
    ForeignKey,
    Words,
    described,
    specifications,
)

PERSONS = group("u1", "upt", "r1", 15) + [Person(Unit("w1", "wilayah", "r2"), "publik", "m")] * 40


def model(name: str, *, schema: str = "marts", **said: Any) -> dict[str, Any]:
    """A model of a manifest, as far as it is read."""
    meta = {"published": {"nothing_to_hide": "a seed"}} if schema != "views" else {}
    columns = {
        column: {
            "name": column,
            "description": text.removeprefix("!"),
            "constraints": [{"type": "not_null"}] if text.startswith("!") else [],
        }
        for column, text in said.get("columns", {}).items()
    }
    return {
        "unique_id": f"model.ilk.{name}",
        "resource_type": "model",
        "schema": schema,
        "name": name,
        "description": said.get("description", ""),
        "columns": columns,
        "config": {"meta": meta | said.get("meta", {}), "unique_key": said.get("unique_key")},
        "raw_code": said.get("raw_code", ""),
    }


@pytest.fixture
def manifest() -> dict[str, Any]:
    models = [
        model(
            "idx_scores",
            description="One row per score; it's the headline table",
            columns={"cycle_id": "!The cycle", "score": "Mean on 1-4"},
            meta={"foreign_keys": [{"columns": ["cycle_id"], "table": "dim_cycles"}]},
            unique_key=["cycle_id", "domain_id", "item_id"],
        ),
        model(
            "dim_cycles",
            columns={"cycle_id": "!The cycle"},
            meta={"key": ["cycle_id"]},
            unique_key=["name"],
        ),
        model(
            "v_index",
            schema="views",
            description="The index",
            columns={"score": "Mean"},
            raw_code="select cycle_id, max(score) as score from {{ ref('idx_scores') }} group by 1",
        ),
    ]
    docs = {
        "score": "Skor | Score | scale\nRata-rata\npada 1-4",
        "v_index__score": "Indeks | Index | scale\nIndeks",
        "table__idx_scores": "Skor | Scores\nSatu baris per skor",
    }
    return {
        "nodes": {each["unique_id"]: each for each in models},
        "parent_map": {each["unique_id"]: [] for each in models},
        "docs": {
            f"doc.ilk.{name}": {"name": name, "block_contents": block}
            for name, block in docs.items()
        },
    }


@pytest.fixture
def published(tmp_path: Path, manifest) -> Path:
    """A publication with the view and the words of the manifest."""
    warehouse = tmp_path / "warehouse.duckdb"
    write_warehouse(warehouse, PERSONS)
    report = publish(
        warehouse=warehouse,
        declared=DECLARED,
        known=described(manifest),
        data_dir=tmp_path,
        fingerprint={"code": "abc"},
    )
    return report.folder


def test_yaml_and_words_make_a_specification(published: Path, manifest):
    with duckdb.connect(published / "ilk.duckdb", read_only=True) as connection:
        specs = specifications(described(manifest), connection)
    scores = specs["idx_scores"]
    assert scores.label == Words("Skor", "Scores")
    assert scores.key == ("cycle_id", "domain_id", "item_id")
    assert scores.foreign_keys == (ForeignKey(("cycle_id",), "dim_cycles", ("cycle_id",)),)
    assert specs["dim_cycles"].key == ("cycle_id",), "what it says itself goes first"
    columns = {column.name: column for column in scores.columns}
    assert columns["cycle_id"].is_required and not columns["score"].is_required
    assert (columns["score"].type, columns["score"].unit) == ("DOUBLE", "scale")
    assert columns["score"].label == Words("Skor", "Score")
    assert columns["score"].description == Words("Rata-rata pada 1-4", "Mean on 1-4")
    assert "disclosure control hid the row" in columns["is_suppressed"].description.en
    assert columns["se"].label == Words("se", "se"), "what nobody describes bears its name"
    (own,) = (column for column in specs["v_index"].columns if column.name == "score")
    assert own.label == Words("Indeks", "Index")
    assert list(specs)[-1] == "v_index", "tables come before the views over them"


def test_a_view_is_published_with_its_tables_and_read_under_any_name(published: Path):
    with duckdb.connect() as connection:
        connection.execute(f"attach '{published / 'ilk.duckdb'}' as somewhere (read_only)")
        rows = connection.execute("from somewhere.v_index").fetchall()
        highest = connection.execute("select max(score) from somewhere.idx_scores").fetchall()
        assert [rows[0][1:]] == highest
        parquet = connection.execute(f"from '{published}/parquet/v_index/*.parquet'").fetchall()
        assert parquet == rows
    said = json.loads((published / "publication.json").read_text(encoding="utf-8"))
    assert said["tables"]["v_index"]["row_count"] == 1


def test_comments_are_published_in_both_languages(published: Path):
    with duckdb.connect(published / "ilk.duckdb", read_only=True) as connection:
        comments = connection.execute(
            "select comment from duckdb_tables() where table_name = 'idx_scores' union all "
            "select comment from duckdb_columns() where column_name = 'score' "
            "and table_name in ('idx_scores', 'v_index') order by all"
        ).fetchall()
    assert comments == [
        ("Indeks / Mean",),
        ("Rata-rata pada 1-4 / Mean on 1-4",),
        ("Satu baris per skor / One row per score; it's the headline table",),
    ]
