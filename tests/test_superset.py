"""The assets for Superset (deploy/superset) against the published views; no Superset is needed.

The import for real, and what a running Superset shows: `make -C deploy/superset`, and `check`.
"""

import importlib.util
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import duckdb
import pytest
import yaml
from sqlalchemy.engine import make_url

from deploy.superset.assets import (
    ADDABLE,
    CHARTS,
    FILTERS,
    FORMATS,
    Source,
    assets,
    described_views,
    metrics,
    source_of,
    write,
)
from orchestration.publishing.specifications import ColumnSpec, TableSpec, Words
from orchestration.settings import REPOSITORY
from tests.conftest import Sample

FOLDER = REPOSITORY / "deploy" / "superset"
VIEWS = sorted({chart.view for chart in CHARTS})
view = pytest.mark.parametrize("view", VIEWS)


@pytest.fixture(scope="module")
def published(sample: Sample) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(sample.database, read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def specs(published: duckdb.DuckDBPyConnection) -> dict[str, TableSpec]:
    return described_views(published)


@pytest.fixture(scope="module")
def made(specs: dict[str, TableSpec]) -> dict:
    return assets(specs, Source("duckdb:///ilk.duckdb", "main"), Words("Indeks", "Index"))


@view
def test_a_dataset_has_its_views_columns_with_the_words_of_the_specifications(
    view: str, made: dict, specs: dict[str, TableSpec]
) -> None:
    dataset = made[f"datasets/ilk/{view}.yaml"]
    for column, spec in zip(dataset["columns"], specs[view].columns, strict=True):
        assert column["column_name"] == spec.name
        assert column["verbose_name"] == spec.label.both
        assert column["description"] == spec.description.both


def test_every_chart_and_filter_names_what_its_view_has(specs: dict[str, TableSpec]) -> None:
    for chart in CHARTS:
        columns = {column.name for column in specs[chart.view].columns}
        assert set(chart.by) <= columns, chart
        assert {*chart.metrics} <= metrics(specs[chart.view]).keys(), chart
        assert chart.order_by in {None, *chart.by, *chart.metrics}, chart
    for one in FILTERS:
        for name in (one.of, *(one.views or VIEWS)):
            assert one.column in {column.name for column in specs[name].columns}, (one, name)


def test_a_metric_over_two_rows_is_nothing_and_over_one_its_value() -> None:
    nothing = Words("", "")
    spec = TableSpec(
        "v_change",
        nothing,
        nothing,
        tuple(
            ColumnSpec(name, kind, nothing, nothing, "", False)
            for name, kind in (
                ("unit_id", "VARCHAR"),
                ("score", "DOUBLE"),
                ("band", "VARCHAR"),
                ("is_changed", "BOOLEAN"),
            )
        ),
        ("unit_id",),
        (),
        "select ...",
    )
    found = metrics(spec)
    assert list(found) == ["only_score", "only_band", "only_is_changed"]
    figures = ", ".join(metric["expression"] for metric in found.values())
    with duckdb.connect() as connection:
        connection.execute(
            "create table v_change as select * from (values ('u1', 3.5, 'B', true), "
            "('u2', 3.5, 'B', true), ('u3', null, null, null)) as t(unit_id, "
            "score, band, is_changed)"
        )
        rows = connection.execute(
            f"select unit_id <> 'u1', {figures} from v_change group by 1 order by 1"
        ).fetchall()
    assert rows == [(False, Decimal("3.5"), "B", True), (True, None, None, None)]


@view
def test_a_metric_is_the_value_of_its_row_and_nothing_over_two(
    view: str, published: duckdb.DuckDBPyConnection, specs: dict[str, TableSpec]
) -> None:
    spec = specs[view]
    only = {
        name.removeprefix("only_"): metric["expression"]
        for name, metric in metrics(spec).items()
        if name.startswith("only_")
    }
    assert spec.key and set(spec.key) | only.keys() == {column.name for column in spec.columns}
    figures = ", ".join(f"{sql} as {column}" for column, sql in only.items())
    by_key = f"select {', '.join(spec.key)}, {figures} from {view} group by all"
    columns = ", ".join([*spec.key, *only])
    differing = f"(select {columns} from {view} except all select {columns} from ({by_key}))"
    assert published.execute(f"select count(*) from {differing}").fetchall() == [(0,)]
    # The whole view under one cell.
    over_all = published.execute(f"select {figures} from {view}").fetchall()[0]
    assert published.execute(f"select count(*) from {view}").fetchall()[0][0] > 1
    assert set(over_all) == {None}


def test_what_is_added_is_a_count_of_persons_and_never_a_score(
    published: duckdb.DuckDBPyConnection, specs: dict[str, TableSpec]
) -> None:
    for name, spec in specs.items():
        added = {key for key in metrics(spec) if key.startswith("sum_")}
        assert added == {f"sum_{column}" for column in ADDABLE.get(name, ())}
        for column in spec.columns:
            if f"sum_{column.name}" in added:
                assert column.unit == "persons", f"{name}.{column.name}: {column.unit}"
                sql = metrics(spec)[f"sum_{column.name}"]["expression"]
                both = f"select {sql}, sum({column.name}) from {name}"
                assert len(set(published.execute(both).fetchall()[0])) == 1


def test_figures_are_written_by_units_that_there_are(specs: dict[str, TableSpec]) -> None:
    units = {column.unit for name in VIEWS for column in specs[name].columns}
    assert FORMATS.keys() <= units


def test_assets_are_yaml_with_one_id_each_that_stays(made: dict, tmp_path) -> None:
    write({"gone.yaml": {}}, tmp_path / "assets")
    write(made, tmp_path / "assets")
    read = {
        path.relative_to(tmp_path / "assets").as_posix(): yaml.safe_load(path.read_text("utf-8"))
        for path in (tmp_path / "assets").rglob("*.yaml")
    }
    assert read == made
    ids = [asset["uuid"] for asset in made.values() if "uuid" in asset]
    assert len(set(ids)) == len(ids) == len(made) - 1
    # Another id would leave the old dashboard beside the new one, at the same address.
    assert made["dashboards/ilk.yaml"]["uuid"] == "ed6d63e4-d88d-5b4d-8b53-250b43b7ee7e"
    placed = {
        part["meta"]["uuid"]
        for part in made["dashboards/ilk.yaml"]["position"].values()
        if isinstance(part, dict) and part["type"] == "CHART"
    }
    assert placed == {asset["uuid"] for path, asset in made.items() if path.startswith("charts/")}


def test_the_source_is_the_file_or_the_address_that_superset_was_given(
    monkeypatch: pytest.MonkeyPatch, sample: Sample
) -> None:
    monkeypatch.delenv("SUPERSET_POSTGRES_URL", raising=False)
    monkeypatch.setenv("ILK_POSTGRES_URL", "postgresql://owner:secret@host/ilk")  # never this one
    source = source_of(sample.settings)
    assert make_url(source.uri).database == str(sample.settings.published_dir / "ilk.duckdb")
    assert source.schema == "main"
    monkeypatch.setenv(
        "SUPERSET_POSTGRES_URL", "postgresql://bi:p%40ss@host:5433/ilk?sslmode=require"
    )
    source = source_of(sample.settings)
    url = make_url(source.uri)
    assert (url.drivername, url.username, url.password) == ("postgresql+psycopg2", "bi", "p@ss")
    assert (url.host, url.port, url.query) == ("host", 5433, {"sslmode": "require"})
    assert source.schema == "ilk"


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path) -> ModuleType:
    monkeypatch.setenv("SUPERSET_HOME", str(tmp_path))
    monkeypatch.setenv("SUPERSET_SECRET_KEY", "a key for tests")
    found = importlib.util.spec_from_file_location("config", FOLDER / "superset_config.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_a_connection_to_duckdb_reads_the_file_and_nothing_else(
    config: ModuleType, tmp_path: Path
) -> None:
    file = tmp_path / "ilk.duckdb"
    with duckdb.connect(file) as connection:
        connection.execute("create table one as select 1 as number")
    uri, arguments = config.DB_CONNECTION_MUTATOR(
        make_url(f"duckdb:///{file}?access_mode=read_write"),
        {"connect_args": {"config": {"enable_external_access": "true"}}},
    )
    assert not uri.query
    with duckdb.connect(uri.database, config=arguments["connect_args"]["config"]) as connection:
        assert connection.execute("select number from one").fetchall() == [(1,)]
        for refused in (
            f"copy one to '{tmp_path}/one.csv'",
            f"attach '{tmp_path}/other.duckdb'",
            f"select * from read_csv('{FOLDER}/constraints.txt')",
            "install httpfs",
            "load httpfs",
            "create table two (one int)",
            "set enable_external_access = true",
            "set memory_limit = '1GB'",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(refused)
    assert list(tmp_path.iterdir()) == [file]


def test_a_connection_to_postgresql_and_a_page_are_hardened(config: ModuleType) -> None:
    _, arguments = config.DB_CONNECTION_MUTATOR(make_url("postgresql+psycopg2://host/ilk"), {})
    assert arguments["connect_args"]["options"] == "-c default_transaction_read_only=on"
    policy = config.TALISMAN_CONFIG["content_security_policy"]
    assert not re.search(r"https?:|\w\.\w|\*", str(policy)), "a page asks nobody but this server"


def test_every_package_is_pinned_and_no_index_is_named() -> None:
    pins = (FOLDER / "constraints.txt").read_text("utf-8")
    pinned = re.findall(r"^([\w.-]+)==\S+", pins, flags=re.M)
    assert len(pinned) == len(pins.splitlines())
    asked = re.findall(r"^([\w-]+)", (FOLDER / "requirements.txt").read_text("utf-8"), flags=re.M)
    assert set(asked) <= set(pinned)
