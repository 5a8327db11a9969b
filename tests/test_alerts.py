"""What is told to whom: alerts once and once when over, digests each morning of a window.

Belongs here: both, sent to a mail server and a webhook on loopback. Doesn't: what is amiss
(test_health.py), the lists that digests carry (test_fieldwork.py).
"""

import email
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message as Mail
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic

import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from orchestration.alerts import alerts as module
from orchestration.alerts.alerts import amiss, look_and_tell
from orchestration.alerts.channels import ChannelError, Message, alert_channels, send
from orchestration.alerts.commands import tell_after_a_run
from orchestration.alerts.digests import are_digests_late, due_cycles, send_digests
from orchestration.alerts.memory import read_told, telling
from orchestration.health import AUTOMATION, PUBLICATION, RUN, HealthFinding
from orchestration.settings import Settings, get_settings
from orchestration.stages.blocking import blocking_checks, note_blocking
from orchestration.words import FaultText
from tests.conftest import SAMPLE_SEEDS, Sample, ilk

CYCLE = "ilk-2025-s2"
MORNING = datetime(2025, 11, 6, 1, 0, tzinfo=UTC)  # 08:00 in Jakarta, a day before the close
NOON = MORNING + timedelta(hours=4)


@dataclass
class Heard:
    """What came to the servers on loopback."""

    posts: list[dict[str, str]] = field(default_factory=list)
    mails: list[tuple[str, Mail]] = field(default_factory=list)

    async def handle_DATA(self, server: object, session: object, envelope) -> str:
        parsed = email.message_from_bytes(envelope.content)
        self.mails += [(address, parsed) for address in envelope.rcpt_tos]
        return "250 OK"


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Heard, str, str]]:
    """A webhook and a mail server, their addresses as apprise has them."""
    heard = Heard()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    mail = Controller(heard, hostname="127.0.0.1", port=free_port())
    mail.start()
    yield (
        heard,
        f"json://127.0.0.1:{web.server_port}/a-secret-token",
        f"mailto://127.0.0.1:{mail.port}?from=ilk@example.go.id",
    )
    mail.stop()
    web.shutdown()


@pytest.fixture
def heard(servers: tuple[Heard, str, str]) -> Heard:
    servers[0].posts.clear()
    servers[0].mails.clear()
    return servers[0]


def free_port() -> int:
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        return int(there.getsockname()[1])


def dead() -> str:
    return f"json://127.0.0.1:{free_port()}/another-token"


@pytest.fixture
def here(servers: tuple[Heard, str, str], tmp_path: Path) -> Settings:
    """Settings with the webhook, over a data folder of its own and the sample's seeds."""
    seeds = tmp_path / "seeds"
    shutil.copytree(SAMPLE_SEEDS, seeds)
    return Settings(
        data_dir=tmp_path / "data",
        seeds_dir=seeds,
        alert_urls=SecretStr(servers[1]),
        mail_url=SecretStr(servers[2]),
    )


def with_channels(settings: Settings, *urls: str) -> Settings:
    return settings.model_copy(update={"alert_urls": SecretStr("\n".join(urls))})


def red(name: str = PUBLICATION, about: str | None = None, said: str = "mend it") -> HealthFinding:
    text = FaultText(said, f"perbaiki: {said}")
    return HealthFinding(name=name, cycle_id=CYCLE, about=about, is_red=True, sentence=text)


@pytest.fixture
def health(monkeypatch: pytest.MonkeyPatch) -> list[HealthFinding]:
    """What `ilk health` finds; nothing else is amiss."""
    found: list[HealthFinding] = []
    monkeypatch.setattr(module, "findings", lambda *_: list(found))
    return found


# --- alerts --------------------------------------------------------------------------------------

QUIET = datetime(2025, 9, 1, 8, 0, tzinfo=UTC)  # no window is open


def test_each_thing_is_told_once_and_once_when_it_is_over(here, health, heard, servers):
    both = with_channels(here, servers[1], f"{servers[2]}&to=team@example.go.id")
    assert look_and_tell(both, QUIET).told == 0
    health.append(red())
    assert look_and_tell(both, QUIET).told == 2
    assert look_and_tell(both, QUIET).told == 0
    health.append(red(RUN, said="run it"))
    assert look_and_tell(both, QUIET).told == 2
    health.clear()
    assert look_and_tell(both, QUIET).told == 2
    assert look_and_tell(both, QUIET).told == 0

    bodies = [post["message"] for post in heard.posts]
    assert [("mend it" in body, "run it" in body) for body in bodies] == [
        (True, False), (False, True), (True, True)
    ]  # fmt: skip
    assert bodies[2].count("Selesai: ") == bodies[2].count("Over: ") == 2
    assert "perbaiki: mend it" in bodies[0] and "Over" not in bodies[0]
    assert [address for address, _ in heard.mails] == ["team@example.go.id"] * 3
    health.append(red())
    assert look_and_tell(both, QUIET).told == 2, "what comes again is told again"


