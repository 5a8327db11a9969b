"""deploy/: what a server is given does what its comments say, as far as this machine can tell.

Belongs here: units, proxy and containers as they stand, run where their programs are. Doesn't: the
backup's drill (test_backup.py), the wheel (test_wheel.py), a whole installation (make dist-check).
"""

import http.client
import os
import re
import shutil
import socket
import sqlite3
import ssl
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from orchestration import serving
from orchestration.cycle_run import make_storage
from orchestration.dagster_home import one_sets_up
from orchestration.settings import REPOSITORY, Settings, get_settings
from tests.conftest import ilk

DEPLOY = REPOSITORY / "deploy"
UNITS = sorted(path.name for path in (DEPLOY / "systemd").glob("*.*") if path.is_file())
SERVICES = [name for name in UNITS if name.endswith(".service")]
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text("utf-8"))
MOST_EXPOSED = 15  # tenths: systemd-analyze security gives 1.4 of 10; a service with no sandbox 9.6

# Debian has it where only root looks.
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is missing (Debian: apt-get install systemd)",
)
needs_nginx = pytest.mark.skipif(
    NGINX is None or shutil.which("openssl") is None,
    reason="nginx or openssl is missing: make services (Debian: nginx-light, openssl)",
)


def commands() -> set[str]:
    from orchestration.cli import app

    return set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


