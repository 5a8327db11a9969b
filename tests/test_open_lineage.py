"""OpenLineage: our events are the standard's, reach a real endpoint, and lead from end to start."""

import json
import logging
import pkgutil
import re
import threading
import types
import typing
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import attr
import openlineage.client.generated as standard
import pytest
from openlineage.client.generated.base import BaseEvent, BaseFacet, RunEvent

from orchestration.lineage.events import Dataset, LineageRun, Outlet, facet
from tests.conftest import SAMPLE_CYCLES, Sample

RUN_ID = "3f2a9a52-6f0e-4b57-9d0e-3f6f1f0c5a11"
AT = datetime(2025, 6, 1, tzinfo=UTC)

# The classes that the standard's makers generate from its schema, a facet's by its _schemaURL.
MODULES = [
    import_module(f"{standard.__name__}.{module.name}")
    for module in pkgutil.iter_modules(standard.__path__)
]
FACETS = {
    found._get_schema(): found
    for module in MODULES
    for found in vars(module).values()
    if isinstance(found, type) and issubclass(found, BaseFacet)
}


# The formats of the standard's JSON schema, which its classes leave unchecked or half checked: a
# time without a zone, any text for an address. By the names of the fields that bear them.
FORMATS = {
    "eventTime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.]\d+)?(Z|[+-]\d\d:\d\d)",
    "runId": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    **dict.fromkeys(
        ("producer", "_producer", "schemaURL", "_schemaURL"),
        r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+",
    ),
}
SUFFIX = re.compile(r"(Input|Output)?DatasetFacet$|(Run|Job)Facet$")


def key_of(kind: type) -> str:
    """The name under which the standard's schema has a facet: its class without the suffix."""
    bare = SUFFIX.sub("", kind.__name__)
    return {"DatasetVersion": "version"}.get(bare, bare[0].lower() + bare[1:])


def demand(kind: Any, value: Any, place: str) -> None:
    """Fail where a JSON value is not what a class of the standard says, anywhere inside."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        # Its schema knows no null: what is not there is left out.
        demand(next(one for one in inner if one is not type(None)), value, place)
    elif origin is list:
        assert isinstance(value, list), f"{place} is no list"
        for number, one in enumerate(value):
            demand(inner[0], one, f"{place}[{number}]")
    elif origin is dict:
        assert isinstance(value, dict), f"{place} is no object"
        for name, one in value.items():
            demand(inner[1], one, f"{place}.{name}")
            if isinstance(inner[1], type) and issubclass(inner[1], BaseFacet):
                expected = key_of(FACETS[one["_schemaURL"]])
                assert name == expected, f"{place}.{name} is called {expected}"
    elif isinstance(kind, type) and issubclass(kind, Enum):
        assert value in [member.value for member in kind], f"{place} is {value}"
    elif attr.has(kind):
        demand_object(kind, value, place)
    else:
        assert type(value) is kind, f"{place} is no {kind.__name__}"


def demand_object(kind: type, value: dict[str, Any], place: str) -> None:
    assert isinstance(value, dict), f"{place} is no object"
    if issubclass(kind, BaseFacet):
        own = FACETS[value["_schemaURL"]]
        assert issubclass(own, kind), f"{place}: a {own.__name__} does not belong here"
        kind = own
    fields = {field.name: field for field in attr.fields(kind)}
    unknown = value.keys() - fields.keys()
    assert not unknown, f"{place}: {kind.__name__} has no {sorted(unknown)}"
    hints = typing.get_type_hints(kind)
    for name, field in fields.items():
        if name in value:
            demand(hints[name], value[name], f"{place}.{name}")
            pattern = FORMATS.get(name)
            assert pattern is None or re.fullmatch(pattern, value[name]), f"{place}.{name}"
        else:
            # Classes fill these in, the schema wants them from whoever writes an event.
            is_required = field.default is attr.NOTHING or name in FORMATS
            assert not is_required, f"{place} lacks {name}"
    if issubclass(kind, BaseEvent):
        assert value["schemaURL"] == kind._get_schema(), f"{place}.schemaURL"
    # Its validators: UUIDs, times and addresses.
    kind(**{field.alias: value[field.name] for field in fields.values() if field.init and (
        field.name in value
    )})  # fmt: skip


@pytest.fixture(scope="module")
def runs(sample: Sample) -> list[list[dict[str, Any]]]:
    """The events of the sample's runs, by run."""
    files = sorted(sample.settings.lineage_dir.glob("*.jsonl"))
    lines = [file.read_text(encoding="utf-8").splitlines() for file in files]
    return [[json.loads(line) for line in run] for run in lines]


