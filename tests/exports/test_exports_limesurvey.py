"""Surveys pulled from LimeSurvey's server: what is asked when, what is refused, what stays."""

import base64
import csv
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from exports_cases import CYCLE, Cycle
from fake_limesurvey import FakeLimeSurvey, served
from pydantic import SecretStr
from test_exports_faults import TABLE

from orchestration.exports.apis import limesurvey, web
from orchestration.exports.apis.access import Access
from orchestration.exports.faults import FAULTS
from orchestration.exports.sources import SourceError, landed_address
from tests.small_cycle import HEADER, SmallCycle

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "exports" / "limesurvey"
NAME = "limesurvey:265831"
AFTER_THE_WINDOW = datetime(2025, 12, 11, tzinfo=UTC)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "RETRY", web.RETRY.new(backoff_factor=0))
    monkeypatch.setattr(web, "TIMEOUTS", (1.0, 0.5))


@pytest.fixture
def server() -> Iterator[FakeLimeSurvey]:
    with served(FakeLimeSurvey()) as fake:
        yield fake


@pytest.fixture
def asked(cycle: Cycle, server: FakeLimeSurvey) -> Cycle:
    """A cycle whose only source is the server; its window is open until 10 December."""
    cycle.on_a_server("limesurvey", "265831")
    cycle.access = {
        "limesurvey": Access(server.url, "ilk", SecretStr("rahasia & 100%")),
    }
    return cycle


def files(cycle: Cycle) -> list[str]:
    return [name.removeprefix(f"{NAME}/") for name in cycle.in_use()]


def ids(cycle: Cycle) -> list[str]:
    return [
        record["id"]
        for row in cycle.registry()
        if row["status"] == "read" and row["superseded_by"] is None
        for record in cycle.records(row)
    ]


def scores(cycle: Cycle) -> set[str]:
    return {
        record["q1"]
        for row in cycle.registry()
        if row["superseded_by"] is None
        for record in cycle.records(row)
    }


def exports(server: FakeLimeSurvey) -> list[tuple]:
    """From, to and fields of the exports asked for."""
    return [call[7:] for call in server.calls if call[0] == "export_responses"]


# --- what is asked when -------------------------------------------------------------------------


def test_a_first_pull_brings_all_responses_partial_ones_too_as_the_server_said_them(asked, server):
    server.add(*range(1, 31))
    report = asked.pull()
    assert (report.new, report.records_read) == ((f"{NAME}/000001-000030.csv",), 30)
    [row] = asked.registry()
    assert (row["source"], row["profile_id"], row["record_count"]) == (NAME, "gform", 30)
    assert [record["id"] for record in asked.records(row) if not record["submitdate"]] == [
        "10", "20", "30",
    ]  # fmt: skip
    assert asked.records(row)[0]["unit"] == "A;\n1 é"
    kept = (asked.raw_dir / "files" / row["sha256"]).read_bytes()
    assert kept.startswith(b'\xef\xbb\xbf"id";"submitdate"')
    assert kept.endswith(b"\r\n\r\n")
    assert not list(asked.raw_dir.rglob("*.tmp"))
    assert landed_address("/landing", row["name"]) == row["name"]
    assert not server.keys, "the session key was given back"


def test_during_the_window_only_ids_above_the_highest_landed_are_asked_for(asked, server):
    server.add(1, 2, 3)
    asked.pull()
    server.calls.clear()
    server.add(5, 7)
    server.responses[2][-1] = "1"  # edited: waits for the close of the window
    report = asked.pull()
    assert exports(server) == [(4, None, ["id"]), (5, 7)]
    assert (report.new, report.unchanged, report.withdrawn) == (
        (f"{NAME}/000005-000007.csv",), (f"{NAME}/000001-000003.csv",), (),
    )  # fmt: skip
    assert ids(asked) == ["1", "2", "3", "5", "7"]
    assert scores(asked) == {"4"}


def test_a_pull_without_new_responses_asks_for_ids_alone_and_changes_nothing(asked, server):
    server.add(1, 2)
    asked.pull()
    server.calls.clear()
    report = asked.pull()
    assert exports(server) == [(3, None, ["id"])]
    assert (report.new, report.unchanged) == ((), (f"{NAME}/000001-000002.csv",))
    assert not report.missing_sources


def test_an_empty_range_may_also_be_answered_by_headings_alone(asked, server):
    server.add(1, 2)
    asked.pull()
    heading = base64.b64encode('\ufeff"id"\r\n\r\n'.encode()).decode()
    server.faults["export_responses"] = [lambda answer: answer | {"result": heading}]
    assert asked.pull().unchanged == (f"{NAME}/000001-000002.csv",)