def test_a_channel_that_is_dead_is_told_of_and_holds_up_nobody(here, health, heard, servers):
    health.append(red())
    broken = with_channels(here, dead(), servers[1])
    look = look_and_tell(broken, QUIET)
    assert look.told == 1 and len(look.problems) == 1
    assert "ILK_ALERT_URLS[1] (JSON)" in look.problems[0] and "periksa" in look.problems[0]
    assert "ILK_ALERT_URLS[1] (JSON)" in heard.posts[0]["message"]
    assert look_and_tell(broken, QUIET).problems == look.problems, "it is tried again"
    assert len(heard.posts) == 1
    remembered = read_told(here.data_dir).path.read_text(encoding="utf-8")
    assert "token" not in "".join((*look.problems, *(str(post) for post in heard.posts)))
    assert "token" not in remembered


def test_a_channel_that_comes_back_hears_what_is_on_and_the_others_that_it_is_back(
    here, health, heard, servers
):
    health.append(red())
    port = free_port()
    mail = f"mailto://127.0.0.1:{port}?from=a@example.id&to=b@example.id"
    broken = with_channels(here, mail, servers[1])
    look_and_tell(broken, QUIET)
    server = Controller(heard, hostname="127.0.0.1", port=port)
    server.start()
    try:
        assert look_and_tell(broken, QUIET).problems == ()
    finally:
        server.stop()
    assert [address for address, _ in heard.mails] == ["b@example.id"]
    look_and_tell(broken, QUIET)
    assert "Over: ILK_ALERT_URLS[1]" in heard.posts[-1]["message"]


def test_a_channel_that_takes_a_message_and_is_silent_is_waited_for_so_long_and_no_longer(here):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        [channel] = alert_channels(
            with_channels(here, f"mailto://127.0.0.1:{port}?from=a@example.id&to=b@example.id")
        )
        began = monotonic()
        assert "0.5 s" in send(channel, Message("t", "b"), seconds=0.5)
        assert monotonic() - began < 5


def test_what_a_tick_stumbled_over_and_cells_of_files_are_never_told(here, health):
    note_blocking(here, CYCLE, ["answers_are_on_the_scale", "answers_are_on_the_scale"])
    health += [
        red(AUTOMATION, about="landed_files", said="could not convert 'Budi 19800101'"),
        red(RUN, said="its last run failed"),
    ]
    tick, run = amiss(here, QUIET)
    assert "Budi" not in str(tick) and "landed_files" in tick.sentence.en
    assert run.sentence.en.endswith("stopped by Answers are on the scale.")
    note_blocking(here, CYCLE, [])
    assert blocking_checks(here, CYCLE) == []
    assert amiss(here, QUIET)[1].sentence.en == "its last run failed"


def test_who_cannot_look_says_so_and_that_nothing_is_over(here, health, heard, monkeypatch):
    health.append(red())
    look_and_tell(here, QUIET)

    def blind(*_: object) -> None:
        raise ValueError("units.csv: row 3, Budi")

    monkeypatch.setattr(module, "findings", blind)
    look_and_tell(here, QUIET)
    said = heard.posts[-1]["message"]
    assert "ilk health" in said and "Over" not in said and "Budi" not in said


def test_two_at_once_tell_once(here, health, heard):
    health.append(red())
    with telling(here.data_dir) as told:
        assert told is not None
        assert look_and_tell(here, QUIET).told == 0
    assert look_and_tell(here, QUIET).told == 1


def test_a_channel_is_known_or_refused_without_its_address(here):
    with pytest.raises(ChannelError, match=r"ILK_ALERT_URLS\[2\]") as caught:
        alert_channels(with_channels(here, dead(), "nonsense://secret"))
    assert "secret" not in str(caught.value)
    assert alert_channels(here.model_copy(update={"alert_urls": None})) == []


def test_ilk_run_prints_what_is_wrong_with_a_channel_and_goes_on(here, health, capsys):
    health.append(red())
    tell_after_a_run(with_channels(here, dead()))
    tell_after_a_run(with_channels(here, "nonsense://secret"))
    said = capsys.readouterr().out
    assert said.count("Peringatan / Warning") == 2 and "secret" not in said


# --- the sample's publication, as if its window were open ----------------------------------------


