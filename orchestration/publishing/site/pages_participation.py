"""The pages of participation: who still has to answer, for those who remind them.

Belongs here: gathering rates and required samples by role, level, region and unit. Doesn't: laying
them out. Who answered in a small unit is told with others of its region and level, as published.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from orchestration.publishing.reading.book import Book, Cycle, Row, known_sum
from orchestration.publishing.reading.charts import days_chart
from orchestration.publishing.reading.language import Language
from orchestration.publishing.region_files import ALL, FOLDER, NO_REGION
from orchestration.publishing.site.page import Page, cycles_with
from orchestration.publishing.site.pages_plan import plan_path, planned_cycles
from orchestration.survey_terms import HEADLINE_ROLE

_DAYS = "fct_participation_region_days"
_NAMED_SHORT = 25  # units that the first table names; each region's page has all of its own


@dataclass(frozen=True)
class Turnout:
    """How many of some units' staff answered. The required sample is the sum of the units' own.

    It, the staff and the shortfall are None where the staff frame knows none of the units.
    """

    name: str
    unit_count: int
    staff_count: int | None
    respondent_count: int
    required_sample: int | None
    shortfall: int | None
    path: str = ""
    """The page that tells more of it, from the language's folder on."""

    @property
    def rate(self) -> float | None:
        """Respondents as a share of the staff."""
        return self.respondent_count / self.staff_count if self.staff_count else None


@dataclass(frozen=True)
class RoleTurnout:
    """A role's participation, all together and by its parts."""

    role_id: str
    whole: Turnout
    levels: Sequence[Turnout]
    regions: Sequence[Turnout]
    units: Sequence[Turnout]
    """Told one by one, those that miss most first."""
    groups: Sequence[Turnout]
    """Small units that are told together."""
    untold_unit_count: int
    """Units with staff that no row is of: too few together."""

    @property
    def short(self) -> Sequence[Turnout]:
        """Units that miss some of their required sample."""
        return [unit for unit in self.units if unit.shortfall]

    @property
    def judged_count(self) -> int:
        """Units of which is known whether they miss some."""
        return sum(unit.shortfall is not None for unit in self.units)


@dataclass(frozen=True)
class Day:
    """Who answered up to and on a day, of the units that are told.

    `rate`: `count` as a share of their staff; None where the staff frame knows none of them.
    """

    day: date
    new_count: int
    count: int
    rate: float | None
    unit_count: int


def participation_pages(book: Book, words: Language) -> Iterator[Page]:
    """Give each cycle's page, the newest one's first, and one for each of its regions."""
    cycles = cycles_with(book, "fct_participation_units")
    paths = {
        cycle.cycle_id: f"participation/{cycle.cycle_id}.html" if number else "participation.html"
        for number, cycle in enumerate(cycles)
    }
    for survey in cycles:
        roles = _roles(book, words, survey)
        by_day = _region_days(book, survey)
        days = _days(survey, [row for rows in by_day.values() for row in rows])
        yield Page(
            paths[survey.cycle_id],
            "participation.html.j2",
            {
                "survey": survey,
                "roles": roles,
                "named_short": _NAMED_SHORT,
                "days": days,
                "chart": _chart(days, words) if days else "",
                "sent": f"{FOLDER}/{survey.cycle_id}/{ALL}",
                "others": [(other, paths[other.cycle_id]) for other in cycles if other != survey],
                "plans": [(cycle, plan_path(cycle)) for cycle in planned_cycles(book)],
            },
        )
        for region_id, of_region in _by_region(book, survey).items():
            days = _days(survey, by_day.get(region_id, ()))
            yield Page(
                _region_path(survey, region_id),
                "participation_region.html.j2",
                {
                    "survey": survey,
                    "region_id": region_id,
                    "region_name": _region_name(book, words, region_id),
                    "roles": _roles(book, words, survey, of_region),
                    "cycle_path": paths[survey.cycle_id],
                    "days": days,
                    "chart": _chart(days, words) if days else "",
                    "sent": f"{FOLDER}/{survey.cycle_id}/{region_id or NO_REGION}",
                },
            )


def _by_region(book: Book, survey: Cycle) -> dict[str | None, list[Row]]:
    found: dict[str | None, list[Row]] = defaultdict(list)
    for row in book.rows("fct_participation_units", cycle_id=survey.cycle_id):
        found[row["region_id"]].append(row)
    return found


def _region_path(survey: Cycle, region_id: str | None) -> str:
    return f"participation/{survey.cycle_id}/{region_id or 'none'}.html"


def _region_name(book: Book, words: Language, region_id: str | None) -> str:
    region = book.regions.get(region_id or "")
    return str(region["name"]) if region else words("participation.no_region")