def test_every_event_of_a_run_is_the_standards(runs: list[list[dict[str, Any]]]) -> None:
    assert len(runs) >= len(SAMPLE_CYCLES)
    for number, event in enumerate(event for run in runs for event in run):
        demand(RunEvent, event, f"event {number}")


@pytest.mark.parametrize(
    "spoilt",
    [
        {"eventType": "DONE"},
        {"run": {"runId": "17", "facets": {}}},
        {"eventTime": "yesterday"},
        {"eventTime": "2025-06-01T10:00:00"},
        {"eventTime": None},
        {"producer": "us"},
        {"schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent"},
        {"surprise": 1},
        {"inputs": None},
        {"job": {"namespace": "ilk"}},
        {"job": {"namespace": "ilk", "name": "x", "facets": {"type": {
            **facet("JobTypeJobFacet", processingType="BATCH", integration="ILK")}}}},
        {"job": {"namespace": "ilk", "name": "x", "facets": {"jobType": {
            **facet("JobTypeJobFacet", processingType="BATCH")}}}},
        {"job": {"namespace": "ilk", "name": "x", "facets": {"jobType": {
            "_schemaURL": facet("JobTypeJobFacet")["_schemaURL"],
            "processingType": "BATCH", "integration": "ILK"}}}},
        {"outputs": [{"namespace": "a", "name": "b", "outputFacets": {"outputStatistics": {
            **facet("OutputStatisticsOutputDatasetFacet", rowCount=True)}}}]},
        {"outputs": [{"namespace": "a", "name": "b", "facets": {"schema": {
            **facet("SchemaDatasetFacet", fields=[{"name": 1}])}}}]},
        {"outputs": [{"namespace": "a", "name": "b", "facets": {"parent": {
            **facet("ErrorMessageRunFacet", message="x", programmingLanguage="Python")}}}]},
    ],
    ids=lambda spoilt: next(iter(spoilt)),
)  # fmt: skip
def test_the_check_against_the_standard_finds_what_is_not(
    spoilt: dict[str, Any], tmp_path: Path
) -> None:
    run = LineageRun(Outlet(tmp_path / "events.jsonl"), run_id=RUN_ID, namespace="ilk")
    run.start()
    event = json.loads((tmp_path / "events.jsonl").read_text(encoding="utf-8"))
    demand(RunEvent, event, "event")
    with pytest.raises((AssertionError, ValueError, TypeError)):
        demand(RunEvent, event | spoilt, "event")


@pytest.mark.parametrize("field", ["eventTime", "producer", "schemaURL", "run", "job"])
def test_the_check_against_the_standard_misses_what_an_event_must_have(
    field: str, runs: list[list[dict[str, Any]]]
) -> None:
    with pytest.raises(AssertionError, match=f"lacks {field}"):
        demand(
            RunEvent, {name: of for name, of in runs[0][0].items() if name != field}, "event"
        )  # fmt: skip


def test_every_run_begins_once_and_ends_once_and_not_before(
    runs: list[list[dict[str, Any]]],
) -> None:
    by_run: dict[str, list[dict[str, Any]]] = {}
    for event in (event for run in runs for event in run):
        by_run.setdefault(event["run"]["runId"], []).append(event)
    for events in by_run.values():
        begun, ended = sorted(events, key=lambda event: datetime.fromisoformat(event["eventTime"]))
        assert (begun["eventType"], ended["eventType"]) == ("START", "COMPLETE")
        assert begun["job"] == ended["job"]


