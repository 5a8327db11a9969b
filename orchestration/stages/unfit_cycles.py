"""Cycles that must not take the place of what was published of them: nothing is left, or too few.

Belongs here: telling them from the warehouse and the last publication, and in words. Doesn't: what
is published in their place (publication.py), when (orchestration/defs/publication.py).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration.bounded_engine import BoundedEngine
from orchestration.sql_text import as_text
from orchestration.words import REASONS, in_words

# A cycle of which nobody has answered yet has its frame's rows of participation alone.
_CYCLES = """
select cycle_id from {0}marts.fct_responses union select cycle_id from {0}marts.fct_participation
"""
_BUILT = f"""
select
    cycle_id,
    count(*) filter (is_accepted) as accepted_count,
    count(is_accepted) as response_count,
    any_value(settings.min_sample) as min_sample,
    any_value(settings.closes_on) as closes_on,
from ({_CYCLES.format("warehouse.")}) as cycles
left join warehouse.marts.fct_responses using (cycle_id)
inner join warehouse.design.design_settings as settings using (cycle_id)
group by cycle_id
"""
_REASONS = """
select cycle_id, list([rejection_reason, response_count::varchar] order by response_count desc)
from (
    select cycle_id, rejection_reason, count(*) as response_count
    from warehouse.marts.fct_responses where not is_accepted group by all
)
group by cycle_id
"""
# Who stands behind a cycle's national index; a cycle without one has no row.
_RESPONDENTS = """
select cycle_id, max(respondent_count)
from {}
where domain_type = 'national' and component_type = 'index'
group by cycle_id
"""


@dataclass(frozen=True)
class UnfitCycle:
    """A cycle of the warehouse that is not published; the counts are of respondents.

    `published_count` is None where it was never published.
    """

    cycle_id: str
    accepted_count: int
    response_count: int
    published_count: int | None
    min_sample: int
    reasons: tuple[tuple[str, str], ...]
    """Why responses are rejected, and how many."""

    def in_words(self) -> str:
        """Return what its own run says: the remedy first."""
        of = f"{self.accepted_count}/{self.response_count}"
        why = ("", "")
        if self.reasons:
            texts = [(in_words(REASONS, reason), count) for reason, count in self.reasons]
            why = (
                f" ({', '.join(f'{text.id} {count}' for text, count in texts)})",
                f" ({', '.join(f'{text.en} {count}' for text, count in texts)})",
            )
        stays = ("", "")
        if self.published_count is not None:
            stays = (
                f" Publikasi terakhirnya (n = {self.published_count}) tetap.",
                f" Its last publication (n = {self.published_count}) stays.",
            )
        accept = ("", "")
        if self.accepted_count:
            accept = (
                f" Bila memang tinggal sekian: ./ilk run {self.cycle_id} --accept-fewer.",
                f" If so few are right: ./ilk run {self.cycle_id} --accept-fewer.",
            )
        return (
            f"{self.cycle_id} tidak diterbitkan: perbaiki berkas atau seed yang membuat jawabannya "
            f"ditolak, lalu jalankan lagi; diterima {of}{why[0]}, min_sample {self.min_sample}."
            f"{stays[0]}{accept[0]} / is not published: mend the files or seeds for which its "
            f"responses are rejected, and run it again; accepted {of}{why[1]}, min_sample "
            f"{self.min_sample}.{stays[1]}{accept[1]}"
        )


def unfit_cycles(
    engine: BoundedEngine,
    warehouse: Path,
    published: Path,
    *,
    today: date,
    accept_fewer: Collection[str] = (),
) -> dict[str, UnfitCycle]:
    """Return, by id, the warehouse's cycles that are not to be published as they are now.

    Such a cycle has no accepted response, or fewer respondents than its method's `min_sample` where
    the last publication has at least as many; the latter not of those in `accept_fewer`. While its
    window is open (`today`, by UTC) and no score of it is published, that none has answered, or
    rightly, is what its participation tells.
    """
    if not warehouse.is_file():
        return {}
    with engine.opened() as connection:
        connection.execute(f"attach {as_text(warehouse)} as warehouse (read_only)")
        built = connection.execute(_BUILT).fetchall()
        reasons = dict(connection.execute(_REASONS).fetchall())
        table = "warehouse.indexes.idx_scores"
        now = dict(connection.execute(_RESPONDENTS.format(table)).fetchall())
        before: dict[str, int] = {}
        if published.is_file():
            connection.execute(f"attach {as_text(published.resolve())} as shown (read_only)")
            table = "shown.main.idx_scores"
            before = dict(connection.execute(_RESPONDENTS.format(table)).fetchall())
    found = {}
    for cycle_id, accepted_count, response_count, min_sample, closes_on in built:
        if today <= closes_on and cycle_id not in before:
            continue
        has_shrunk = now.get(cycle_id, 0) < min_sample <= (before.get(cycle_id) or 0)
        if accepted_count == 0 or (has_shrunk and cycle_id not in accept_fewer):
            found[cycle_id] = UnfitCycle(
                cycle_id,
                accepted_count,
                response_count,
                before.get(cycle_id),
                int(min_sample),
                tuple((reason, count) for reason, count in reasons.get(cycle_id, ())),
            )
    return found


def cycles_built(warehouse: Path) -> set[str]:
    """Return the cycles that the warehouse holds, also those that nobody has answered."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(_CYCLES.format("")).fetchall()
    return {cycle_id for (cycle_id,) in rows}