def test_after_the_window_everything_is_asked_for_and_supersedes_the_increments(asked, server):
    server.add(1, 2, 3)
    asked.pull()
    server.add(4, 5)
    asked.pull()
    server.responses[2][-1] = "1"
    del server.responses[3]
    asked.at = AFTER_THE_WINDOW
    report = asked.pull()
    assert report.new == (f"{NAME}/000001-000005.csv",)
    assert report.withdrawn == (f"{NAME}/000001-000003.csv", f"{NAME}/000004-000005.csv")
    assert ids(asked) == ["1", "2", "4", "5"]
    assert scores(asked) == {"1", "4"}
    [gone] = report.vanished
    assert (gone.source, gone.count, gone.examples) == (NAME, 1, ("3",))
    again = asked.pull()
    assert (again.unchanged, again.vanished) == ((f"{NAME}/000001-000005.csv",), ())


def test_an_edited_answer_comes_with_the_close_of_the_window(asked, server):
    server.add(1, 2)
    asked.pull()
    server.responses[2][-1] = "1"
    assert asked.pull().superseded == ()
    asked.at = AFTER_THE_WINDOW
    assert asked.pull().superseded == (f"{NAME}/000001-000002.csv",)
    assert scores(asked) == {"1", "4"}


def test_the_day_of_the_close_is_the_windows_in_jakarta(asked, server):
    server.add(1)
    asked.at = datetime(2025, 12, 10, 14, tzinfo=UTC)
    asked.pull()
    for expected in (
        [(2, None, ["id"])],  # 23:00 in Jakarta
        [(1, None, ["id"]), (1, 1)],  # 0:00
    ):
        server.calls.clear()
        asked.pull()
        assert exports(server) == expected


def test_a_response_deleted_during_the_window_makes_the_pull_ask_for_everything(asked, server):
    server.add(1, 2, 3)
    asked.pull()
    del server.responses[2]
    server.add(4)
    report = asked.pull()
    assert ids(asked) == ["1", "3", "4"]
    assert (report.refused, report.vanished[0].examples) == ((), ("2",))


def test_responses_imported_below_the_highest_id_are_not_missed(asked, server):
    server.add(1, 2, 9)
    asked.pull()
    server.add(5)
    asked.pull()
    assert ids(asked) == ["1", "2", "5", "9"]


def test_no_response_yet_is_no_error_and_no_file(asked, server):
    report = asked.pull()
    assert (report.refused, report.new, report.missing_sources) == ((), (), (NAME,))
    assert asked.registry() == []


def test_a_final_cycle_is_not_asked_for_again(asked, server):
    server.add(1, 2)
    asked.pull()
    asked.cycle_status("final")
    server.calls.clear()
    server.is_switched_on = False
    assert asked.pull().unchanged == (f"{NAME}/000001-000002.csv",)
    assert server.calls == []


def test_pages_are_ranges_of_ids_and_gaps_between_ids_cost_no_page(asked, server, monkeypatch):
    monkeypatch.setattr(limesurvey, "PAGE_RESPONSES", 3)
    server.add(1, 2, 3, 1000, 2000, 900_000, 900_001)
    report = asked.pull()
    assert exports(server) == [
        (1, None, ["id"]), (1, 3), (1000, 900_000), (900_001, 900_001),
    ]  # fmt: skip
    assert files(asked) == ["000001-000003.csv", "001000-900000.csv", "900001-900001.csv"]
    assert report.records_read == 7
    assert f"{NAME}: 6 / 7" in asked.progress


def test_a_source_that_is_taken_out_of_the_seed_is_withdrawn(asked, server):
    server.add(1)
    asked.pull()
    asked.seed("gform")
    asked.drop("gform/a.csv", "id,unit\n1,A\n")
    assert asked.pull().withdrawn == (f"{NAME}/000001-000001.csv",)


def test_another_profile_reads_what_was_pulled_before_anew(asked, server):
    server.add(1)
    asked.pull()
    rows = asked.seeds_dir / "survey_sources.csv"
    rows.write_text(rows.read_text(encoding="utf-8").replace("gform", "msform"), encoding="utf-8")
    assert asked.pull().superseded == (f"{NAME}/000001-000001.csv",)
    assert asked.registry()[-1]["profile_id"] == "msform"