def _roles(
    book: Book, words: Language, survey: Cycle, rows: Sequence[Row] | None = None
) -> list[RoleTurnout]:
    """Return the roles' participation in the nation, or in what the rows are of."""
    cycle_id = survey.cycle_id
    of_all = book.rows("fct_participation_units", cycle_id=cycle_id) if rows is None else rows
    names = {row["role_id"]: words.name(row) for row in book.rows("dim_roles")}
    found = []
    for role_id in sorted(
        {row["role_id"] for row in of_all}, key=lambda role: (role != HEADLINE_ROLE, role)
    ):
        of_role = [row for row in of_all if row["role_id"] == role_id]
        one_by_one = [row for row in of_role if row["unit_id"] is not None]
        units = [_unit(book, survey, row) for row in one_by_one]
        together = [row for row in of_role if row["unit_id"] is None]
        whole = _sum(names.get(role_id, role_id), of_role)
        found.append(
            RoleTurnout(
                role_id=role_id,
                whole=whole,
                levels=_levels(book, words, of_role),
                regions=_regions(book, words, survey, of_role),
                units=sorted(units, key=lambda unit: (-(unit.shortfall or 0), unit.name)),
                groups=[_group(book, words, row) for row in together],
                untold_unit_count=0
                if rows is not None
                else _unit_count(book, cycle_id, role_id) - whole.unit_count,
            )
        )
    return found


def _unit_count(book: Book, cycle_id: str, role_id: str) -> int:
    rows = book.rows("fct_participation", cycle_id=cycle_id, role_id=role_id)
    return len({row["unit_id"] for row in rows})


def _levels(book: Book, words: Language, rows: Sequence[Row]) -> list[Turnout]:
    levels = sorted(book.rows("dim_unit_levels"), key=lambda level: level["level_rank"])
    names = {level["unit_level_id"]: words.name(level) for level in levels}
    order = [*names, None]
    return _parts(
        rows,
        lambda row: row["unit_level_id"],
        lambda level_id: names.get(level_id, words("participation.no_level")),
        order=order,
    )


def _regions(book: Book, words: Language, survey: Cycle, rows: Sequence[Row]) -> list[Turnout]:
    return _parts(
        rows,
        lambda row: row["region_id"],
        lambda region_id: _region_name(book, words, region_id),
        order=[*sorted(book.regions, key=lambda each: book.regions[each]["name"]), None],
        path=lambda region_id: _region_path(survey, region_id),
    )


def _parts(
    rows: Sequence[Row],
    key: Callable[[Row], str | None],
    name: Callable[[str | None], str],
    *,
    order: Sequence[str | None],
    path: Callable[[str | None], str] = lambda _: "",
) -> list[Turnout]:
    by_key: dict[str | None, list[Row]] = defaultdict(list)
    for row in rows:
        by_key[key(row)].append(row)
    return [_sum(name(each), by_key[each], path(each)) for each in order if each in by_key]


def _sum(name: str, rows: Iterable[Row], path: str = "") -> Turnout:
    """Add rows up. A required sample is each unit's own: the sum is what all units need."""
    told = list(rows)
    return Turnout(
        name=name,
        unit_count=sum(row["unit_count"] for row in told),
        staff_count=known_sum(row["staff_count"] for row in told),
        respondent_count=sum(row["respondent_count"] for row in told),
        required_sample=known_sum(row["required_sample"] for row in told),
        shortfall=known_sum(row["shortfall"] for row in told),
        path=path,
    )


def _unit(book: Book, survey: Cycle, row: Row) -> Turnout:
    unit = book.units[survey.cycle_id].get(row["unit_id"])
    name = str(unit["unit_name"]) if unit else row["unit_id"]
    return _sum(name, [row], f"units/{row['unit_id']}.html")


def _group(book: Book, words: Language, row: Row) -> Turnout:
    levels = {level["unit_level_id"]: words.name(level) for level in book.rows("dim_unit_levels")}
    level = levels.get(row["unit_level_id"], words("participation.no_level"))
    return _sum(
        words("participation.group", count=words.number(row["unit_count"], 0), level=level), [row]
    )


def _region_days(book: Book, survey: Cycle) -> dict[str | None, list[Row]]:
    found: dict[str | None, list[Row]] = defaultdict(list)
    if book.has_table(_DAYS):  # tables of a test
        for row in book.rows(_DAYS, cycle_id=survey.cycle_id):
            found[row["region_id"]].append(row)
    return found


def _days(survey: Cycle, rows: Iterable[Row]) -> list[Day]:
    """Return the days of the window; of one that is still open, up to its last new answer."""
    by_day: dict[date, list[Row]] = defaultdict(list)
    for row in rows:
        by_day[row["day_on"]].append(row)
    days = []
    for day, told in sorted(by_day.items()):
        count = sum(row["respondent_count"] for row in told)
        staff = known_sum(row["staff_count"] for row in told)
        days.append(
            Day(
                day,
                sum(row["new_respondent_count"] for row in told),
                count,
                count / staff if staff else None,
                sum(row["unit_count"] for row in told),
            )
        )
    last = max((day.day for day in days if day.new_count), default=None)
    return [] if last is None else [day for day in days if survey.is_scored or day.day <= last]


def _chart(days: Sequence[Day], words: Language) -> Markup:
    return days_chart(
        [day.count for day in days],
        required=None,  # a sum of many small samples would flatten the curve
        title=words("participation.days"),
        first=words.day(days[0].day),
        last=words.day(days[-1].day),
        required_label="",
        number=lambda count: words.number(count, 0),
    )
