"""Which sources have brought nothing new for longer than their seed allows, while people answer.

Belongs here: when a source's newest answers came. Doesn't: pulling them (landing), telling it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from orchestration.exports.registry import READ, ExportFile
from orchestration.exports.seed_files import Source
from orchestration.seeds.survey_cycles import SurveyCycle
from orchestration.survey_days import local_day


@dataclass(frozen=True)
class Stale:
    """A source that brought nothing new for `days` days."""

    source: Source
    days: int
    newest: datetime | None
    """When it last brought bytes that no pull had seen before, with its zone; None: never."""


def stale_sources(
    sources: Iterable[Source], cycle: SurveyCycle, rows: Iterable[ExportFile], *, now: datetime
) -> list[Stale]:
    """Return the cycle's stale sources; none before and after its window.

    `rows` are the registry's. Where nothing ever came, days are counted from the first of the
    window. `now` bears its zone.
    """
    today = local_day(now)
    if not cycle.opens_on <= today <= cycle.closes_on:
        return []
    first: dict[tuple[str, str], datetime] = {}
    for row in rows:
        if row.cycle_id == cycle.cycle_id and row.status == READ:
            first.setdefault((row.source, row.sha256), row.pulled_at.replace(tzinfo=UTC))
    stale = []
    for source in sources:
        if source.cycle_id != cycle.cycle_id or source.fresh_within_days is None:
            continue
        times = [at for (address, _), at in first.items() if address == source.address]
        newest = max(times, default=None)
        since = local_day(newest) if newest else cycle.opens_on
        if (days := (today - since).days) > source.fresh_within_days:
            stale.append(Stale(source, days, newest))
    return stale
