"""Which columns each column of a model is made of: traced in dbt's SQL, or declared in YAML.

Belongs here: all models of a project together, what YAML declares of Python models, the cache.
Doesn't: tracing one query (tracing.py), showing it (orchestration/defs/warehouse.py,
orchestration/lineage/runs.py). All models together take 2 CPU s, once a code version and
instrument; dagster-dbt's own way took three times that in every run.
"""

import fnmatch
import json
import logging
from collections.abc import Mapping
from typing import Any

from orchestration.cycles.fingerprints import project_hash
from orchestration.dbt_build import manifest_path
from orchestration.durable_files import below, read_json, whole_file
from orchestration.lineage.tables import ColumnLineage, ColumnOf, Table
from orchestration.settings import Settings

logger = logging.getLogger("ilk.lineage")


def column_lineage(
    settings: Settings, tables: Mapping[str, Table], *, instrument_id: str
) -> ColumnLineage:
    """Return the lineage of every model as dbt compiled it last, traced or remembered.

    What SQL can't tell is declared (`declared_columns`). A cycle's instrument generates columns, so
    each has a lineage of its own.
    """
    path = below(settings.dbt_target_dir / "column_lineage", f"{instrument_id}.json")
    stamp = project_hash(settings)
    if (held := read_json(path)) and held.get("project") == stamp:
        return {
            model: {column: [ColumnOf(*of) for of in made_of] for column, made_of in of.items()}
            for model, of in held["models"].items()
        }
    from orchestration.lineage.tracing import UnreadableQueryError, sqlglot_schema, trace_columns

    manifest = json.loads(manifest_path(settings).read_text(encoding="utf-8"))
    models = {
        node["name"]: f"{node['schema']}.{node['name']}"
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    compiled = (settings.dbt_target_dir / "compiled" / "models").rglob("*.sql")
    traced: ColumnLineage = {}
    schema = sqlglot_schema(tables)
    for file in sorted(compiled):
        # Tests lie there as well, and models that an older version compiled.
        if file.stem not in models or file.parent.suffix == ".yml":
            continue
        try:
            columns = trace_columns(file.read_text(encoding="utf-8"), tables, schema)
        except UnreadableQueryError as error:  # a run does not fail for what sqlglot can't read
            logger.warning("column lineage of %s is not known: %s", file.stem, error)
            continue
        traced[models[file.stem]] = columns
    for model, declared in declared_columns(manifest, tables).items():
        known = traced.setdefault(model, {})
        for column, made_of in declared.items():
            known[column] = sorted({*known.get(column, ()), *made_of})
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps({"project": stamp, "models": traced}), encoding="utf-8")
    return traced


def declared_columns(manifest: Mapping[str, Any], tables: Mapping[str, Table]) -> ColumnLineage:
    """Return what models' YAML says of columns, as `config: {meta: {made_of: [model.column]}}`.

    Python models say it of every column, SQL models of what the instrument writes into them as
    text. `*` stands for any part of a column's name (`ratings_of_cycle.rating_*`).
    """
    nodes = manifest["nodes"].values()
    places = {node["name"]: f"{node['schema']}.{node['name']}" for node in nodes}
    return {
        places[node["name"]]: {
            name: [
                ColumnOf(places[table], found)
                for table, _, pattern in (of.partition(".") for of in column["meta"]["made_of"])
                for found in fnmatch.filter(tables[places[table]].columns, pattern)
            ]
            for name, column in node["columns"].items()
            if "made_of" in column["meta"]
        }
        for node in nodes
        if node["resource_type"] == "model"
    }
