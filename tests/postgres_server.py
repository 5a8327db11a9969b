"""A PostgreSQL of the tests' own: a new cluster in a temporary folder, reached by a socket in it.

Belongs here: finding Debian's binaries, starting, killing. Doesn't: the fixture (conftest.py).
pytest-postgresql starts none as root, whom PostgreSQL refuses; here it runs as `postgres` then.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

HOW_TO_GET_ONE = "no PostgreSQL server here: make services installs Debian's"


def find_binaries() -> Path | None:
    """The newest server's folder of programs; Debian keeps them off the PATH."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: float(path.parts[4])
    )
    elsewhere = shutil.which("pg_ctl")
    return found[-1].parent if found else Path(elsewhere).resolve().parent if elsewhere else None


class PostgresServer:
    """A cluster that may be killed and started again; each test has databases of its own."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._user = "postgres" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="ilk-pg-"))  # short: a socket's path is limited
        if self._user:
            shutil.chown(self.folder, self._user)
        self._number = 0
        self._call(
            "initdb", "--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8",
            "--locale=C.UTF-8",
        )  # fmt: skip
        self.start()
        self.run("postgres", "create role publisher login password 'kata-sandi' createrole")

    def start(self) -> None:
        """Start it, after its last processes are gone where it was killed."""
        # Killed processes lose nothing that the system has; only a power cut would.
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=off"
        for attempt in range(50):
            try:
                self._call("pg_ctl", "start", "--wait", f"--log={self.folder}/log", "-o", options)
                return
            except subprocess.CalledProcessError:
                if attempt == 49:
                    raise
                time.sleep(0.1)

    def kill(self) -> None:
        """End it at once, as a power cut would: nothing is said to anybody."""
        pid = int(
            (self.folder / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0]
        )
        os.kill(pid, signal.SIGKILL)
        while _is_alive(pid):
            time.sleep(0.01)

    def stop(self) -> None:
        """End it for good, and remove what it wrote."""
        subprocess.run(
            [self._binaries / "pg_ctl", "stop", "--mode=immediate", f"--pgdata={self.folder}/data"],
            user=self._user, cwd=self.folder, capture_output=True,
        )  # fmt: skip
        shutil.rmtree(self.folder, ignore_errors=True)

    def database(self, *, owner: str = "publisher", encoding: str = "UTF8") -> str:
        """Make a new database; return its URL, as that owner."""
        self._number += 1
        name = f"test_{os.getpid()}_{self._number}"
        self.run(
            "postgres",
            f"create database {name} owner {owner} encoding '{encoding}' "
            "template template0 locale 'C'",
        )
        return self.url(name, owner)

    def url(self, database: str, user: str = "postgres") -> str:
        """Where a database is, as a user."""
        return f"postgresql://{user}:kata-sandi@/{database}?host={self.folder}"

    def run(self, database: str, statement: str) -> None:
        """Run a statement as the superuser."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)

    def _call(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._binaries / program, *arguments, f"--pgdata={self.folder}/data"],
            user=self._user, cwd=self.folder, check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


def _is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        return status.rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
