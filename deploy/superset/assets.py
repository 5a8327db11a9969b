"""Superset's assets of the index, out of the published tables' specifications.

Belongs here: which views, charts and filters there are, in the form that Superset exports and
imports. Doesn't: what a column is called and means (orchestration/publishing/specifications.py),
how the database is opened (superset_config.py).

    python -m deploy.superset.assets <folder>

writes the assets for `published/ilk.duckdb`, or for PostgreSQL where SUPERSET_POSTGRES_URL is set.
"""

import json
import os
import shutil
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml  # type: ignore[import-untyped]  # it ships no types
from sqlalchemy.engine import make_url

from orchestration.dbt_build import manifest_path
from orchestration.postgres import SCHEMA
from orchestration.publishing.specifications import (
    ColumnSpec,
    TableSpec,
    Words,
    read_described,
    specifications,
)
from orchestration.settings import Settings, get_settings

# What may be added over rows (docs/bi.md): persons of whom each is in one row.
ADDABLE: Mapping[str, Sequence[str]] = {
    "v_participation": ("staff_count", "respondent_count", "shortfall"),
    "v_participation_by_day": ("new_respondent_count",),
}
# How a figure is written, by its unit (models/_words.md); others as Superset likes.
FORMATS = {
    "scale_1_4": ".2f",
    "reported": ".2f",
    "points": ".2f",
    "share": ".1%",
    "ratio": ".1%",
    "probability": ".3f",
    "persons": ",d",
    "answers": ",d",
}
_TIMES = ("DATE", "TIMESTAMP")
_NAMES = uuid.UUID("3b3f4a70-6a3c-5f0c-9d7d-0c7f1b1a2c16")  # the same asset, at each import


@dataclass(frozen=True)
class Source:
    """The database that is asked, as SQLAlchemy names it.

    Either is the same database to Superset: its records in SQLite hold one dataset of a name.
    """

    uri: str
    schema: str


@dataclass(frozen=True)
class Chart:
    """A chart over one view. `metrics` are columns: of which a cell shows a single row's value."""

    view: str
    title: Words
    kind: str
    by: tuple[str, ...]
    metrics: tuple[str, ...]
    width: int = 12  # of 12
    height: int = 50
    order_by: str | None = None  # ascending: what has no figure comes last in every database


@dataclass(frozen=True)
class Filter:
    """A choice above the dashboard: the values of `of`.`column`, for charts of `views` (None: all).

    `within`: other filters that narrow its values. A required one begins with the last value.
    """

    name: Words
    column: str
    of: str
    views: tuple[str, ...] | None = None
    within: tuple[str, ...] = ()
    is_required: bool = False


