"""What the pages of units and of regions have in common.

Belongs here: gathering what is published of one domain beside others: grid, peers, change, lowest
perspectives, availability. Doesn't: who answered (pages_units.py), layout (place.html.j2).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from markupsafe import Markup

from orchestration.publishing.reading.axes import axis
from orchestration.publishing.reading.book import INDEX, Book, Component, Cycle, Row, Score
from orchestration.publishing.reading.charts import Interval, Mark, interval_chart
from orchestration.publishing.reading.language import Language
from orchestration.publishing.reading.verdicts import change_verdict

MOST_PEERS = 15
Item = TypeVar("Item")


@dataclass(frozen=True)
class Change:
    """What became of a component since the last cycle; `low` and `high` None without an error."""

    component: Component
    name: str
    delta: float
    low: float | None
    high: float | None
    is_changed: bool | None
    words: str
    row: Row


@dataclass(frozen=True)
class Lowest:
    """One of the lowest perspectives of a domain, with what was asked.

    `is_certain`: whether it stands below all others beyond chance; None where that is not known.
    """

    perspective_id: str
    name: str
    score: Score
    questions: Sequence[str]
    change: Change | None
    is_certain: bool | None


@dataclass(frozen=True)
class Chart:
    """A picture and its rows, which stand below it as a table."""

    picture: Markup
    rows: Sequence[Interval]


def cycle_to_read(book: Book) -> Cycle | None:
    """Return the newest cycle with scores, else the newest that anybody was asked in."""
    try:
        return book.latest
    except LookupError:
        return newest_asked(book)


def newest_asked(book: Book) -> Cycle | None:
    """Return the newest cycle with participation, which may still be open."""
    asked = [cycle for cycle in book.cycles.values() if book.units.get(cycle.cycle_id)]
    return max(asked, key=lambda cycle: (cycle.closes_on, cycle.cycle_id), default=None)


def of_index(rows: Sequence[Row], cycle: Cycle) -> list[Row]:
    """Return the services or perspectives of a cycle's index."""
    return [row for row in rows if row["index_id"] == cycle.index_id]


def component_name(book: Book, words: Language, cycle: Cycle, component: Component) -> str:
    """Return what a component is called: the index, a service, a perspective or both."""
    parts = [
        words.name(row)
        for rows, key, found in (
            (book.services, "service_id", component.service_id),
            (book.perspectives, "perspective_id", component.perspective_id),
        )
        for row in of_index(rows, cycle)
        if found and row[key] == found
    ]
    return " · ".join(parts) or words("place.index")


def changes(
    book: Book, words: Language, cycle: Cycle, domain_type: str, domain_id: str
) -> dict[Component, Change]:
    """Return the shown changes of the index, its services and perspectives."""
    rows = book.rows(
        "idx_changes", cycle_id=cycle.cycle_id, domain_type=domain_type, domain_id=domain_id
    )
    found = {}
    for row in rows:
        if row["delta"] is None or row["component_type"] not in ("index", "service", "perspective"):
            continue
        component = Component(row["service_id"] or "", row["perspective_id"] or "")
        delta, low, high = row["delta"], row["ci_low"], row["ci_high"]
        found[component] = Change(
            component,
            component_name(book, words, cycle, component),
            delta,
            low,
            high,
            row["is_changed"],
            f"{_change_in_words(book, words, delta, low, high)}; "
            f"{change_verdict(words, book.scale, row, ci_level=cycle.ci_level)}",
            row,
        )
    order = {INDEX: 0} | {
        component: number
        for number, component in enumerate(
            [
                *(Component(service_id=row["service_id"]) for row in book.services),
                *(Component(perspective_id=row["perspective_id"]) for row in book.perspectives),
            ],
            start=1,
        )
    }
    return dict(sorted(found.items(), key=lambda item: order.get(item[0], len(order))))


def _change_in_words(
    book: Book, words: Language, delta: float, low: float | None, high: float | None
) -> str:
    decimals = book.scale.decimals
    size = round(book.scale.of(delta) or 0, decimals)
    way = "up" if size > 0 else "down" if size < 0 else "same"
    said = words(f"place.change_{way}", size=words.number(abs(size), decimals))
    if low is not None:
        said += " " + words(
            "place.change_interval",
            low=words.signed(book.scale.of(low), decimals),
            high=words.signed(book.scale.of(high), decimals),
        )
    return said


def lowest(
    book: Book,
    cycle: Cycle,
    words: Language,
    perspectives: Mapping[str, bool | None],
    scores: Mapping[Component, Score],
    changed: Mapping[Component, Change],
    level_id: str | None,
) -> list[Lowest]:
    """Return these perspectives (and is_certain) with what was asked of a level or of all."""
    return [
        Lowest(
            perspective_id,
            component_name(book, words, cycle, Component(perspective_id=perspective_id)),
            scores[Component(perspective_id=perspective_id)],
            questions(book, cycle.instrument_id, perspective_id, level_id),
            changed.get(Component(perspective_id=perspective_id)),
            is_certain,
        )
        for perspective_id, is_certain in perspectives.items()
    ]