def test_two_rows_of_one_survey_are_an_error_that_names_it(asked):
    rows = asked.seeds_dir / "survey_sources.csv"
    text = rows.read_text(encoding="utf-8")
    rows.write_text(f"{text}{CYCLE},msform,limesurvey,265831\n", encoding="utf-8")
    with pytest.raises(SourceError, match=f"{NAME}.*two rows"):
        asked.pull()


# --- what is refused ----------------------------------------------------------------------------


def shorter(answer: dict) -> dict:
    """The export without its last record."""
    lines = base64.b64decode(answer["result"]).decode().split("\r\n")
    text = "\r\n".join([*lines[:-3], "", ""])
    return answer | {"result": base64.b64encode(text.encode()).decode()}


def cut_in_base64(answer: dict) -> dict:
    return answer | {"result": answer["result"][:-7]}


def cut_in_a_record(answer: dict) -> dict:
    content = base64.b64decode(answer["result"])[:-9]
    return answer | {"result": base64.b64encode(content).decode()}


def cut_in_json(answer: dict) -> bytes:
    return json.dumps(answer).encode()[:-20]


def web_page(answer: dict) -> bytes:
    return b"<!DOCTYPE html><html>Maintenance</html>"


def status(text: str) -> Callable[[dict], dict]:
    return lambda answer: answer | {"result": {"status": text}}


def http(code: int, **headers: str) -> Callable[..., Any]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda answer: (code, names, b"<html>Error</html>")


def slow(answer: dict) -> dict:
    time.sleep(0.7)
    return answer


ALWAYS = 20
FIRST_PAGE: list[Any] = []
"""Answers of the first export, to be given again for others."""


