"""What stands behind a report's figures: evenness, coverage, files and rows, restatements.

Belongs here: the annexes. Doesn't: the body (sections.py).
"""

from collections.abc import Callable, Iterator

from orchestration.publishing.reading.evenness import evenness_change
from orchestration.publishing.reading.language import NONE
from orchestration.publishing.reading.names import compared
from orchestration.publishing.reading.walking import trace_line
from orchestration.publishing.reports.content import Block, Column, Section, Table, Text
from orchestration.publishing.reports.subjects import Subject
from orchestration.publishing.reports.telling import Teller

_EVENNESS = ("range", "cv", "gini", "williamson", "theil")


def annexes(tell: Teller, subject: Subject) -> Iterator[Section]:
    """Give the annexes, lettered; one that has nothing to say is left out."""
    parts: list[tuple[str, Callable[[Teller, Subject], Iterator[Block]]]] = [
        ("evenness", _evenness),
        ("coverage", _coverage),
        ("files", _files),
        ("restatements", _restatements),
    ]
    letters = iter("ABCDEF")
    for name, gather in parts:
        blocks = list(gather(tell, subject))
        if blocks:
            title = tell.words(
                "report.annex", letter=next(letters), name=tell.words(f"report.{name}")
            )
            yield Section(title, blocks)


def _evenness(tell: Teller, subject: Subject) -> Iterator[Block]:
    """Give the nation's evenness between regions, units, groups of persons."""
    if subject.kind != "national":
        return
    rows = tell.rows("idx_evenness", cycle_id=tell.cycle.cycle_id)
    values = {(row["between"], row["measure"]): row for row in rows}
    betweens = [
        each
        for each in dict.fromkeys(row["between"] for row in rows)
        if any(row["between"] == each and (row["member_count"] or 0) > 1 for row in rows)
    ]
    if not betweens:
        return
    words = tell.words
    yield Text(words("report.evenness_text"))
    yield Table(
        "",
        [
            Column(words("report.between"), 4),
            Column(words("report.members"), 2, is_number=True),
            *(Column(words(f"report.measure_{each}"), 2, is_number=True) for each in _EVENNESS),
        ],
        [
            (
                _between(tell, each),
                tell.count(next(r["member_count"] for r in rows if r["between"] == each)),
                *(_measure(tell, values.get((each, measure)), measure) for measure in _EVENNESS),
            )
            for each in betweens
        ],
    )
    for each in betweens:
        name = _between(tell, each)
        if said := evenness_change(tell.book, words, tell.cycle.cycle_id, each, name=name):
            yield Text(said)


def _between(tell: Teller, between: str) -> str:
    level = between.removeprefix("units_")
    if level in tell.levels:
        return tell.words("report.between_units_of", level=tell.levels[level])
    return compared(tell.book, tell.words, "report", between)


def _measure(tell: Teller, row: object, measure: str) -> str:
    if not isinstance(row, dict):
        return tell.words.number(None, 4)

    def told(value: float | None) -> str:
        return tell.number(value) if measure == "range" else tell.words.number(value, 4)

    corrected = row["value_corrected"]
    return told(row["value"]) + (f" ({told(corrected)})" if corrected is not None else "")


def _coverage(tell: Teller, subject: Subject) -> Iterator[Block]:
    rows = tell.rows(
        "idx_coverage",
        cycle_id=tell.cycle.cycle_id,
        domain_type=subject.domain_type,
        domain_id=subject.subject_id,
    )
    by_service = {row["service_id"] or "": row for row in rows}
    shown = [
        (name, by_service[service])
        for service, name in [("", tell.words("report.all_services")), *tell.services.items()]
        if service in by_service
    ]
    if not any(row["availability"] is not None for _, row in shown):
        return
    words = tell.words
    yield Text(words("report.coverage_text"))
    yield Table(
        "",
        [
            Column(words("report.service"), 4),
            *(
                Column(words(f"report.{each}"), 2, is_number=True)
                for each in ("availability", "accessibility", "effective_coverage")
            ),
        ],
        [
            (
                name,
                *(
                    words("figure.hidden") if row["is_suppressed"] else words.percent(row[each], 1)
                    for each in ("availability", "accessibility", "effective_coverage")
                ),
            )
            for name, row in shown
        ],
    )


def _files(tell: Teller, subject: Subject) -> Iterator[Block]:
    words = tell.words
    sources = tell.sources
    if not sources.files:
        return
    yield Text(
        words(
            "report.files_text",
            read=tell.count(sources.read),
            counted=_count(tell, sources.accepted),
            files=tell.count(len(sources.files)),
        )
    )
    yield Table(
        "",
        [
            Column(words("report.file"), 6),
            Column(words("figure.rows_read"), 2, is_number=True),
            Column(words("figure.rows_counted"), 2, is_number=True),
        ],
        [(file.name, tell.count(file.read), _count(tell, file.accepted)) for file in sources.files],
    )
    yield Table(
        words("report.hashes"),
        [Column(words("report.file"), 3), Column("SHA-256", 5)],
        [(file.name.partition("/")[2] or file.name, file.sha256) for file in sources.files],
    )
    if sources.left_out:
        yield Table(
            words("report.left_out"),
            [
                Column(words("report.reason"), 4),
                Column(words("report.row_count"), 2, is_number=True),
            ],
            [(reason, _count(tell, count)) for reason, count in sources.left_out],
        )
    line = trace_line(tell.cycle.cycle_id, subject.domain_type, subject.subject_id)
    if line:
        yield Text(words("report.trace", line=line))


def _count(tell: Teller, count: int | None) -> str:
    return tell.words("figure.hidden") if count is None else tell.count(count)


def _restatements(tell: Teller, subject: Subject) -> Iterator[Block]:
    words = tell.words
    restatements = tell.sources.restatements
    if not restatements:
        yield Text(words("report.no_restatements"))
        return
    yield Table(
        "",
        [
            Column(words("report.day"), 2),
            Column(words("report.why"), 4),
            Column(words("report.figure_count"), 2, is_number=True),
        ],
        [(words.day(each.day), each.why or NONE, tell.count(each.count)) for each in restatements],
    )
