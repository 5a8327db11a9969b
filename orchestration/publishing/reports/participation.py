"""The section of a report on who was to answer, and who did.

Belongs here: adding up published counts (rates and samples may not be added up). Doesn't: scores.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from orchestration.publishing.reading.book import Row, known_sum
from orchestration.publishing.reading.language import NONE
from orchestration.publishing.reading.nonresponse import nonresponse_sentences
from orchestration.publishing.reports.content import Block, Column, Table, Text
from orchestration.publishing.reports.subjects import Subject
from orchestration.publishing.reports.telling import Teller
from orchestration.survey_terms import HEADLINE_ROLE


def participation(tell: Teller, subject: Subject) -> Iterator[Block]:
    """Give staff, respondents and the required sample of a subject."""
    words = tell.words
    rows = _rows(tell, subject)
    if not rows:
        yield Text(words("report.no_frame"), is_note=True)
        return
    yield Text(words("report.respondents_text"))
    yield _by_role(tell, subject, rows)
    headline = [row for row in rows if row["role_id"] == HEADLINE_ROLE]
    if subject.kind == "national":
        yield _grouped(
            tell,
            words("report.participation_by_level"),
            [
                (name, _with(headline, "unit_level_id", level))
                for level, name in tell.levels.items()
            ],
        )
        regions = [
            (str(row["name"]), _with(headline, "region_id", region_id))
            for region_id, row in tell.book.regions.items()
        ]
        yield _grouped(tell, words("report.participation_by_region"), sorted(regions))
        if said := nonresponse_sentences(tell.book, words, tell.cycle.cycle_id):
            yield Text(f"{words('nonresponse.title')}: {' '.join(said)}")
    elif subject.kind == "region":
        yield _by_unit(tell, headline)
    if subject.kind != "unit":
        yield Text(words("report.participation_joined"), is_note=True)


def reached(tell: Teller, subject: Subject) -> list[tuple[str, str]]:
    """Return the response rate and, of a unit, its required sample, as facts."""
    words = tell.words
    rows = [row for row in _rows(tell, subject) if row["role_id"] == HEADLINE_ROLE]
    staff, answered = _staff(rows), _sum(rows, "respondent_count")
    if not staff:
        return []
    facts = [(words("report.rate"), _rate(tell, answered, staff))]
    if subject.kind == "unit":
        facts.append((words("report.sample"), _sample(tell, rows[0])))
    return facts


def _rows(tell: Teller, subject: Subject) -> Sequence[Row]:
    cycle_id = tell.cycle.cycle_id
    if subject.kind == "national":
        return tell.rows("fct_participation_units", cycle_id=cycle_id)
    if subject.kind == "region":
        return tell.rows("fct_participation_units", cycle_id=cycle_id, region_id=subject.subject_id)
    return tell.rows("fct_participation_units", cycle_id=cycle_id, unit_id=subject.subject_id)


def _by_role(tell: Teller, subject: Subject, rows: Sequence[Row]) -> Table:
    words = tell.words
    columns = [
        Column(words("report.role"), 3),
        Column(words("report.staff"), 2, is_number=True),
        Column(words("figure.respondents"), 2, is_number=True),
        Column(words("report.rate"), 2, is_number=True),
    ]
    if subject.kind == "unit":
        columns.append(Column(words("report.sample"), 3, is_number=True))
    table = []
    for role_id, name in tell.roles.items():
        of_role = _with(rows, "role_id", role_id)
        if of_role:
            cells = (name, *_counts(tell, of_role))
            table.append((*cells, _sample(tell, of_role[0])) if subject.kind == "unit" else cells)
    return Table(words("report.participation_by_role"), columns, table)


def _grouped(tell: Teller, caption: str, groups: Sequence[tuple[str, Sequence[Row]]]) -> Table:
    words = tell.words
    return Table(
        caption,
        [
            Column(words("report.where"), 4),
            Column(words("report.staff"), 2, is_number=True),
            Column(words("figure.respondents"), 2, is_number=True),
            Column(words("report.rate"), 2, is_number=True),
            Column(words("report.units_enough"), 3, is_number=True),
        ],
        [(name, *_counts(tell, rows), _enough(tell, rows)) for name, rows in groups if rows],
    )


def _by_unit(tell: Teller, rows: Sequence[Row]) -> Table:
    words = tell.words
    units = tell.book.units[tell.cycle.cycle_id]
    named: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        unit = units.get(row["unit_id"])
        name = (
            str(unit["unit_name"])
            if unit
            else words(
                "report.joined_units",
                count=tell.count(row["unit_count"]),
                level=tell.level(row["unit_level_id"]) if row["unit_level_id"] else NONE,
            )
        )
        named[name].append(row)
    return Table(
        words("report.participation_by_unit"),
        [
            Column(words("report.unit"), 5),
            Column(words("report.staff"), 2, is_number=True),
            Column(words("figure.respondents"), 2, is_number=True),
            Column(words("report.rate"), 2, is_number=True),
            Column(words("report.sample"), 3, is_number=True),
        ],
        [
            (name, *_counts(tell, found), _sample(tell, found[0]))
            for name, found in sorted(named.items())
        ],
    )


def _counts(tell: Teller, rows: Sequence[Row]) -> tuple[str, str, str]:
    staff, answered = _staff(rows), _sum(rows, "respondent_count")
    return (
        tell.count(staff),
        tell.words("figure.hidden") if answered is None else tell.count(answered),
        _rate(tell, answered, staff),
    )


def _rate(tell: Teller, answered: int | None, staff: int | None) -> str:
    return tell.words.percent(answered / staff, 1) if staff and answered is not None else NONE


def _sample(tell: Teller, row: Row) -> str:
    """Return a required sample and how many answers are missing from it."""
    if row["required_sample"] is None:
        return NONE
    needed = tell.count(row["required_sample"])
    if row["shortfall"] is None:
        return needed
    if not row["shortfall"]:
        return tell.words("report.sample_reached", sample=needed)
    return tell.words("report.sample_short", sample=needed, short=tell.count(row["shortfall"]))


def _enough(tell: Teller, rows: Sequence[Row]) -> str:
    """Return how many of the units that are told of by themselves reached their sample."""
    single = [row for row in rows if row["unit_id"] is not None and row["shortfall"] is not None]
    if not single:
        return NONE
    enough = sum(row["shortfall"] == 0 for row in single)
    return tell.words("report.some_of", some=tell.count(enough), all=tell.count(len(single)))


def _with(rows: Sequence[Row], column: str, value: str) -> list[Row]:
    return [row for row in rows if row[column] == value]


def _staff(rows: Sequence[Row]) -> int | None:
    return known_sum(row["staff_count"] for row in rows)


def _sum(rows: Sequence[Row], column: str) -> int | None:
    """Return a sum of counts; None where one of them isn't shown."""
    counts = [row[column] for row in rows]
    return None if None in counts else sum(counts)