# Units


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units, with programs that are there: verify looks for them."""
    folder = tmp_path_factory.mktemp("systemd")
    shutil.copytree(DEPLOY / "systemd", folder, dirs_exist_ok=True)
    for name in ("ilk", "ilk-backup"):
        (folder / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    for unit in folder.glob("*.service"):
        text = unit.read_text(encoding="utf-8")
        unit.write_text(text.replace("/opt/ilk/current/bin", str(folder)), encoding="utf-8")
    return folder


def analyze(units: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:/lib/systemd/system"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@needs_systemd
def test_systemd_understands_every_line_of_the_units(units: Path):
    told = analyze(units, "verify", "--man=no", *(str(units / name) for name in UNITS))
    ours = [line for line in told.stderr.splitlines() if "ilk-" in line or "sandbox" in line]
    assert ours == []


@needs_systemd
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_do_little_to_the_machine(units: Path, service: str):
    judged = ["security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}"]
    told = analyze(units, *judged, str(units / service))
    assert told.returncode == 0, told.stdout


def test_a_service_can_write_neither_code_nor_seeds():
    shared = (DEPLOY / "systemd" / "ilk-.service.d" / "sandbox.conf").read_text(encoding="utf-8")
    assert "\nProtectSystem=strict\n" in shared
    assert "\nUser=ilk\n" in shared
    writable = set(re.findall(r"^(?:State|Cache)Directory=(.+)$", shared, re.MULTILINE))
    assert writable == {"ilk"}  # /var/lib/ilk, /var/cache/ilk
    for service in SERVICES:
        text = (DEPLOY / "systemd" / service).read_text(encoding="utf-8")
        more = re.findall(r"^ReadWritePaths=(.+)$", text, re.MULTILINE)
        assert more == (["-/srv/ilk-backup"] if service == "ilk-backup.service" else [])
        assert not re.search(r"^(User|ProtectSystem)=", text, re.MULTILINE)
    settings = dict(
        line.split("=", 1)
        for line in (DEPLOY / "ilk.env").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    )
    assert settings["ILK_DATA_DIR"].startswith("/var/lib/ilk/")
    assert not settings["ILK_SEEDS_DIR"].startswith(("/var/lib/ilk", "/var/cache/ilk"))


def test_units_and_containers_call_commands_that_there_are():
    called = {
        word
        for name in SERVICES
        for word in re.findall(
            r"^Exec\w+=/opt/ilk/current/bin/ilk (\S+)",
            (DEPLOY / "systemd" / name).read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    }
    for service in COMPOSE["services"].values():
        test = service.get("healthcheck", {}).get("test", [])
        called |= {service["command"][0]} if "command" in service else set()
        called |= {test[2]} if test[1:2] == ["ilk"] else set()
    assert called
    assert called <= commands()


def test_settings_that_deploy_names_are_settings():
    known = {f"ILK_{name}".upper() for name in Settings.model_fields}
    own = {  # of deploy/ alone
        *("ILK_KEY_REPOSITORY", "ILK_KEY_PASSWORD_FILE", "ILK_PUBLISHER_PASSWORD"),
    }
    files = [DEPLOY / "ilk.env", DEPLOY / "backup.env", *(DEPLOY / "container").iterdir()]
    for file in files:
        assert {*re.findall(r"\bILK_[A-Z_]+", file.read_text(encoding="utf-8"))} <= known | own


@pytest.mark.skipif(
    shutil.which("systemd-tmpfiles") is None, reason="systemd-tmpfiles is missing (Debian: systemd)"
)
def test_events_of_old_runs_go_and_new_ones_stay(tmp_path: Path):
    folder = tmp_path / "var/lib/ilk/data/lineage"
    folder.mkdir(parents=True)
    for name, age in (("old", 91), ("new", 89)):
        (folder / name).touch()
        then = time.time() - age * 86400
        os.utime(folder / name, (time.time(), then))
    subprocess.run(
        ["systemd-tmpfiles", "--clean", f"--root={tmp_path}", DEPLOY / "tmpfiles.d" / "ilk.conf"],
        check=True,
    )
    assert [path.name for path in folder.iterdir()] == ["new"]


# The command that they start


def test_the_page_listens_on_loopback_unless_it_is_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    started: list[list[str]] = []
    monkeypatch.setenv("ILK_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(serving.os, "chdir", lambda folder: None)
    monkeypatch.setattr(serving.os, "execv", lambda program, words: started.append(words))
    here = ilk("serve", "web", "--read-only", "--port", "3001")
    far = ilk("serve", "web", "--host", "0.0.0.0")
    ilk("serve", "daemon")
    monkeypatch.setenv("ILK_LOG_FORMAT", "json")
    get_settings.cache_clear()
    ilk("serve", "daemon")
    get_settings.cache_clear()
    of_ours = ["--module-name", "orchestration.definitions"]
    at = ["--host", "127.0.0.1", "--port", "3001", "--read-only"]
    assert started == [
        ["dagster-webserver", *at, *of_ours],
        ["dagster-webserver", "--host", "0.0.0.0", "--port", "3000", *of_ours],
        ["dagster-daemon", "run", *of_ours],
        ["dagster-daemon", "run", "--log-format", "json", *of_ours],
    ]
    assert "Peringatan" not in here.output
    assert "sandi" in far.output
    for name in ("dagster.yaml", ".nux/nux.yaml"):  # settings, and no dialog of a newsletter
        assert (tmp_path / "dagster" / name).is_file()


def test_page_and_daemon_that_start_in_the_same_second_make_one_storage(tmp_path: Path):
    settings = Settings(data_dir=tmp_path)
    settings.dagster_home.mkdir()
    second = threading.Thread(target=make_storage, args=(settings,))
    with one_sets_up(settings):  # the first
        second.start()
        second.join(1)
        assert second.is_alive()
        assert [path.name for path in settings.dagster_home.iterdir()] == ["setting_up.lock"]
    second.join(60)
    with closing(sqlite3.connect(settings.dagster_home / "schedules/schedules.db")) as storage:
        assert len(storage.execute("select * from alembic_version").fetchall()) == 1


# The proxy


class _Page(BaseHTTPRequestHandler):
    """Stands for Dagster's page: says which one it is, and remembers what it was sent."""

    def do_GET(self) -> None:
        server: Any = self.server
        server.seen.append(dict(self.headers))
        body = server.name.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Proxy:
    """nginx with deploy/nginx/ilk.conf before two pages, on free ports."""

    def __init__(self, folder: Path) -> None:
        self.pages = {name: self._page(name) for name in ("operators", "viewers")}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        folder.chmod(0o755)
        for name, user in (("ilk-operators", "alice"), ("ilk-viewers", "budi")):
            (folder / name).write_text(f"{user}:{{PLAIN}}of {user}\n", encoding="utf-8")
        (folder / "tls").mkdir()
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=ilk.example"),
                *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
                *("-keyout", folder / "tls/ilk.key", "-out", folder / "tls/ilk.pem"),
            ],
            capture_output=True,
            check=True,
        )
        for name in ("ilk.conf", "ilk-proxy.conf"):
            text = (DEPLOY / "nginx" / name).read_text(encoding="utf-8")
            for port, page in (("3000", "operators"), ("3001", "viewers")):
                text = text.replace(
                    f"127.0.0.1:{port}", f"127.0.0.1:{self.pages[page].server_port}"
                )
            text = text.replace("listen 443", f"listen 127.0.0.1:{self.port}")
            (folder / name).write_text(text.replace("/etc/nginx", str(folder)), encoding="utf-8")
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"{'user root;' if os.getuid() == 0 else ''}\n"
            f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{}}\nhttp {{ access_log off; {temporary} include {folder}/ilk.conf; }}\n",
            encoding="utf-8",
        )
        self.log = folder / "error.log"
        self.process = subprocess.Popen(
            [str(NGINX), "-p", str(folder), "-e", str(self.log), "-c", str(folder / "nginx.conf")]
        )
        until = time.monotonic() + 20
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.log.read_text(encoding="utf-8"))

    @staticmethod
    def _page(name: str) -> Any:
        page: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
        page.name, page.seen = name, []
        threading.Thread(target=page.serve_forever, daemon=True).start()
        return page

    def get(
        self, host: str, user: str = "", *, sni: str | None = None, **headers: str
    ) -> tuple[int, str]:
        """Status and body of what a user (password `of <user>`) gets from that host."""
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context)
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        connection.sock = context.wrap_socket(raw, server_hostname=sni or host)
        if user:
            word = b64encode(f"{user}:of {user}".encode()).decode()
            headers["Authorization"] = f"Basic {word}"
        connection.request("GET", "/", headers={"Host": host, **headers})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        for page in self.pages.values():
            page.shutdown()


