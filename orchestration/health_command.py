"""`ilk health`: arguments, what is printed, exit code.

Belongs here: that one command. Doesn't: what is looked at (health.py).
"""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from orchestration.terminal import console, fail, installation


def health(
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="daemon, automation, arrivals, files, publication, run, backup; semua / all",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Untuk program. / For programs.")] = False,
) -> None:
    """Apakah semua hidup; kode keluar 1 bila ada yang merah. / Is all alive; exit code 1 if not."""
    from orchestration.health import KINDS, findings
    from orchestration.words import both

    if unknown := {*(only or [])} - {*KINDS}:
        fail(f"--only {', '.join(sorted(unknown))}: {', '.join(KINDS)}", code=2)
    settings, _ = installation(writes=False)
    now = datetime.now(UTC)
    found = findings(settings, now, names=only or KINDS)
    is_red = any(each.is_red for each in found)
    if as_json:
        rows = [
            {
                "name": each.name,
                "cycle_id": each.cycle_id,
                "about": each.about,
                "is_red": each.is_red,
                "sentence": {"id": each.sentence.id, "en": each.sentence.en},
                "since": each.since and each.since.isoformat(timespec="seconds"),
            }
            for each in found
        ]
        print(json.dumps({"is_red": is_red, "at": now.isoformat(), "findings": rows}, indent=1))
    else:
        for each in found:
            state = "[red]merah/red[/red]" if each.is_red else "[dim]baik/well[/dim]"
            about = " ".join(filter(None, (each.name, each.cycle_id, each.about)))
            console.print(f"{state} {escape(about)}: {escape(both(each.sentence))}", soft_wrap=True)
    if is_red:
        raise typer.Exit(1)
