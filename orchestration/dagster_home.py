"""Dagster's own folder below the data, set up as the repository says.

Belongs here: its settings file and what the environment tells Dagster. Doesn't: Dagster, which is
imported late or in a process of its own.
"""

import os
import shutil

from orchestration.durable_files import whole_file
from orchestration.project_files import shipped
from orchestration.settings import Settings


def set_up_dagster_home(settings: Settings) -> None:
    """Write dagster.yaml there, and have this process and those it starts use it."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    with whole_file(settings.dagster_home / "dagster.yaml") as temporary:
        shutil.copyfile(shipped("orchestration/dagster.yaml"), temporary)
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