def questions(
    book: Book, instrument_id: str, perspective_id: str, level_id: str | None
) -> list[str]:
    """Return the questions of a perspective about a level (None: all), each text once."""
    rows = book.rows("dim_questions", instrument_id=instrument_id, perspective_id=perspective_id)
    return list(
        dict.fromkeys(
            row["question_text"]
            for row in rows
            if row["asks"] == "performance" and level_id in (None, row["provider_level_id"])
        )
    )


def grid(
    book: Book, words: Language, cycle: Cycle, scores: Mapping[Component, Score]
) -> list[tuple[str, list[Score | None]]]:
    """Return services x perspectives: rows of the index and each service, its total first."""
    perspectives = [row["perspective_id"] for row in of_index(book.perspectives, cycle)]
    rows = [("", words("place.all_services"))]
    rows += [(row["service_id"], words.name(row)) for row in of_index(book.services, cycle)]
    return [
        (name, [scores.get(Component(service_id, other)) for other in ("", *perspectives)])
        for service_id, name in rows
    ]


def coverage(
    book: Book, words: Language, cycle: Cycle, domain_type: str, domain_id: str
) -> list[tuple[str, Row]]:
    """Return the rows of idx_coverage of a domain that show anything, all services first."""
    rows = book.rows(
        "idx_coverage", cycle_id=cycle.cycle_id, domain_type=domain_type, domain_id=domain_id
    )
    by_service = {row["service_id"] or "": row for row in rows}
    wanted = [("", words("place.all_services"))]
    wanted += [(row["service_id"], words.name(row)) for row in of_index(book.services, cycle)]
    return [
        (name, by_service[service_id])
        for service_id, name in wanted
        if service_id in by_service and by_service[service_id]["availability"] is not None
    ]


def nearest(ordered: Sequence[Item], own: int) -> tuple[Sequence[Item], int]:
    """Return at most MOST_PEERS items around the place of one's own, and how many are left out."""
    start = max(0, min(own - MOST_PEERS // 2, len(ordered) - MOST_PEERS))
    shown = ordered[start : start + MOST_PEERS]
    return shown, len(ordered) - len(shown)


def beginning(names: Sequence[str]) -> str:
    """Return the words that all names begin with, and some go on from; '' for less than two."""
    split = [name.split(" ") for name in names]
    count = 0
    if len(split) > 1:
        shortest = min(map(len, split)) - 1
        while count < shortest and len({words[count] for words in split}) == 1:
            count += 1
    return "".join(f"{word} " for word in split[0][:count]) if split else ""


def bar(
    book: Book, words: Language, score: Score | None, label: str, kind: str = "", href: str = ""
) -> Interval:
    """Return a chart's row of a score; one that isn't shown says why."""
    if score is None or score.score is None:
        hidden = score is not None and score.is_suppressed
        note = "figure.hidden" if hidden else "figure.none"
        if score is not None and score.null_reason and not hidden:
            note = f"figure.{score.null_reason}"
        return Interval(label, None, note=words(note), kind=kind, href=href)
    scale = book.scale
    middle, low, high = (scale.of(value) for value in (score.score, score.ci_low, score.ci_high))
    return Interval(
        label,
        middle,
        low,
        high,
        value=in_interval(words, middle, low, high, scale.decimals),
        kind=kind,
        href=href,
    )


def in_interval(
    words: Language, middle: float | None, low: float | None, high: float | None, decimals: int
) -> str:
    """Return `3,70 (3,47–3,93)`, without the brackets where there is no interval."""
    said = words.number(middle, decimals)
    if low is None or high is None:
        return said
    return f"{said} ({words.number(low, decimals)}–{words.number(high, decimals)})"


def score_chart(
    book: Book, words: Language, rows: Sequence[Interval], title: str, marks: Sequence[Mark] = ()
) -> Chart | None:
    """Draw scores on as much of the scale as they need; None where no row has a figure."""
    ends = [
        end
        for row in rows
        if row.middle is not None
        for end in (row.middle, row.low, row.high)
        if end is not None
    ]
    if not ends:
        return None
    ends += [mark.at for mark in marks]
    span = axis(ends, words.number, least=book.scale.low, most=book.scale.high)
    picture = interval_chart(
        rows, title=title, low=span.low, high=span.high, ticks=span.ticks, marks=marks, width=680
    )
    return Chart(picture, rows)


def change_chart(book: Book, words: Language, found: Iterable[Change], title: str) -> Chart | None:
    """Draw changes around 0, which is the mark of no change."""
    decimals = book.scale.decimals
    rows = []
    for change in found:
        middle, low, high = (
            book.scale.of(value) for value in (change.delta, change.low, change.high)
        )
        rows.append(
            Interval(
                change.name,
                middle,
                low,
                high,
                value=words.signed(middle, decimals),
                kind="own" if change.is_changed else "",
            )
        )
    if not rows:
        return None
    ends = [end for row in rows for end in (row.middle, row.low, row.high)]
    span = axis([0.0, *ends], words.signed)
    picture = interval_chart(
        rows,
        title=title,
        low=span.low,
        high=span.high,
        ticks=span.ticks,
        marks=(Mark(0, words("place.no_change")),),
        width=680,
    )
    return Chart(picture, rows)
