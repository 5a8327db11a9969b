"""The pages of sample plans: how many to ask, and where, in cycles that have not closed.

Belongs here: gathering the plan's rows with names. Doesn't: laying them out, computing a plan
(models/marts/fct_sample_plan.sql).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestration.publishing.reading.book import Book, Cycle, Row
from orchestration.publishing.reading.language import Language
from orchestration.publishing.site.page import Page, cycles_with

TABLE = "fct_sample_plan"
_ASKED_IN = ("planned", "open")


@dataclass(frozen=True)
class Planned:
    """A row of the plan with the name of whose it is."""

    name: str
    row: Row


def planned_cycles(book: Book) -> list[Cycle]:
    """Return the cycles that have a plan and may still ask, the earliest first."""
    if not book.has_table(TABLE):  # an older version's publication
        return []
    return [cycle for cycle in reversed(cycles_with(book, TABLE)) if cycle.status in _ASKED_IN]


def plan_path(cycle: Cycle) -> str:
    """Return a plan's page, from its language's folder on."""
    return f"participation/plan/{cycle.cycle_id}.html"


def plan_pages(book: Book, words: Language) -> Iterator[Page]:
    """Give each planned or open cycle's page."""
    cycles = planned_cycles(book)
    for survey in cycles:
        rows: dict[str, list[Row]] = defaultdict(list)
        for row in book.rows(TABLE, cycle_id=survey.cycle_id):
            rows[row["plan_scope"]].append(row)
        levels = {
            row["unit_level_id"]: words.name(row)
            for row in sorted(book.rows("dim_unit_levels"), key=lambda row: row["level_rank"])
        }
        regions = {key: str(row["name"]) for key, row in book.regions.items()}
        names = {
            row["unit_id"]: str(row["unit_name"])
            for row in book.rows("dim_cycle_units", cycle_id=survey.cycle_id)
        }
        units = sorted(
            (Planned(names.get(row["unit_id"]) or row["scope_id"], row) for row in rows["unit"]),
            key=lambda each: (each.name, each.row["unit_id"]),
        )
        (nation,) = rows["national"]
        yield Page(
            plan_path(survey),
            "plan.html.j2",
            {
                "survey": survey,
                "nation": Planned(words("participation.all"), nation),
                "previous": book.cycles.get(nation["previous_cycle_id"] or ""),
                "frame": book.cycles.get(nation["frame_cycle_id"] or ""),
                "levels": _named(rows["level"], levels, order=[*levels]),
                "regions": _named(
                    rows["region"], regions, order=sorted(regions, key=regions.__getitem__)
                ),
                "units_by_region": [
                    (name, [each for each in units if each.row["region_id"] == region_id])
                    for region_id, name in [
                        *sorted(regions.items(), key=lambda region: region[1]),
                        (None, words("participation.no_region")),
                    ]
                ],
                "others": [(other, plan_path(other)) for other in cycles if other != survey],
            },
        )


def _named(rows: Sequence[Row], names: dict[str, str], *, order: Sequence[str]) -> list[Planned]:
    by_id = {row["scope_id"]: row for row in rows}
    return [Planned(names[scope_id], by_id[scope_id]) for scope_id in order if scope_id in by_id]
