"""`ilk serve`: Dagster's page, or its daemon, as a process that a server keeps running.

Belongs here: how they begin. Doesn't: who starts them again (deploy/systemd), who may see the page
(a proxy with authentication, docs/deployment.md: Dagster itself asks nobody who he is).
"""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from orchestration.terminal import console, fail, installation


class Service(StrEnum):
    """What is served."""

    WEB = "web"
    DAEMON = "daemon"


def serve(
    service: Annotated[
        Service,
        typer.Argument(
            help="web: halaman Dagster / Dagster's page; daemon: jadwal dan sensor / schedules."
        ),
    ],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Porta halaman. / Its port.")] = 3000,
    host: Annotated[
        str, typer.Option(help="Alamat yang didengarkan. / The address it listens on.")
    ] = "127.0.0.1",
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Hanya melihat. / For those who only look.")
    ] = False,
) -> None:
    """Halaman dan daemon Dagster, sampai dihentikan. / Dagster's page and daemon, until stopped."""
    from orchestration.cycle_run import make_storage

    settings, _ = installation()
    program = Path(sys.executable).with_name(f"dagster-{service}".replace("-web", "-webserver"))
    if not program.is_file():
        fail("Pasang paket ekstra / install the extra: ilk-warehouse[server]", code=2)
    if service is Service.WEB and host not in {"127.0.0.1", "::1", "localhost"}:
        console.print(
            f"[yellow]Peringatan / Warning[/yellow] {host}: siapa pun yang mencapai alamat itu "
            "boleh menjalankan semuanya; pasang proksi yang meminta sandi. / whoever reaches that "
            "address may run anything: put a proxy with passwords before it (docs/deployment.md).",
            soft_wrap=True,
        )
    make_storage(settings)
    # Each data folder's settings are the environment's: relative paths would follow the process.
    os.environ["ILK_DATA_DIR"] = str(settings.data_dir)
    os.environ["ILK_SEEDS_DIR"] = str(settings.seeds_dir)
    of_web = ["--host", host, "--port", str(port), *(["--read-only"] if read_only else [])]
    words = ["run"] if service is Service.DAEMON else of_web
    if settings.log_format == "json":
        words = [*words, "--log-format", "json"]
    arguments = [program.name, *words, "--module-name", "orchestration.definitions"]
    os.chdir(settings.dagster_home)  # Dagster keeps what it keeps in passing where it was started
    os.execv(program, arguments)
