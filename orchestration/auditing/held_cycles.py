"""Cycles that were rolled back, and that no run brings back as they were.

Belongs here: `audit/rolled_back.json`. Doesn't: going back itself (rollback.py).

As long as a run would publish such a cycle from the very files, seeds and code of the publication
that was left, it stays as the one shows it that was gone back to, as an unfit cycle does. Anything
else is a real run, and publishes.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.durable_files import read_json_record, whole_file
from orchestration.settings import Settings
from orchestration.words import on_the_readers_clock


def held_cycles(settings: Settings, made_from: Mapping[str, str]) -> dict[str, str]:
    """Return what to say of each cycle that would be published just as it was rolled back.

    `made_from` is its fingerprint by cycle.
    """
    return {
        cycle_id: (
            f"{cycle_id} tetap seperti setelah dikembalikan ({clock(moment(held['at']))}): berkas, "
            "seed, dan kodenya masih yang ditinggalkan. Betulkan lalu jalankan, atau "
            f"./ilk publish --release {cycle_id}. / stays as it was rolled back to: its files, "
            "seeds and code are still those that were left. Mend them and run it, or let it out "
            "by that command."
        )
        for cycle_id, held in _read(settings).items()
        if made_from.get(cycle_id) in held["fingerprints"]
    }


def hold(
    settings: Settings, *, left: Mapping[str, str], shown: Mapping[str, str]
) -> tuple[str, ...]:
    """Remember which cycles of a publication that is left another one shows otherwise.

    Both by the fingerprint of what they were made from. Returns the cycles.
    """
    holds = _read(settings)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    others = tuple(sorted(name for name in left if shown.get(name) != left[name]))
    for name in others:
        known = set(holds.get(name, {}).get("fingerprints", []))
        holds[name] = {"fingerprints": sorted({*known, left[name]}), "at": now}
    for name, fingerprint in shown.items():  # shown again on purpose
        if fingerprint in holds.get(name, {}).get("fingerprints", []):
            holds[name]["fingerprints"].remove(fingerprint)
    _write(settings, {name: held for name, held in holds.items() if held["fingerprints"]})
    return others


@contextmanager
def held_only_if_shown(settings: Settings) -> Iterator[None]:
    """Put back what was held before, where what is to be shown comes to nothing."""
    before = _read(settings)
    try:
        yield
    except BaseException:
        _write(settings, before)
        raise


def let_go(settings: Settings, cycle_ids: Collection[str]) -> list[str]:
    """Forget that cycles were rolled back: they were published anew, or a person says so.

    Returns those that were.
    """
    holds = _read(settings)
    gone = [cycle_id for cycle_id in cycle_ids if cycle_id in holds]
    if gone:
        _write(settings, {name: held for name, held in holds.items() if name not in gone})
    return gone


def moment(text: str) -> datetime:
    """Return an instant as records of runs have it: UTC, without saying so."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def clock(instant: datetime) -> str:
    """Return such an instant as a person reads it."""
    return on_the_readers_clock(instant.replace(tzinfo=UTC))


def _read(settings: Settings) -> dict[str, dict[str, Any]]:
    path = _path(settings)
    return read_json_record(path) if path.is_file() else {}


def _write(settings: Settings, holds: Mapping[str, Any]) -> None:
    with whole_file(_path(settings)) as temporary:
        temporary.write_text(json.dumps(holds, indent=1, sort_keys=True), encoding="utf-8")


def _path(settings: Settings) -> Path:
    return settings.audit_dir / "rolled_back.json"