BROKEN: dict[str, tuple[str, str, Callable[[dict], Any]]] = {
    "wrong_password": ("limesurvey_login", "get_session_key",
                       status("Invalid user name or password")),
    "locked_out": ("limesurvey_login", "get_session_key",
                   status("You have exceeded the number of maximum login attempts.")),
    "expired_again": ("limesurvey_expired", "get_summary", status("Invalid session key")),
    "unknown_survey": ("limesurvey_unknown", "get_summary", status("Invalid surveyid")),
    "no_right": ("limesurvey_unknown", "export_responses", status("No permission")),
    "inactive": ("limesurvey_inactive", "export_responses",
                 status("No Data, survey table does not exist.")),
    "other_status": ("limesurvey_status", "get_summary", status("Faulty parameters")),
    "rpc_error": ("limesurvey_status", "get_summary",
                  lambda answer: answer | {"result": None, "error": "unknown method"}),
    "switched_off": ("limesurvey_off", "get_session_key", lambda answer: b""),
    "http_500": ("api_status", "export_responses", http(500)),
    "http_403": ("api_refused", "get_session_key", http(403)),
    "http_404": ("api_not_found", "get_session_key", http(404)),
    "moved": ("api_moved", "get_session_key", http(301, Location="https://x:token@survei.example/token?token=1")),
    "busy": ("api_busy", "export_responses", http(429, Retry_After="36001")),
    "web_page": ("api_no_json", "get_session_key", web_page),
    "other_answer": ("api_no_json", "get_summary", lambda answer: answer | {"id": 999}),
    "cut_in_json": ("api_cut", "export_responses", cut_in_json),
    "cut_in_base64": ("api_cut", "export_responses", cut_in_base64),
    "cut_in_a_record": ("api_cut", "export_responses", cut_in_a_record),
    "no_answer": ("api_unreachable", "get_summary", slow),
    "shrinks": ("api_fewer", "export_responses", shorter),
    "counts_more": ("api_count", "get_summary",
                    lambda answer: answer | {"result": {"full_responses": 99}}),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_server_that_fails_is_refused_in_a_sentence_and_the_others_go_on(asked, server, name):
    """And what was pulled from it before stays in use, in the window and after it."""
    code, method, fault = BROKEN[name]
    asked.on_a_server("limesurvey", "265831", "msform")
    server.add(1, 2, 3)
    asked.pull()
    server.add(4)
    asked.drop("msform/a.csv", "id,unit\n1,A\n")
    server.faults = {method: [fault] * ALWAYS}
    if name != "no_answer":  # seconds
        asked.pull()
    asked.at = AFTER_THE_WINDOW
    server.faults = {method: [fault] * ALWAYS}
    report = asked.pull()
    [refusal] = report.refused
    assert (refusal.name, refusal.code) == (NAME, code)
    for text, stays in ((refusal.message, "stays in use"), (refusal.message_id, "tetap dipakai")):
        assert text.startswith(f"{NAME}: ")
        assert stays in text
        assert "rahasia" not in text
        assert "token" not in text
        assert "{" not in text
    assert TABLE[code]["message"] in refusal.message
    assert TABLE[code]["pesan"] in refusal.message_id
    assert TABLE[code]["rest"].startswith("source refused, what was pulled from it stays in use")
    assert not report.withdrawn
    assert files(asked)[0] == "000001-000003.csv"
    assert "msform/a.csv" in asked.in_use()
    server.faults = {}
    assert asked.pull().refused == ()
    assert len(ids(asked)) == 5


def test_every_fault_of_servers_has_its_case():
    asked_elsewhere = {"api_no_access", "api_other_page", "api_no_ids", "api_deleted"}
    of_files = {"limesurvey_answers", "limesurvey_headings"}
    told = {code for code in FAULTS if code.startswith(("api_", "limesurvey_"))}
    assert told - of_files == {code for code, _, _ in BROKEN.values()} | asked_elsewhere


def test_settings_that_are_not_set_are_named(asked, server):
    asked.access = {"limesurvey": Access(server.url)}
    [refusal] = asked.pull().refused
    assert "Set ILK_LIMESURVEY_USER, ILK_LIMESURVEY_PASSWORD" in refusal.message
    asked.access = {}
    [refusal] = asked.pull().refused
    assert "Isi ILK_LIMESURVEY_URL, ILK_LIMESURVEY_USER" in refusal.message_id


def test_a_server_that_is_not_there_is_told_without_its_address(asked):
    asked.access = {"limesurvey": Access("http://127.0.0.1:9/x", "u", SecretStr("s"))}
    [refusal] = asked.pull().refused
    assert refusal.code == "api_unreachable"
    assert "127.0.0.1: NewConnectionError" in refusal.message


@pytest.mark.parametrize("when", ["get_summary", "export_responses"])
def test_a_key_that_expires_in_the_middle_is_asked_for_once_more(asked, server, when):
    server.add(1, 2, 3)
    server.faults = {when: [status("Invalid session key")]}
    report = asked.pull()
    assert (report.refused, report.records_read) == ((), 3)
    assert [call[0] for call in server.calls].count("get_session_key") == 2


@pytest.mark.parametrize("fault", [http(503), slow, cut_in_base64, shorter, cut_in_json])
def test_what_fails_once_is_asked_once_more(asked, server, fault):
    server.add(1, 2, 3)
    server.faults = {"export_responses": [lambda answer: answer, fault]}
    assert (asked.pull().refused, ids(asked)) == ((), ["1", "2", "3"])


@pytest.mark.parametrize(
    ("wait", "slept"), [("30", [30]), ("31", []), ("Fri, 31 Dec 9999 23:59:59 GMT", []), ("x", [])]
)
def test_a_server_is_waited_for_half_a_minute_and_no_longer(
    asked, server, monkeypatch, wait, slept
):
    waited: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", waited.append)
    server.add(1)
    server.faults = {"get_summary": [http(503, Retry_After=wait)]}
    report = asked.pull()
    assert waited == slept
    busy = [refusal for refusal in report.refused if refusal.code == "api_busy"]
    assert len(busy) == (wait not in ("30", "x"))
    assert (ids(asked) == ["1"]) == (not busy)


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://survei.example:8443/key/kunci?a=kunci#kunci", "https://survei.example:8443"),
        ("//kunci:kunci@survei.example/", "http://survei.example"),
        ("/login/kunci", "http://127.0.0.1"),
        ("http://survei.example:99999/kunci", " ?."),
    ],
)
def test_of_an_address_that_a_server_sends_to_only_the_host_is_told(asked, server, location, told):
    server.faults = {"get_session_key": [http(302, Location=location)]}
    [refusal] = asked.pull().refused
    assert refusal.code == "api_moved"
    for text in (refusal.message, refusal.message_id):
        assert told in text
        assert "kunci" not in text
        assert "ILK_LIMESURVEY_URL" in text


def test_a_page_that_lacks_a_response_that_was_listed_is_refused(asked, server):
    server.add(1, 2, 3)
    whole = lambda answer: answer  # noqa: E731
    server.faults = {"export_responses": [whole, shorter, whole, shorter]}
    [refusal] = asked.pull().refused
    assert "listed 3 responses and gave 2" in refusal.message
    assert "mendaftar 3 jawaban tetapi memberi 2" in refusal.message_id
    assert asked.registry() == []