RUNS, LOOKS = "ilk.example.go.id", "lihat.ilk.example.go.id"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    made = Proxy(tmp_path_factory.mktemp("nginx"))
    yield made
    made.stop()


@needs_nginx
def test_nobody_sees_a_page_without_a_password_of_its_list(proxy: Proxy):
    assert proxy.get(RUNS, "alice") == (200, "operators")
    assert proxy.get(LOOKS, "budi") == (200, "viewers")
    seen = [len(page.seen) for page in proxy.pages.values()]
    for host, user in ((RUNS, ""), (LOOKS, ""), (RUNS, "budi"), (LOOKS, "alice"), (RUNS, "eve")):
        assert proxy.get(host, user)[0] == 401
    # Who only looks asks for the other page over his own connection.
    assert proxy.get(RUNS, "budi", sni=LOOKS)[0] == 401
    with pytest.raises(ssl.SSLError):
        proxy.get("elsewhere.example", "alice")
    assert [len(page.seen) for page in proxy.pages.values()] == seen


@needs_nginx
def test_dagster_gets_the_sockets_and_not_the_password(proxy: Proxy):
    proxy.get(RUNS, "alice", Upgrade="websocket", Connection="Upgrade")
    sent = proxy.pages["operators"].seen[-1]
    assert "Authorization" not in sent
    assert sent["Upgrade"] == "websocket"
    assert sent["Connection"] == "upgrade"
    assert sent["X-Forwarded-Proto"] == "https"


# Containers


def test_a_container_opens_no_port_but_on_loopback_and_says_whether_it_is_well():
    for name, service in COMPOSE["services"].items():
        assert service["healthcheck"]["test"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        if name != "postgres":
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]
            assert any(each.endswith(":/seeds:ro") for each in service["volumes"])


def test_nothing_is_set_twice():
    """Docker Compose refuses a file that does; of two lines of ilk.env the last would count."""
    text = (DEPLOY / "container" / "compose.yaml").read_text(encoding="utf-8")
    mappings = [yaml.compose(text)]
    for node in mappings:
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            assert sorted({*keys}) == sorted(keys)
            mappings += [value for _, value in node.value]
    settings = re.findall(
        r"^#? ?(ILK_\w+)=", (DEPLOY / "ilk.env").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted({*settings}) == sorted(settings)


def test_each_secret_of_the_containers_is_asked_for():
    text = (DEPLOY / "container" / "compose.yaml").read_text(encoding="utf-8")
    named = {*re.findall(r"\$\{(\w+)", text)}
    example = (DEPLOY / "container" / "example.env").read_text(encoding="utf-8")
    assert named == {*re.findall(r"^(\w+)=", example, re.MULTILINE)}
    # Compose stops where one is missing; podman-compose 1.0 knows no empty message.
    assert text.count("${") == text.count(":?set it in .env}")


@pytest.mark.skipif(
    shutil.which("docker-compose") is None, reason="Debian's docker-compose is missing"
)
def test_compose_reads_it(tmp_path: Path):
    text = (DEPLOY / "container" / "compose.yaml").read_text(encoding="utf-8")
    (tmp_path / "compose.yaml").write_text(
        re.sub("^name:.*", "", text, flags=re.MULTILINE),  # Debian's is 1.29, before names
        encoding="utf-8",
    )
    example = (DEPLOY / "container" / "example.env").read_text(encoding="utf-8")
    (tmp_path / ".env").write_text(re.sub("=$", "=x", example, flags=re.MULTILINE), "utf-8")
    told = subprocess.run(
        ["docker-compose", "config"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
