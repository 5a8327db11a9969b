"""Asks a running Superset what a reader would see, and compares it with the publication.

Belongs here: each chart's figures through Superset's own API, and what must be refused. Doesn't:
the structure of the assets (tests/test_superset.py).

    python -m deploy.superset.check <address>     with SUPERSET_ADMIN_PASSWORD
"""

import calendar
import json
import os
import sys
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, Request, build_opener

import duckdb

from deploy.superset.assets import CHARTS, UNITS, Chart
from orchestration.settings import get_settings

# Each would read or write beside the published tables. The answer says what refused it.
REFUSED = (
    "copy (select 1) to 'ilk-superset-check.csv'",
    "attach 'ilk-superset-check.duckdb' as other",
    "install httpfs",
    "load httpfs",
    "select * from read_csv('/etc/passwd')",
    "select * from '/etc/passwd'",
    "set enable_external_access = true",
    "create table main.one (one int)",
    "drop view v_index_by_unit",
)


Figure = str | bool | float | None


class Superset:
    """A Superset that somebody has logged in to."""

    def __init__(self, address: str, password: str) -> None:
        """Log in as admin."""
        self.address = address
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))
        self._headers = {"Content-Type": "application/json"}
        login = {"username": "admin", "password": password, "provider": "db"}
        token = self.ask("/api/v1/security/login", login)["access_token"]
        self._headers["Authorization"] = f"Bearer {token}"
        self._headers["X-CSRFToken"] = self.ask("/api/v1/security/csrf_token/")["result"]

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the answer; that of a fault too."""
        data = None if body is None else json.dumps(body).encode("utf-8")
        request = Request(self.address + path, data=data, headers=self._headers)
        try:
            with self._opener.open(request) as answer:
                text = answer.read()
        except HTTPError as error:
            text = error.read()
        found: dict[str, Any] = json.loads(text.decode("utf-8"))
        return found


def check(superset: Superset, published: duckdb.DuckDBPyConnection) -> list[str]:
    """Print what was compared; return what is wrong."""
    cycle, unit = published.execute(
        "select cycle_id, unit_name from v_index_by_unit order by cycle_id desc, score is null,"
        " respondent_count desc limit 1"
    ).fetchall()[0]
    charts = {
        chart["slice_name"]: chart["id"]
        for chart in superset.ask("/api/v1/chart/?q=(page_size:100)")["result"]
    }
    wrong = []
    for chart in CHARTS:
        title = chart.title.both
        saved = superset.ask(f"/api/v1/chart/{charts[title]}")["result"]["query_context"]
        choices: list[dict[str, str]] = [{}, {"cycle_id": cycle}]
        if chart.view in UNITS:
            choices.append({"cycle_id": cycle, "unit_name": unit})
        for chosen in choices:
            context = json.loads(saved)
            context["queries"][0]["filters"] = [
                {"col": column, "op": "IN", "val": [value]} for column, value in chosen.items()
            ]
            answer = superset.ask("/api/v1/chart/data", context)
            found = _by_key(answer["result"][0]["data"] if "result" in answer else [], chart)
            expected = _expected(published, chart, chosen)
            where = f"{title}, {' · '.join(chosen.values()) or 'all'}"
            if not found or found != expected:
                other = {key: row for key, row in found.items() if expected.get(key) != row}
                wrong.append(f"{where}: {str(other or answer)[:500]}")
                continue
            shown = sum(value is not None for row in found.values() for value in row)
            print(f"as published: {where}: {len(found)} rows, {shown} values")
    for database in superset.ask("/api/v1/database/")["result"]:
        for sql in REFUSED:
            body = {"database_id": database["id"], "sql": sql, "runAsync": False}
            answer = superset.ask("/api/v1/sqllab/execute/", body)
            if answer.get("errors"):
                print(f"refused: {sql}: {answer['errors'][0]['message'].splitlines()[0][:100]}")
            else:
                wrong.append(f"{database['database_name']} took {sql}: {str(answer)[:500]}")
    return wrong


def _by_key(rows: list[dict[str, Any]], chart: Chart) -> dict[tuple[str, ...], tuple[Figure, ...]]:
    return {
        tuple(_key(row[column]) for column in chart.by): tuple(
            _figure(row[name]) for name in chart.metrics
        )
        for row in rows
    }


def _expected(
    published: duckdb.DuckDBPyConnection, chart: Chart, chosen: Mapping[str, str]
) -> dict[tuple[str, ...], tuple[Figure, ...]]:
    """Return what a chart must show, without its metrics' SQL: the view's own rows."""
    columns = [name.removeprefix("only_").removeprefix("sum_") for name in chart.metrics]
    where = "".join(f" and {column} = ?" for column in chosen)
    groups = defaultdict(list)
    cursor = published.execute(
        f"select {', '.join([*chart.by, *columns])} from {chart.view} where true {where}",
        list(chosen.values()),
    )
    for row in cursor.fetchall():
        groups[tuple(map(_key, row[: len(chart.by)]))].append(row[len(chart.by) :])
    return {
        key: tuple(
            _one(name, [row[place] for row in rows]) for place, name in enumerate(chart.metrics)
        )
        for key, rows in groups.items()
    }


def _one(metric: str, values: list[object]) -> Figure:
    known = [figure for figure in map(_figure, values) if figure is not None]
    if not known or (metric.startswith("only_") and len(values) > 1):
        return None
    return known[0] if len(known) == 1 else sum(float(figure) for figure in known)


def _key(value: object) -> str:
    """Return a key's word: Superset tells days in milliseconds."""
    if isinstance(value, date):
        return str(calendar.timegm(value.timetuple()) * 1000)
    return str(int(value) if isinstance(value, float) else value)


def _figure(value: object) -> Figure:
    if value is None or isinstance(value, str | bool):
        return value
    assert isinstance(value, int | float | Decimal)
    return round(float(value), 9)


def main(address: str) -> None:
    """Check, and end with 1 where something is wrong."""
    superset = Superset(address, os.environ["SUPERSET_ADMIN_PASSWORD"])
    published = (get_settings().published_dir / "ilk.duckdb").resolve()
    with duckdb.connect(published, read_only=True) as connection:
        if wrong := check(superset, connection):
            sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main(sys.argv[1])