def test_a_page_that_comes_twice_is_refused(asked, server, monkeypatch):
    monkeypatch.setattr(limesurvey, "PAGE_RESPONSES", 2)
    server.add(1, 2, 3, 4)
    pages: list[dict] = []

    def first(answer: dict) -> dict:
        pages.append(answer["result"])
        return answer

    def again(answer: dict) -> dict:
        return answer | {"result": pages[0]}

    whole = lambda answer: answer  # noqa: E731
    server.faults = {"export_responses": [whole, first, again] * 2}
    [refusal] = asked.pull().refused
    assert refusal.code == "api_other_page"
    assert "response 1 came twice, or was not asked for" in refusal.message
    assert asked.registry() == []
    assert not list(asked.raw_dir.rglob("*.tmp")), "what came stays nowhere"


def test_an_answer_without_ids_is_refused(asked, server):
    server.header[0] = "Response ID"
    server.add(1)
    text = base64.b64encode(b'"Response ID"\r\n"1"\r\n\r\n').decode()
    server.faults = {"export_responses": [lambda answer: answer | {"result": text}]}
    server.header[0] = "id"
    [refusal] = asked.pull().refused
    assert refusal.code == "api_no_ids"


def test_a_survey_that_starts_anew_on_the_server_does_not_take_the_old_responses_along(
    asked, server
):
    server.add(*range(1, 101))
    asked.pull()
    server.responses.clear()  # deactivated and activated: LimeSurvey puts the old table away
    server.add(1, 2)
    [refusal] = asked.pull().refused
    assert refusal.code == "fewer"
    assert len(ids(asked)) == 100
    report = asked.pull(accept_fewer=True)
    assert (ids(asked), report.vanished[0].count) == (["1", "2"], 98)


@pytest.mark.parametrize("damage", ["removed", "cut off", "garbled", "inside"])
def test_what_was_read_before_is_known_by_its_number_where_its_parquet_is_lost(
    asked, server, damage
):
    server.add(*range(1, 101))
    asked.pull()
    [row] = asked.registry()
    [parquet] = asked.raw_dir.rglob(f"{row['sha256']}.parquet")
    whole = parquet.read_bytes()

    def lose() -> None:
        if damage == "removed":
            parquet.unlink()
        else:
            garbled = b"PAR1" + b"x" * 99
            damaged = {
                "cut off": whole[:99],
                "garbled": garbled,
                "inside": garbled + whole[len(garbled) :],
            }
            parquet.write_bytes(damaged[damage])

    lose()
    server.responses.clear()
    server.add(1, 2)
    report = asked.pull()
    [refusal] = report.refused
    assert (refusal.code, "100" in refusal.message) == ("fewer", True)
    assert len(ids(asked)) == 100, "read again from its bytes"
    lose()
    server.add(*range(1, 61))
    report = asked.pull()
    assert (report.refused, report.vanished, len(ids(asked))) == ((), (), 60)
    [note] = report.notes
    assert note.startswith(f"{NAME}: semuanya diminta lagi")
    assert "which responses vanished is not told" in note


def test_an_answer_that_its_reader_refuses_leaves_the_old_ones_in_use(asked, server):
    server.add(1, 2, 3)
    asked.pull()
    asked.at = AFTER_THE_WINDOW
    server.add(4)
    server.responses[4][-1] = '1"; "x'  # the fake writes it well; broken below

    def ragged(answer: dict) -> dict:
        content = base64.b64decode(answer["result"]).replace(b'"4";', b'"4";;;;', 1)
        return answer | {"result": base64.b64encode(content).decode()}

    server.faults = {"export_responses": [lambda answer: answer, ragged]}
    report = asked.pull()
    assert [refusal.name for refusal in report.refused] == [f"{NAME}/000001-000004.csv"]
    assert (report.withdrawn, ids(asked)) == ((), ["1", "2", "3"])
    asked.pull()
    assert ids(asked) == ["1", "2", "3", "4"]


def test_an_answer_in_which_the_reader_finds_another_number_of_records_is_refused(
    asked, server, monkeypatch
):
    server.add(1, 2, 3)
    monkeypatch.setattr(limesurvey, "_ids", lambda content: [1, 2, 3, 4])
    server.faults = {"get_summary": [lambda answer: answer | {"result": {"full_responses": 4}}] * 2}
    [refusal] = asked.pull().refused
    assert (refusal.name, refusal.code) == (f"{NAME}/000001-000004.csv", "api_count")
    assert not list(asked.raw_dir.rglob("*.parquet"))[1:], "the registry alone"