UNITS = (
    "v_index_by_unit",
    "v_service_perspective",
    "v_lowest_three",
    "v_change",
    "v_participation",
    "v_participation_by_day",
)
FILTERS = (
    Filter(Words("Siklus", "Cycle"), "cycle_id", "v_index", is_required=True),
    Filter(
        Words("Tingkat", "Level"), "unit_level_name_id", "v_index_by_unit", UNITS, ("cycle_id",)
    ),
    Filter(
        Words("Provinsi", "Province"),
        "region_name",
        "v_index_by_unit",
        UNITS,
        ("cycle_id", "unit_level_name_id"),
    ),
    Filter(
        Words("Unit", "Unit"),
        "unit_name",
        "v_index_by_unit",
        UNITS,
        ("cycle_id", "unit_level_name_id", "region_name"),
    ),
)
_SCORE = ("only_reported_score", "only_reported_ci_low", "only_reported_ci_high")
CHARTS = (
    Chart(
        "v_index",
        Words("Indeks, dengan batas selang dan sasaran", "Index, with its interval and target"),
        "table",
        ("cycle_id", "index_name_id"),
        (
            *_SCORE,
            "only_band_name_id",
            "only_is_band_certain",
            "only_is_reached",
            "only_is_certainly_reached",
            "only_respondent_count",
        ),
        height=28,
    ),
    Chart(
        "v_index_by_level",
        Words("Indeks per tingkat, dengan batas selang", "Index by level, with its interval"),
        "table",
        ("unit_level_name_id", "unit_level_id"),
        (*_SCORE, "only_band_name_id", "only_respondent_count", "only_null_reason_name_id"),
        height=30,
        order_by="only_reported_score",
    ),
    Chart(
        "v_index_by_region",
        Words("Indeks per provinsi, dengan batas selang", "Index by province, with its interval"),
        "table",
        ("region_name", "region_id"),
        (*_SCORE, "only_band_name_id", "only_respondent_count", "only_null_reason_name_id"),
        order_by="only_reported_score",
    ),
    Chart(
        "v_index_by_unit",
        Words("Indeks per unit, dengan batas selang", "Index by unit, with its interval"),
        "table",
        ("unit_name", "unit_id"),
        (*_SCORE, "only_band_name_id", "only_respondent_count", "only_null_reason_name_id"),
        order_by="only_reported_score",
    ),
    Chart(
        "v_service_perspective",
        Words(
            "Layanan x perspektif (pilih satu unit)", "Services x perspectives (choose one unit)"
        ),
        "heatmap",
        ("perspective_name_id", "service_name_id"),
        ("only_reported_score",),
        width=6,
    ),
    Chart(
        "v_participation_by_day",
        Words("Responden per hari, kumulatif", "Respondents by day, cumulated"),
        "line",
        ("day_on", "unit_level_name_id"),
        ("sum_new_respondent_count",),
        order_by="day_on",
        width=6,
    ),
    Chart(
        "v_lowest_three",
        Words("Tiga terendah per unit", "Three lowest of each unit"),
        "table",
        ("unit_name", "unit_id", "lowest_rank", "perspective_name_id"),
        (*_SCORE, "only_respondent_count"),
        order_by="only_reported_score",
    ),
    Chart(
        "v_change",
        Words("Perubahan, dengan ujinya", "Change, with its test"),
        "table",
        ("unit_name", "unit_id"),
        (
            "only_reported_score_previous",
            "only_reported_score",
            "only_reported_delta",
            "only_p_adjusted",
            "only_is_changed",
            "only_null_reason_name_id",
        ),
        order_by="only_p_adjusted",
    ),
    Chart(
        "v_participation",
        Words("Partisipasi per unit", "Participation by unit"),
        "table",
        ("unit_name", "unit_id"),
        (
            "only_staff_count",
            "only_respondent_count",
            "only_response_rate",
            "only_required_sample",
            "only_shortfall",
        ),
        order_by="only_response_rate",
    ),
)


def assets(
    specs: Mapping[str, TableSpec], source: Source, title: Words
) -> dict[str, dict[str, Any]]:
    """Return every asset, by its path in the folder that Superset imports."""
    used = sorted({chart.view for chart in CHARTS})
    found: dict[str, dict[str, Any]] = {
        "metadata.yaml": {"type": "assets"},
        "databases/ilk.yaml": _database(source),
    }
    for view in used:
        found[f"datasets/ilk/{view}.yaml"] = _dataset(specs[view], source)
    for number, chart in enumerate(CHARTS, start=1):
        found[f"charts/{number:02d}.yaml"] = _chart(chart)
    found["dashboards/ilk.yaml"] = _dashboard(title)
    return {path: {"version": "1.0.0"} | asset for path, asset in found.items()}