@pytest.fixture
def open_window(here: Settings, sample: Sample) -> Settings:
    here.data_dir.mkdir()
    (here.data_dir / "published").symlink_to(sample.settings.published_dir.resolve())
    lines = ["region_id,address", "32,jabar@example.go.id", "31,jakarta@example.go.id"]
    (here.seeds_dir / "region_contacts.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return here


def test_samples_that_are_short_near_the_close_are_an_alert(open_window, health):
    [early] = [amiss(open_window, MORNING - timedelta(days=3))]
    assert [each.key for each in early if each.key.startswith("short")] == []
    [short] = amiss(open_window, MORNING)
    assert short.key == f"short {CYCLE}" and "1 days before" in short.sentence.en


def test_each_region_gets_its_own_list_and_we_the_nations_once_a_day(open_window, heard):
    [cycle] = due_cycles(open_window, MORNING)
    done = send_digests(open_window, cycle, MORNING, again=False)
    assert (done.sent, done.kept, done.problems) == (3, 0, ())
    assert sorted(address for address, _ in heard.mails) == [
        "jabar@example.go.id", "jakarta@example.go.id"
    ]  # fmt: skip
    for address, mail in heard.mails:
        parts = {part.get_filename(): part for part in mail.walk()}
        region = {"jabar@example.go.id": "32", "jakarta@example.go.id": "31"}[address]
        assert f"{region}.xlsx" in parts
        texts = [
            part.get_payload(decode=True).decode()
            for part in mail.walk()
            if part.get_content_type() == "text/plain"
        ]
        assert "staff answered" in texts[0] and "1 days left" in texts[0]
    [post] = heard.posts
    assert "Nasional" in post["title"] and "Those that miss most" in post["message"]

    assert send_digests(open_window, cycle, MORNING, again=False).kept == 3
    assert send_digests(open_window, cycle, MORNING, again=True).sent == 3
    assert send_digests(open_window, cycle, NOON + timedelta(days=1), again=False).sent == 3


def test_somebody_gets_a_message_even_if_nothing_came(here, heard):
    [cycle] = due_cycles(here, MORNING)
    assert send_digests(here, cycle, MORNING, again=False).sent == 1
    assert "no answer yet" in heard.posts[0]["title"]


def test_a_digest_that_did_not_come_is_an_alert_until_it_does(here, health, heard):
    assert amiss(here, MORNING) == [], "it may come still"
    [late] = amiss(here, NOON)
    assert f"ilk digest {CYCLE}" in late.sentence.en
    [cycle] = due_cycles(here, NOON)
    send_digests(here, cycle, NOON, again=False)
    assert amiss(here, NOON) == []
    assert are_digests_late(here, read_told(here.data_dir), NOON + timedelta(days=1)) == [CYCLE]


def test_a_mail_server_that_is_gone_is_given_up_and_asked_again_later(open_window, heard):
    seed = open_window.seeds_dir / "region_contacts.csv"
    more = "".join(f"{region},r{region}@example.go.id\n" for region in (33, 34, 35))
    seed.write_text(seed.read_text(encoding="utf-8") + more, encoding="utf-8")
    gone = open_window.model_copy(
        update={"mail_url": SecretStr(f"mailto://127.0.0.1:{free_port()}?from=a@example.id")}
    )
    [cycle] = due_cycles(gone, MORNING)
    done = send_digests(gone, cycle, MORNING, again=False)
    assert done.sent == 1 and len(done.problems) == 5
    assert sum("not tried" in said for said in done.problems) == 2
    assert send_digests(open_window, cycle, MORNING, again=False).sent == 5
    without = open_window.model_copy(update={"mail_url": None})
    assert "ILK_MAIL_URL" in send_digests(without, cycle, MORNING, again=False).problems[0]


def test_commands_say_by_their_exit_code_whether_all_arrived(
    here, health, heard, monkeypatch, servers
):
    monkeypatch.setenv("ILK_DATA_DIR", str(here.data_dir))
    monkeypatch.setenv("ILK_SEEDS_DIR", str(here.seeds_dir))
    assert ilk("alerts").exit_code == 2 and ilk("digest", CYCLE).exit_code == 2
    monkeypatch.setenv("ILK_ALERT_URLS", servers[1])
    assert ilk("alerts", "--test").exit_code == 0 and len(heard.posts) == 1
    assert ilk("digest", CYCLE).exit_code == 0 and len(heard.posts) == 2
    assert ilk("digest").exit_code == ilk("digest", CYCLE, "--due").exit_code == 2
    assert ilk("digest", "no-such-cycle").exit_code == 2
    monkeypatch.setenv("ILK_ALERT_URLS", dead())
    health.append(red())
    result = ilk("alerts")
    assert result.exit_code == 1 and "mend it" in result.output, result.output
    assert ilk("digest", CYCLE).exit_code == 1
    get_settings.cache_clear()
