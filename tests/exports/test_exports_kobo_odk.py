"""Submissions pulled from KoboToolbox and ODK Central: every page, held against the count."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import pytest
from exports_cases import Cycle
from pydantic import SecretStr

from orchestration.exports.apis import odk, web
from orchestration.exports.apis.access import Access

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "exports" / "kobo"
AFTER_THE_WINDOW = datetime(2025, 12, 11, tzinfo=UTC)
KOBO = "kobo:aX7"
ODK = "odk:7/kepuasan pegawai"


@dataclass
class FakeKobo:
    """One asset, aX7; a page holds `most` submissions whatever is asked for."""

    submissions: dict[int, dict[str, Any]] = field(default_factory=dict)
    most: int = 2
    calls: list[dict[str, str]] = field(default_factory=list)
    fault: Callable[[dict[str, str], dict], Any] = lambda params, page: page

    def add(self, *numbers: int) -> None:
        for number in numbers:
            self.submissions[number] = {
                "_id": number, "unit": "A", "group/q1": "4",
                "_submission_time": f"2025-12-01T08:00:{number % 60:02}",
            }  # fmt: skip

    def answer(self, path: str, params: dict[str, str], signature: str) -> Any:
        self.calls.append(params)
        if signature != "Token rahasia":
            return 401, {"detail": "Invalid token."}
        if path != "/kobo/api/v2/assets/aX7/data/":
            return 404, {"detail": "Not found."}
        above = json.loads(params.get("query", '{"_id": {"$gt": 0}}'))["_id"]["$gt"]
        found = [self.submissions[number] for number in sorted(self.submissions) if number > above]
        start = int(params.get("start", 0))
        limit = min(int(params.get("limit", 100)), self.most)
        more = params | {"start": str(start + limit), "limit": str(limit)}
        page = {
            "count": len(found),
            # As servers behind a proxy have it: another host than the one that is asked.
            "next": f"http://kobo.internal{path}?{urlencode(more)}"
            if start + limit < len(found) else None,
            "previous": None,
            "results": found[start : start + limit],
        }  # fmt: skip
        return self.fault(params, page)


@dataclass
class FakeOdk:
    """One form, `kepuasan pegawai` of project 7."""

    submissions: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, str]] = field(default_factory=list)
    fault: Callable[[dict[str, str], dict], Any] = lambda params, page: page

    def answer(self, path: str, params: dict[str, str], signature: str) -> Any:
        self.calls.append(params)
        if signature != "Basic aWxrQG9kazpyYWhhc2lh":
            return 401, {"message": "Could not authenticate with the provided credentials."}
        if unquote(path) != "/v1/projects/7/forms/kepuasan pegawai.svc/Submissions":
            return 404, {"message": "Could not find the resource you were looking for."}
        names, last = [each["__id"] for each in self.submissions], params.get("$skiptoken")
        start, most = names.index(last) + 1 if last else 0, int(params["$top"])
        page = {"value": self.submissions[start : start + most],
                "@odata.context": "x", "@odata.count": len(self.submissions)}  # fmt: skip
        if most and start + most < len(self.submissions):
            more = params | {"$skiptoken": names[start + most - 1]}
            page["@odata.nextLink"] = f"https://odk.example{path}?{urlencode(more)}"
        return self.fault(params, page)


@contextmanager
def served(fake: FakeKobo | FakeOdk) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            answer = fake.answer(url.path, dict(parse_qsl(url.query)),
                                 self.headers["Authorization"])  # fmt: skip
            status, said = answer if isinstance(answer, tuple) else (200, answer)
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "RETRY", web.RETRY.new(backoff_factor=0))


@pytest.fixture
def kobo(cycle: Cycle) -> Iterator[FakeKobo]:
    cycle.on_a_server("kobo", "aX7")
    with served(fake := FakeKobo()) as url:
        cycle.access = {"kobo": Access(f"{url}/kobo", None, SecretStr("rahasia"))}
        yield fake


@pytest.fixture
def central(cycle: Cycle) -> Iterator[FakeOdk]:
    cycle.on_a_server("odk", "7/kepuasan pegawai")
    with served(fake := FakeOdk()) as url:
        cycle.access = {"odk": Access(url, "ilk@odk", SecretStr("rahasia"))}
        yield fake


def ids(cycle: Cycle, column: str = "_id") -> list[str]:
    return [
        record[column]
        for row in cycle.registry()
        if row["status"] == "read" and row["superseded_by"] is None
        for record in cycle.records(row)
    ]


# --- KoboToolbox ----------------------------------------------------------------------------------


def test_every_page_is_followed_and_kept_as_the_server_said_it(cycle, kobo):
    kobo.add(1, 2, 3, 4, 5)
    report = cycle.pull()
    assert (report.refused, report.new) == ((), (f"{KOBO}/000001-000005.json",))
    assert ids(cycle) == ["1", "2", "3", "4", "5"]
    [row] = cycle.registry()
    assert "group/q1" in row["header"]
    kept = (cycle.raw_dir / "files" / row["sha256"]).read_text(encoding="utf-8")
    assert kept.count('"count": 5') == 3


def test_during_the_window_kobo_is_asked_for_increments_and_for_everything_after_it(cycle, kobo):
    kobo.add(1, 2, 3)
    cycle.pull()
    kobo.add(7, 8, 9)
    kobo.submissions[1]["group/q1"] = "1"
    kobo.calls.clear()
    assert cycle.pull().new == (f"{KOBO}/000007-000009.json",)
    assert {params["query"] for params in kobo.calls if "query" in params} == {
        '{"_id": {"$gt": 3}}'
    }
    assert ids(cycle) == ["1", "2", "3", "7", "8", "9"]
    cycle.at = AFTER_THE_WINDOW
    del kobo.submissions[2]
    report = cycle.pull()
    assert report.withdrawn == (f"{KOBO}/000001-000003.json", f"{KOBO}/000007-000009.json")
    assert (ids(cycle), report.vanished[0].examples) == (["1", "3", "7", "8", "9"], ("2",))
    [row] = [row for row in cycle.registry() if row["superseded_by"] is None]
    assert cycle.records(row)[0]["group/q1"] == "1"


def test_no_submission_yet_is_no_error(cycle, kobo):
    report = cycle.pull()
    assert (report.refused, report.missing_sources, cycle.registry()) == ((), (KOBO,), [])


def test_a_page_says_how_many_there_are_and_fewer_are_refused(cycle, kobo):
    kobo.add(1, 2, 3, 4, 5)
    kobo.fault = lambda params, page: page | {"next": None}  # as a client that never pages
    [refusal] = cycle.pull().refused
    assert (refusal.code, refusal.name) == ("api_count", KOBO)
    assert "counts 5 responses, and 2 came" in refusal.message
    assert cycle.registry() == []


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("api_other_page", lambda params, page: page if "start" not in params
            else page | {"results": [{"_id": 1}]}),
        ("api_fewer", lambda params, page: page if "start" not in params
            else page | {"results": [], "next": "http://x/?start=2"}),
        ("api_no_ids", lambda params, page: page | {"results": [{"unit": "A"}]}),
        ("api_no_json", lambda params, page: b"<html>Log in</html>"),
        ("api_no_json", lambda params, page: {"detail": "x", "results": []}),
        ("api_cut", lambda params, page: json.dumps(page).encode()[:-9]),
        ("api_status", lambda params, page: (502, b"<html>Bad gateway</html>")),
    ],
)  # fmt: skip
def test_what_kobo_answers_otherwise_is_refused_and_what_landed_stays(cycle, kobo, code, fault):
    kobo.add(1, 2, 3)
    cycle.pull()
    kobo.add(4, 5, 6)
    kobo.fault = fault
    [refusal] = cycle.pull().refused
    assert (refusal.name, refusal.code) == (KOBO, code)
    assert "stays in use" in refusal.message
    assert ids(cycle) == ["1", "2", "3"]
    kobo.fault = lambda params, page: page
    cycle.pull()
    assert ids(cycle) == ["1", "2", "3", "4", "5", "6"]


def deleting(kobo: FakeKobo, *numbers: int) -> Callable[[dict[str, str], dict], Any]:
    """Delete one of the submissions right after the page that it stands on was given."""
    left = [*numbers]

    def fault(params: dict[str, str], page: dict) -> dict:
        there = [record["_id"] for record in page["results"]]
        if params["limit"] != "1" and left and left[0] in there:
            kobo.submissions.pop(left.pop(0))
            kobo.add(max(kobo.submissions) + 1)  # so that the server counts as many as before
        return page

    return fault


def test_a_submission_deleted_while_pages_are_fetched_costs_no_other_one(cycle, kobo):
    kobo.add(1, 2, 3, 4, 5)
    kobo.fault = deleting(kobo, 1)
    assert cycle.pull().refused == ()
    assert ids(cycle) == ["2", "3", "4", "5", "6"]  # 3 had moved to the page that was there already


def test_submissions_deleted_each_time_are_refused(cycle, kobo):
    kobo.add(1, 2, 3, 4, 5)
    kobo.fault = deleting(kobo, 1, 2)
    [refusal] = cycle.pull().refused
    assert (refusal.name, refusal.code) == (KOBO, "api_deleted")
    assert "Run again when nobody deletes responses" in refusal.message
    assert "Jalankan lagi saat tidak ada yang menghapus jawaban" in refusal.message_id
    assert cycle.registry() == []
    assert ids(cycle) == []


def test_a_wrong_token_and_an_unknown_asset_are_told_apart(cycle, kobo):
    kobo.add(1)
    url = cycle.access["kobo"].url
    cycle.access = {"kobo": Access(url, None, SecretStr("salah"))}
    [refusal] = cycle.pull().refused
    assert "Correct ILK_KOBO_TOKEN" in refusal.message
    assert "salah" not in refusal.message
    cycle.access = {"kobo": Access(url, None, SecretStr("rahasia"))}
    cycle.on_a_server("kobo", "aY8")
    [refusal] = cycle.pull().refused
    assert "Correct the location in survey_sources.csv" in refusal.message
    cycle.access = {}
    [refusal] = cycle.pull().refused
    assert "Set ILK_KOBO_URL, ILK_KOBO_TOKEN" in refusal.message


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared sample exports are not beside the repo")
@pytest.mark.parametrize("name", ["customer_satisfaction", "dietary_needs", "grouped_repeatable"])
def test_real_submissions_hold_the_same_as_their_exported_csv(cycle, kobo, name):
    records = json.loads((SHARED / f"{name}_api_submissions.json").read_text(encoding="utf-8"))
    kobo.submissions = {n: record | {"_id": n} for n, record in enumerate(records, start=1)}
    cycle.pull()
    [row] = cycle.registry()
    assert row["record_count"] == len(records)
    landed = cycle.records(row)
    for record, cells in zip(records, landed, strict=True):
        for key, value in record.items():
            if isinstance(value, str):
                assert cells[key] == value


# --- ODK Central ----------------------------------------------------------------------------------


def submissions(*names: str) -> list[dict[str, Any]]:
    return [
        {"__id": f"uuid:{name}", "unit": "A", "group": {"q1": 4}, "__system": {"edits": 0}}
        for name in names
    ]


def test_odk_central_is_asked_for_everything_each_time(cycle, central, monkeypatch):
    monkeypatch.setattr(odk, "PAGE_RESPONSES", 2)
    central.submissions = submissions("c", "b", "a")
    report = cycle.pull()
    assert (report.refused, report.new) == ((), (f"{ODK}/all.json",))
    [row] = cycle.registry()
    assert [record["group/q1"] for record in cycle.records(row)] == ["4", "4", "4"]
    central.submissions = submissions("d", "c", "b")
    report = cycle.pull()
    assert report.superseded == (f"{ODK}/all.json",)
    assert ids(cycle, "__id") == ["uuid:d", "uuid:c", "uuid:b"]
    assert report.vanished[0].examples == ("uuid:a",)
    assert cycle.pull().unchanged == (f"{ODK}/all.json",)


def test_submissions_that_come_in_while_pages_are_asked_for_wait_for_the_next_pull(
    cycle, central, monkeypatch
):
    monkeypatch.setattr(odk, "PAGE_RESPONSES", 2)
    central.submissions = submissions("c", "b", "a")

    def growing(params: dict[str, str], page: dict) -> dict:
        if "$skiptoken" not in params and params["$top"] != "0":
            central.submissions = submissions("d", "c", "b", "a")  # the newest stands first
        return page

    central.fault = growing
    report = cycle.pull()
    assert (report.refused, ids(cycle, "__id")) == ((), ["uuid:c", "uuid:b", "uuid:a"])
    [row] = cycle.registry()
    kept = (cycle.raw_dir / "files" / row["sha256"]).read_text(encoding="utf-8")
    assert ('"@odata.count": 3' in kept, '"@odata.count": 4' in kept) == (True, True)
    assert cycle.pull().superseded == (f"{ODK}/all.json",)
    assert ids(cycle, "__id") == ["uuid:d", "uuid:c", "uuid:b", "uuid:a"]


def test_odk_central_too_must_add_up(cycle, central):
    central.submissions = submissions("a", "b", "c")
    central.fault = lambda params, page: page | {"value": page["value"][:2]}
    [refusal] = cycle.pull().refused
    assert (refusal.name, refusal.code) == (ODK, "api_count")
    central.fault = lambda params, page: page | {"value": [], "@odata.nextLink": "http://x/?a=1"}
    [refusal] = cycle.pull().refused
    assert refusal.code == "api_no_ids"
    cycle.access = {"odk": Access(cycle.access["odk"].url, "ilk@odk", SecretStr("salah"))}
    [refusal] = cycle.pull().refused
    assert "Betulkan ILK_ODK_PASSWORD" in refusal.message_id
    assert cycle.registry() == []