def write(found: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    """Write the assets into `folder`, in place of what it holds."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, asset in found.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(asset, sort_keys=False, allow_unicode=True), "utf-8")


def metrics(spec: TableSpec) -> dict[str, dict[str, Any]]:
    """Return the metrics of a view, by name: `only_<column>` and `sum_<column>`.

    `only_` is the value of a single row and NULL over several: who leaves out a key sees nothing in
    place of a maximum that nobody asked for.
    """
    found = {}
    for column in spec.columns:
        if column.name in spec.key:
            continue
        most = "BOOL_OR" if column.type == "BOOLEAN" else "MAX"
        found[f"only_{column.name}"] = _metric(
            f"only_{column.name}",
            column,
            column.label.both,
            f"CASE WHEN COUNT(*) = 1 THEN {most}({column.name}) END",
        )
        if column.name in ADDABLE.get(spec.name, ()):
            found[f"sum_{column.name}"] = _metric(
                f"sum_{column.name}",
                column,
                f"{column.label.id}, jumlah / {column.label.en}, sum",
                f"SUM({column.name})",
            )
    return found


def _metric(name: str, column: ColumnSpec, label: str, expression: str) -> dict[str, Any]:
    return {
        "metric_name": name,
        "verbose_name": label,
        "expression": expression,
        "description": column.description.both,
        "d3format": FORMATS.get(column.unit),
    }


def _database(source: Source) -> dict[str, Any]:
    return {
        "database_name": "ILK",
        "sqlalchemy_uri": source.uri,
        "uuid": _id("database", "ilk"),
        "expose_in_sqllab": True,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {"allows_virtual_table_explore": True},
    }


def _dataset(spec: TableSpec, source: Source) -> dict[str, Any]:
    return {
        "table_name": spec.name,
        "schema": source.schema,
        "description": spec.description.both,
        "uuid": _id("dataset", spec.name),
        "database_uuid": _id("database", "ilk"),
        "filter_select_enabled": True,
        "main_dttm_col": next((one.name for one in spec.columns if one.name == "day_on"), None),
        "columns": [
            {
                "column_name": column.name,
                "verbose_name": column.label.both,
                "description": column.description.both,
                "type": column.type,
                "is_dttm": column.type.startswith(_TIMES),
                "groupby": True,
                "filterable": True,
            }
            for column in spec.columns
        ],
        "metrics": list(metrics(spec).values()),
    }


def _chart(chart: Chart) -> dict[str, Any]:
    order = [[chart.order_by, True]] if chart.order_by else []
    viz_type, params = _drawn(chart)
    query = {
        "columns": list(chart.by),
        "metrics": list(chart.metrics),
        "filters": [],
        "orderby": order,
        "row_limit": 10_000,
    }
    return {
        "slice_name": chart.title.both,
        "viz_type": viz_type,
        "uuid": _id("chart", chart.title.en),
        "dataset_uuid": _id("dataset", chart.view),
        "params": {
            "viz_type": viz_type,
            "adhoc_filters": [],
            "row_limit": 10_000,
            **params,
        },
        # What Superset's API gives for the chart without a browser.
        "query_context": json.dumps(
            {
                "datasource": {"id": 0, "type": "table"},
                "queries": [query],
                "form_data": {},
                "result_format": "json",
                "result_type": "full",
            }
        ),
    }


def _drawn(chart: Chart) -> tuple[str, dict[str, Any]]:
    """Return Superset's name for the kind of chart, and what that one wants to know."""
    if chart.kind == "table":
        return "table", {
            "query_mode": "aggregate",
            "groupby": list(chart.by),
            "metrics": list(chart.metrics),
            "timeseries_limit_metric": chart.order_by,
            "order_desc": False,
            "include_search": chart.height > 40,
            "page_length": 50 if chart.height > 40 else 0,
            "show_cell_bars": False,
            "show_totals": False,
        }
    if chart.kind == "heatmap":
        across, down = chart.by
        return "heatmap_v2", {
            "x_axis": across,
            "groupby": down,
            "metric": chart.metrics[0],
            "sort_x_axis": "alpha_asc",
            "sort_y_axis": "alpha_asc",
            "normalize_across": "heatmap",
            "linear_color_scheme": "schemeBlues",
            "show_legend": True,
            "show_percentage": False,
            "show_values": True,
            "legend_type": "continuous",
            "xscale_interval": 1,
            "yscale_interval": 1,
            "xAxisLabelRotation": 45,
            "left_margin": "auto",
            "bottom_margin": "auto",
            "value_bounds": [None, None],
            "y_axis_format": ".2f",
        }
    return "echarts_timeseries_line", {
        "x_axis": chart.by[0],
        "groupby": list(chart.by[1:]),
        "metrics": list(chart.metrics),
        "truncate_metric": True,
        "show_legend": True,
        "rich_tooltip": True,
        "y_axis_format": ",d",
        "x_axis_time_format": "%d-%m",
        "time_grain_sqla": "P1D",
        "rolling_type": "cumsum",
        "min_periods": 0,
        "seriesType": "line",
        "truncateYAxis": False,
    }


def _dashboard(title: Words) -> dict[str, Any]:
    position: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": title.both}},
        "GRID_ID": {"id": "GRID_ID", "type": "GRID", "children": []},
    }
    row, free = "", 0
    for number, chart in enumerate(CHARTS, start=1):
        if chart.width > free:
            row, free = f"ROW-{number}", 12
            position["GRID_ID"]["children"].append(row)
            position[row] = {
                "id": row,
                "type": "ROW",
                "children": [],
                "meta": {"background": "BACKGROUND_TRANSPARENT"},
            }
        free -= chart.width
        name = f"CHART-{number}"
        position[row]["children"].append(name)
        position[name] = {
            "id": name,
            "type": "CHART",
            "children": [],
            "meta": {
                "uuid": _id("chart", chart.title.en),
                "chartId": number,
                "sliceName": chart.title.both,
                "width": chart.width,
                "height": chart.height,
            },
        }
    return {
        "dashboard_title": title.both,
        "slug": "ilk",
        "uuid": _id("dashboard", "ilk"),
        "published": True,
        "position": position,
        "metadata": {
            "cross_filters_enabled": False,
            "native_filter_configuration": [_filter(one) for one in FILTERS],
        },
    }


