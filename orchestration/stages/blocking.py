"""Which checks stop a cycle now, by name alone, for whoever is told of it from outside a run.

Belongs here: that list beside the cycle's quality report. Doesn't: what is demanded, sentences with
cells in them, telling anybody (orchestration/alerts).
"""

import json
from collections.abc import Iterable

from orchestration.durable_files import below, read_json, whole_file
from orchestration.settings import Settings

_FILE = "blocking.json"


def note_blocking(settings: Settings, cycle_id: str, checks: Iterable[str]) -> None:
    """Note the names of the checks that stop a cycle; none: it goes on."""
    path = below(settings.quality_dir, cycle_id) / _FILE
    named = list(dict.fromkeys(checks))
    if not named:
        path.unlink(missing_ok=True)
        return
    with whole_file(path) as fresh:
        fresh.write_text(json.dumps({"checks": named}), encoding="utf-8")


def blocking_checks(settings: Settings, cycle_id: str) -> list[str]:
    """Return the names of the checks that stopped the cycle when it was last looked at."""
    kept = read_json(below(settings.quality_dir, cycle_id) / _FILE) or {}
    return [str(name) for name in kept.get("checks", ())]
