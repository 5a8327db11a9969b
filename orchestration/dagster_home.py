"""Dagster's own folder below the data, set up as the repository says.

Belongs here: its settings file and what the environment tells Dagster. Doesn't: Dagster, which is
imported late or in a process of its own.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.durable_files import whole_file
from orchestration.project_files import shipped
from orchestration.settings import Settings, get_settings

_ON_SQLITE = """
# SQLite in DAGSTER_HOME, as without this setting, but with files that stay open between events.
event_log_storage:
  module: orchestration.defs.event_log
  class: OpenSqliteEventLogStorage
"""
_ON_POSTGRES = """
# The environment has the address, since it holds a password.
storage:
  postgres:
    postgres_url:
      env: ILK_DAGSTER_POSTGRES_URL
"""


@contextmanager
def one_sets_up(settings: Settings) -> Iterator[None]:
    """Hold back other processes that set this folder up, or open the storage that the first makes.

    systemd starts page and daemon in the same second. Two that make a storage stamp its SQLite
    twice, and from then on it opens for nobody.
    """
    with (settings.dagster_home / "setting_up.lock").open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def set_up_dagster_home(settings: Settings) -> None:
    """Write dagster.yaml there, and have this process and those it starts use it."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    with one_sets_up(settings), whole_file(settings.dagster_home / "dagster.yaml") as temporary:
        common = shipped("orchestration/dagster.yaml").read_text(encoding="utf-8")
        storage = _ON_SQLITE if settings.dagster_postgres_url is None else _ON_POSTGRES
        temporary.write_text(common + storage, encoding="utf-8")
    # Tells Dagster's page that its newsletter was offered.
    offered = settings.dagster_home / ".nux" / "nux.yaml"
    offered.parent.mkdir(exist_ok=True)
    offered.touch()
    if settings.dagster_postgres_url is not None:
        # SQLAlchemy takes psycopg 3 where no driver is named, which dagster-postgres can't use yet.
        _, address = settings.dagster_postgres_url.get_secret_value().split("://", 1)
        os.environ["ILK_DAGSTER_POSTGRES_URL"] = f"postgresql+psycopg2://{address}"
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"


if __name__ == "__main__":  # the Makefile, before it starts Dagster
    set_up_dagster_home(get_settings())