def _filter(one: Filter) -> dict[str, Any]:
    charts = {number: chart.view for number, chart in enumerate(CHARTS, start=1)}
    reached = [number for number, view in charts.items() if one.views is None or view in one.views]
    return {
        "id": f"NATIVE_FILTER-{one.column}",
        "type": "NATIVE_FILTER",
        "filterType": "filter_select",
        "name": one.name.both,
        "requiredFirst": one.is_required,
        "targets": [{"datasetUuid": _id("dataset", one.of), "column": {"name": one.column}}],
        "controlValues": {
            "multiSelect": False,
            "enableEmptyFilter": one.is_required,
            "defaultToFirstItem": one.is_required,
            "sortAscending": not one.is_required,
        },
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
        "cascadeParentIds": [f"NATIVE_FILTER-{column}" for column in one.within],
        "scope": {
            "rootPath": ["ROOT_ID"],
            "excluded": [number for number in charts if number not in reached],
        },
        "chartsInScope": reached,
    }


def _id(kind: str, name: str) -> str:
    return str(uuid.uuid5(_NAMES, f"{kind}/{name}"))


def source_of(settings: Settings) -> Source:
    """Return PostgreSQL where SUPERSET_POSTGRES_URL is set, else the published file."""
    if address := os.environ.get("SUPERSET_POSTGRES_URL"):
        uri = make_url(address).set(drivername="postgresql+psycopg2")
        return Source(uri.render_as_string(hide_password=False), SCHEMA)
    return Source(f"duckdb:///{settings.published_dir / 'ilk.duckdb'}", "main")


def described_views(published: duckdb.DuckDBPyConnection) -> dict[str, TableSpec]:
    """Return the specifications of a publication's tables and views, as this code has them."""
    return specifications(read_described(manifest_path(get_settings())), published)


def main(folder: Path) -> None:
    """Write the assets for this installation's publication into `folder`."""
    settings = get_settings()
    published = (settings.published_dir / "ilk.duckdb").resolve()
    if not published.exists():
        sys.exit(f"Terbitkan satu siklus dulu / publish a cycle first: ilk run. {published}")
    with duckdb.connect(published, read_only=True) as connection:
        specs = described_views(connection)
        if missing := {chart.view for chart in CHARTS} - specs.keys():
            sys.exit(
                "Terbitkan lagi / publish again, ilk run: publikasi ini tidak memuat / "
                f"this publication lacks {', '.join(sorted(missing))}"
            )
        names = connection.execute(
            "select distinct index_name_id, index_name_en from v_index order by all"
        ).fetchall()
        title = Words(
            " · ".join(name for name, _ in names) or "Indeks",
            " · ".join(name for _, name in names) or "Index",
        )
        write(assets(specs, source_of(settings), title), folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