def test_a_run_starts_before_and_ends_after_all_that_it_makes(
    runs: list[list[dict[str, Any]]],
) -> None:
    for events in runs:
        jobs = [(event["job"]["name"], event["eventType"]) for event in events]
        assert jobs[0] == ("survey_cycle", "START")
        assert jobs[-1] == ("survey_cycle", "COMPLETE")
        (run_id,) = {event["run"]["runId"] for event in (events[0], events[-1])}
        for event in events[1:-1]:
            assert event["run"]["facets"]["parent"]["run"]["runId"] == run_id


def test_events_lead_from_a_published_table_to_the_landed_files(
    sample: Sample, runs: list[list[dict[str, Any]]]
) -> None:
    made_of: dict[str, set[str]] = {}
    for event in (event for run in runs for event in run):
        for output in event["outputs"]:
            made_of.setdefault(output["name"], set()).update(
                dataset["name"] for dataset in event["inputs"]
            )
    found, ahead = set(), ["main.idx_scores"]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += made_of.get(name, ())
    landed = {str(path) for path in Path(sample.settings.landing).rglob("*.*") if path.is_file()}
    assert landed <= found


@pytest.mark.parametrize("figure", ["score", "se"])  # the error by way of Python models
def test_columns_lead_from_a_figure_to_the_answers_of_an_export(
    runs: list[list[dict[str, Any]]], figure: str
) -> None:
    made_of: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for output in (output for run in runs for event in run for output in event["outputs"]):
        fields = output["facets"].get("columnLineage", {}).get("fields", {})
        for column, content in fields.items():
            made_of.setdefault((output["name"], column), set()).update(
                (field["name"], field["field"]) for field in content["inputFields"]
            )
    found, ahead = set(), [("indexes.idx_scores", figure)]
    while ahead:
        column = ahead.pop()
        if column not in found:
            found.add(column)
            ahead += made_of.get(column, ())
    headings = {field for table, field in found if table.endswith("/raw/survey_responses")}
    assert {"SDMREL1[PST]", "BMNRES1[WIL]"} <= headings
    assert "NIP" not in headings


class _Endpoint(BaseHTTPRequestHandler):
    received: typing.ClassVar[list[tuple[str, str | None, dict[str, Any]]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, self.headers["Authorization"], json.loads(body)))
        self.send_response(201)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    """A real server on this machine."""
    _Endpoint.received.clear()
    with HTTPServer(("127.0.0.1", 0), _Endpoint) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def made(run: LineageRun) -> None:
    run.start()
    table = Dataset("duckdb:///w.duckdb", "marts.fct_strata")
    run.send(
        run.made(
            "marts.fct_strata",
            inputs=[],
            outputs=[table],
            started_at=AT,
            ended_at=AT,
            job_type="MODEL",
        )
    )
    run.end(problem="dbt check assert_x: Got 3 results")


def test_events_reach_an_endpoint_in_order_with_the_key(endpoint: str, tmp_path: Path) -> None:
    outlet = Outlet(tmp_path / "e.jsonl", url=f"{endpoint}/api/v1/lineage", api_key="secret")
    made(LineageRun(outlet, run_id=RUN_ID, namespace="ilk"))
    assert {(path, key) for path, key, _ in _Endpoint.received} == {
        ("/api/v1/lineage", "Bearer secret")
    }
    lines = (tmp_path / "e.jsonl").read_text(encoding="utf-8").splitlines()
    assert [event for *_, event in _Endpoint.received] == [json.loads(line) for line in lines]
    assert [json.loads(line)["eventType"] for line in lines] == [
        "START", "START", "COMPLETE", "FAIL",
    ]  # fmt: skip
    assert "secret" not in "".join(lines)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "no address", "http://[::1"])
def test_a_dead_endpoint_is_warned_of_once_and_the_file_has_all(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "ilk.lineage"):
        made(LineageRun(Outlet(tmp_path / "e.jsonl", url=url), run_id=RUN_ID, namespace="ilk"))
    assert len(caplog.records) == 1
    assert "the run goes on" in caplog.text
    assert len((tmp_path / "e.jsonl").read_text(encoding="utf-8").splitlines()) == 4
