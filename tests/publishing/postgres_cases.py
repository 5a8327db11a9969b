"""Small publications for the tests of PostgreSQL: made-up tables that all say which one they are.

Belongs here: writing them, and what the manifest would say of them. Doesn't: assertions.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from orchestration.publishing.specifications import ColumnSpec, Described, ForeignKey, Words

ROWS = 500
TABLES = {
    "dim_cycles": "select 'c' || i as cycle_id, {version} as version from range(3) as of(i)",
    "idx_scores": f"""
        select 'c' || i % 3 as cycle_id, i as row_number, nullif(i % 2, 0) as item_id,
            i / 7 as score, {{version}} as version
        from range({ROWS}) as of(i)
    """,
}
VIEW = "select cycle_id, max(version) as version from idx_scores group by cycle_id"


def words(name: str, *, required: tuple[str, ...] = ()) -> dict[str, ColumnSpec]:
    """What the manifest says of a few columns."""
    return {
        name: ColumnSpec(name, "", Words(name, name), Words("Skornya", "It's the score"), "", False)
        for name in ("score",)
    } | {
        column: ColumnSpec(column, "", Words(column, column), Words("", ""), "", True)
        for column in required
    }


def said(
    name: str,
    *,
    key: tuple[str, ...] = (),
    required: tuple[str, ...] = (),
    foreign_keys: tuple[ForeignKey, ...] = (),
    view: str | None = None,
) -> Described:
    """What the manifest says of a table or view."""
    description = Words(f"Satu baris per {name}", f"One row per {name}")
    return Described(
        name=name,
        label=Words(name, name),
        description=description,
        columns=words(name, required=required),
        key=key,
        foreign_keys=foreign_keys,
        view=view,
    )


KNOWN = {
    "dim_cycles": said("dim_cycles", key=("cycle_id",), required=("cycle_id",)),
    "idx_scores": said(
        "idx_scores",
        key=("cycle_id", "row_number", "item_id"),
        required=("cycle_id", "row_number"),
        foreign_keys=(ForeignKey(("cycle_id",), "dim_cycles", ("cycle_id",)),),
    ),
    "v_latest": said("v_latest", view=VIEW),
}


def write_publication(
    folder: Path,
    version: int,
    *,
    tables: Mapping[str, str] = TABLES,
    known: Mapping[str, Described] = KNOWN,
) -> str:
    """Write a published folder, as far as PostgreSQL needs it; return its id."""
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "ilk.duckdb")) as connection:
        for name, select in tables.items():
            connection.execute(f"create table {name} as {select.format(version=version)}")
        for name, table in known.items():
            if table.view is not None:
                connection.execute(f"create view {name} as {table.view}")
    publication_id = f"id-{version}"
    manifest = {"publication_id": publication_id}
    (folder / "publication.json").write_text(json.dumps(manifest), encoding="utf-8")
    return publication_id


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query, as whoever the URL names."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query).fetchall()
