"""Which cycles are due by themselves: by the day, and by what has landed since.

Belongs here: those two questions. Doesn't: Dagster's schedule and sensor, which ask them
(orchestration/defs/automation.py).
"""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from orchestration.exports.seed_files import read_sources
from orchestration.exports.sources import ListedFile, Listing, SourceError, list_cycle
from orchestration.seeds.survey_cycles import read_cycles
from orchestration.settings import Settings


def cycles_due(settings: Settings, today: date) -> list[str]:
    """Return the cycles whose window holds the day, or ended on the day before it.

    While it is open a run publishes participation alone, on the day after all of it
    (orchestration/publishing/standing.py).
    """
    return [
        cycle.cycle_id
        for cycle in read_cycles(settings.seeds_dir)
        if cycle.opens_on <= today <= cycle.closes_on + timedelta(days=1)
    ]


@dataclass
class Landed:
    """What a look at all sources found, beside what the look before it remembered (`cursor`).

    A cursor holds a change counter a cycle, and a digest of each of its sources: one that can't be
    listed keeps its own, as it tells of nothing. The counter is for a file that is replaced and put
    back, which leads to a run of its own: digests alone would swallow it.
    """

    seen: dict[str, list[Any]]
    changed: dict[str, str] = field(default_factory=dict)
    """By cycle with new, changed or withdrawn files, a key that no other change of it has."""
    untold: list[str] = field(default_factory=list)
    """Of which sources nothing is known, and why."""

    @property
    def cursor(self) -> str:
        """What the next look is to be given."""
        return json.dumps(self.seen)


def look(
    settings: Settings, cycle_ids: Iterable[str], *, cursor: str | None, seconds: float
) -> Landed:
    """List the sources of cycles, and give up those that don't answer in time."""
    landed = Landed(json.loads(cursor) if cursor else {})
    sources = read_sources(settings.seeds_dir)
    until = time.monotonic() + seconds
    for cycle_id in cycle_ids:
        before, count = landed.seen.get(cycle_id) or ({}, 0)
        before = before if isinstance(before, dict) else {"": before}  # of earlier versions
        try:
            listing = list_cycle(
                cycle_id=cycle_id, sources=sources, landing=settings.landing, until=until
            )
        except SourceError as error:
            landed.untold.append(f"{cycle_id}: {error}")
            continue
        landed.untold += _untold(listing)
        digests = _digests(listing) | {
            source.address: before[source.address]
            for source, _ in listing.unreachable
            if source.address in before
        }
        if digests != before:
            landed.seen[cycle_id] = [digests, int(count) + 1]
            digest = hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()
            landed.changed[cycle_id] = f"{cycle_id}:{int(count) + 1}:{digest}"
    return landed


def _untold(listing: Listing) -> Iterator[str]:
    for source, fault in listing.unreachable:
        yield f"{fault.in_indonesian(source.address)} / {fault.in_english(source.address)}"


def _digests(listing: Listing) -> dict[str, str]:
    """Return a digest of the files of each source that has any; that of staff frames too."""
    by_source: dict[str, list[ListedFile]] = {}
    for file in listing.files:
        by_source.setdefault(file.source, []).append(file)
    return {
        source: hashlib.sha256(repr(files).encode()).hexdigest()
        for source, files in by_source.items()
    }