def test_responses_that_come_in_during_the_pull_wait_for_the_next(asked, server):
    server.add(1, 2)

    def one_more(answer: dict) -> dict:
        server.add(3)
        return answer

    server.faults = {"export_responses": [one_more]}
    assert (asked.pull().refused, ids(asked)) == ((), ["1", "2"])
    asked.pull()
    assert ids(asked) == ["1", "2", "3"]


def test_increments_bear_dates_of_their_own(asked, server):
    server.add(1)
    asked.pull()
    server.add(2)
    asked.pull()
    first, second = (row["pulled_at"] for row in asked.registry())
    assert second - first == timedelta(hours=1)


# --- a real server's recorded answers -----------------------------------------------------------


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared sample exports are not beside the repo")
def test_answers_recorded_from_a_real_server_are_understood(asked, server):
    def recorded(name: str) -> Callable[[dict], dict]:
        pair = json.loads((SHARED / "raw_rpc" / name).read_text(encoding="utf-8"))
        said = json.loads(pair["response_text"])
        return lambda answer: said | {"id": answer["id"]}

    for name, method, code in (
        ("03_invalid_session.json", "export_responses", "limesurvey_expired"),
        ("04_unknown_survey.json", "export_responses", "limesurvey_unknown"),
        ("05_inactive_survey.json", "export_responses", "limesurvey_inactive"),
    ):
        server.faults = {method: [recorded(name)] * ALWAYS}
        [refusal] = asked.pull().refused
        assert refusal.code == code
    server.faults = {
        "get_summary": [recorded("11_get_summary.json")] * 4,
        "export_responses": [recorded("07_export_csv_base64.json")] * 4,
    }
    [refusal] = asked.pull().refused
    assert "counts 4 responses, and 1 came" in refusal.message


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared sample exports are not beside the repo")
def test_a_real_survey_holds_the_same_whether_exported_by_hand_or_pulled(asked, server):
    export = SHARED / "sample82556_code_short_all.csv"
    with export.open(encoding="utf-8-sig", newline="") as file:
        server.header, *records = (row for row in csv.reader(file, delimiter=";") if row)
    server.responses = {int(number): cells for number, *cells in records}
    asked.pull()
    [pulled] = asked.registry()
    assert (asked.raw_dir / "files" / pulled["sha256"]).read_bytes() == export.read_bytes()
    asked.seed("gform")
    asked.drop("gform/by-hand.csv", export.read_bytes())
    asked.pull()
    by_hand = asked.registry()[-1]
    assert by_hand["header"] == pulled["header"]
    assert by_hand["record_count"] == pulled["record_count"] == 4


# --- to the end -----------------------------------------------------------------------------------


def test_a_survey_pulled_from_its_server_is_published_as_its_exported_file_is(tmp_path, server):
    """And a second server, which does not answer, fails the run's exit code and nothing else."""
    survey = SmallCycle(tmp_path)
    survey.seed(
        "survey_sources",
        "cycle_id,profile_id,kind,location",
        "c1,p,landing,c1/p/*",
        "c2,p,limesurvey,265831",
        "c2,p,kobo,aX7",
    )
    answers = [(unit, 1 + (n * n) % 4, 1 + n % 4) for n, unit in enumerate("AAB" * 12)]
    cells = [
        [str(number), "2025-{}-02 08:00:00", "", unit, str(first), str(second)]
        for number, (unit, first, second) in enumerate(answers, start=1)
    ]
    survey.drop("c1/p/a.csv", [",".join(row).format(10) for row in cells])
    server.header = HEADER.split(",")
    server.responses = {int(n): [cell.format(11) for cell in row] for n, *row in cells}
    result = survey.run(
        "c1",
        "c2",
        environment={
            "ILK_LIMESURVEY_URL": server.url,
            "ILK_LIMESURVEY_USER": "ilk",
            "ILK_LIMESURVEY_PASSWORD": server.password,
        },
    )
    assert result.returncode == 1, result.stdout + result.stderr
    assert "kobo:aX7: Set ILK_KOBO_URL, ILK_KOBO_TOKEN" in result.stdout + result.stderr
    assert server.password not in result.stdout + result.stderr
    for table in ("idx_scores", "idx_coverage"):
        by_file, pulled = (
            survey.published(
                f"select columns(* exclude cycle_id) from {table} where cycle_id = '{cycle_id}'"
                " order by all"
            )
            for cycle_id in ("c1", "c2")
        )
        assert by_file == pulled
        assert by_file
