"""What a run read and wrote, as datasets of OpenLineage.

Belongs here: names and facets of landing files, raw zone, warehouse and publication. Doesn't: the
standard's JSON and where it goes (events.py), tracing columns (columns.py).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from orchestration.cycles.fingerprints import CurrentFile
from orchestration.dbt_build import NodeResult
from orchestration.durable_files import below
from orchestration.exports.sources import landed_address
from orchestration.lineage.events import Dataset, Json, LineageRun, Outlet, facet
from orchestration.lineage.tables import ColumnLineage, Table
from orchestration.publishing.tables import declarations
from orchestration.settings import Settings


def lineage_run(settings: Settings, *, run_id: str, cycle_id: str | None) -> LineageRun:
    """Return the events of a run, which go to `lineage/` and to OPENLINEAGE_URL."""
    url, key = settings.openlineage_url, settings.openlineage_api_key
    endpoint = settings.openlineage_endpoint.lstrip("/")
    started = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    outlet = Outlet(
        below(settings.lineage_dir, f"{started}_{cycle_id or 'no-cycle'}_{run_id[:8]}.jsonl"),
        url=f"{url.rstrip('/')}/{endpoint}" if url else None,
        api_key=key.get_secret_value() if key else None,
    )
    return LineageRun(outlet, run_id=run_id, namespace=settings.openlineage_namespace)


def tell_pulled(
    run: LineageRun, settings: Settings, files: Iterable[CurrentFile], *, started_at: datetime
) -> None:
    """Tell which files the raw zone's current rows came from."""
    read = [file for file in files if file.status == "read"]
    for kind in sorted({file.kind for file in read}):
        events = run.made(
            f"raw.{kind}",
            inputs=[_landed(settings, file) for file in read if file.kind == kind],
            outputs=[_raw(settings, kind)],
            started_at=started_at,
            ended_at=datetime.now(UTC),
            job_type="PULL",
        )
        run.send(events)


def tell_built(
    run: LineageRun,
    settings: Settings,
    manifest: Mapping[str, Any],
    results: Iterable[NodeResult],
    tables: Mapping[str, Table],
    lineage: ColumnLineage,
) -> None:
    """Tell of each table of the warehouse that was built, what it was built from."""
    events: list[Json] = []
    for result in results:
        if result.resource_type not in ("model", "seed") or not result.was_built:
            continue
        node = manifest["nodes"][result.unique_id]
        name = f"{node['schema']}.{node['name']}"
        parents = [_node_name(manifest, parent) for parent in node["depends_on"].get("nodes", [])]
        events += run.made(
            name,
            inputs=[_table(settings, parent) for parent in parents],
            outputs=[_built(settings, node, tables.get(name), lineage.get(name, {}))],
            started_at=result.ended_at - timedelta(seconds=result.seconds),
            ended_at=result.ended_at,
            job_type=result.resource_type.upper(),
        )
    run.send(events)


def tell_published(
    run: LineageRun,
    settings: Settings,
    row_counts: Mapping[str, int],
    manifest: Mapping[str, Any],
    *,
    started_at: datetime,
) -> None:
    """Tell of each published table which one of the warehouse it is, less its hidden cells.

    A view is made of the published tables that it reads.
    """
    place = f"duckdb://{settings.published_dir / 'ilk.duckdb'}"
    declared = declarations(manifest)
    events: list[Json] = []
    for table, count in sorted(row_counts.items()):
        if table in declared:
            inputs = [_table(settings, ".".join(declared[table].rows_of))]
            inputs.append(_table(settings, "figures.disclosure_hidden_cells"))
        else:
            parents = manifest["nodes"][f"model.ilk.{table}"]["depends_on"]["nodes"]
            names = [_node_name(manifest, parent).partition(".")[2] for parent in parents]
            inputs = [Dataset(place, f"main.{name}") for name in names]
        statistics = facet("OutputStatisticsOutputDatasetFacet", rowCount=count)
        output = Dataset(place, f"main.{table}", io_facets={"outputStatistics": statistics})
        events += run.made(
            f"publication.{table}",
            inputs=inputs,
            outputs=[output],
            started_at=started_at,
            ended_at=datetime.now(UTC),
            job_type="PUBLICATION",
        )
    run.send(events)


def _landed(settings: Settings, file: CurrentFile) -> Dataset:
    address = landed_address(settings.landing, file.name)
    parts = urlsplit(address, allow_fragments=False)  # names of files may hold #
    version = facet("DatasetVersionDatasetFacet", datasetVersion=file.sha256)
    if not parts.scheme:
        return Dataset("file", address, {"version": version})
    return Dataset(f"{parts.scheme}://{parts.netloc}", parts.path, {"version": version})


def _raw(settings: Settings, kind: str) -> Dataset:
    return Dataset("file", str(settings.raw_dir / kind))


def _table(settings: Settings, name: str) -> Dataset:
    """Return a table of the warehouse, or a source of the raw zone, by `schema.name`."""
    schema, _, bare = name.partition(".")
    if schema == "raw":
        return _raw(settings, bare)
    return Dataset(f"duckdb://{settings.warehouse}", name)


def _built(
    settings: Settings, node: Mapping[str, Any], table: Table | None, columns: Mapping[str, Any]
) -> Dataset:
    described = {name: column["description"] for name, column in node["columns"].items()}
    facets = {"documentation": facet("DocumentationDatasetFacet", description=node["description"])}
    io_facets = {}
    if table is not None:
        fields = [
            {"name": name, "type": kind, "description": described.get(name, "")}
            for name, kind in table.columns.items()
        ]
        facets["schema"] = facet("SchemaDatasetFacet", fields=fields)
    if columns:
        facets["columnLineage"] = facet(
            "ColumnLineageDatasetFacet",
            fields={
                column: {
                    "inputFields": [
                        {"namespace": source.namespace, "name": source.name, "field": field}
                        for of, field in made_of
                        for source in [_table(settings, of)]
                    ]
                }
                for column, made_of in columns.items()
            },
        )
    if table is not None and table.row_count is not None:
        io_facets["outputStatistics"] = facet(
            "OutputStatisticsOutputDatasetFacet", rowCount=table.row_count
        )
    name = f"{node['schema']}.{node['name']}"
    return Dataset(f"duckdb://{settings.warehouse}", name, facets, io_facets)


def _node_name(manifest: Mapping[str, Any], unique_id: str) -> str:
    node = manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]
    return f"{node['schema']}.{node['name']}"
