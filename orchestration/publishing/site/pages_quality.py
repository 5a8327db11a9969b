"""The pages of data quality: what was read, what did not count and why, how well questions measure.

Belongs here: gathering a cycle's audit tables and reliability. Doesn't: laying them out, judging a
row (the models do).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestration.publishing.reading.book import Book, Cycle, Row
from orchestration.publishing.reading.language import Language
from orchestration.publishing.reading.walking import reason_words
from orchestration.publishing.site.page import Page, cycles_with

ANSWERS = ("valid", "not_available", "not_used", "blank", "rejected")


@dataclass(frozen=True)
class Reason:
    """Why responses did not count: in words, what helps, how many. None where it isn't shown."""

    name: str
    remedy: str
    count: int | None


@dataclass(frozen=True)
class File:
    """A file: its rows, those that count, the others by reason, and the counted ones' answers."""

    name: str
    sha256: str
    read: int
    counted: int | None
    reasons: Sequence[Reason]
    answers_read: int | None
    answers: Sequence[int | None]
    """In the order of ANSWERS; None where they are of too few responses to be told."""


@dataclass(frozen=True)
class ItemSet:
    """Items that should measure one thing: how well they do together, and each of them."""

    kind: str
    name: str
    figures: Row
    items: Sequence[tuple[str, Row]]


def quality_pages(book: Book, words: Language) -> Iterator[Page]:
    """Give each cycle's page, the newest one's first."""
    cycles = cycles_with(book, "audit_reconciliation")
    paths = {
        cycle.cycle_id: f"quality/{cycle.cycle_id}.html" if number else "quality.html"
        for number, cycle in enumerate(cycles)
    }
    for survey in cycles:
        files = _files(book, words, survey)
        yield Page(
            paths[survey.cycle_id],
            "quality.html.j2",
            {
                "survey": survey,
                "files": files,
                "read": sum(file.read for file in files),
                "counted": _sum([file.counted for file in files]),
                "reasons": _reasons(
                    book.rows("audit_reconciliation", cycle_id=survey.cycle_id), words
                ),
                "drift": book.rows("audit_schema_drift", cycle_id=survey.cycle_id),
                "sets": _sets(book, words, survey),
                "answer_kinds": ANSWERS,
                "others": [(other, paths[other.cycle_id]) for other in cycles if other != survey],
            },
        )


def _files(book: Book, words: Language, survey: Cycle) -> list[File]:
    by_file: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in book.rows("audit_reconciliation", cycle_id=survey.cycle_id):
        by_file[row["file_name"], row["file_sha256"]].append(row)
    files = []
    for (name, sha256), rows in sorted(by_file.items()):
        counted = [row for row in rows if row["is_accepted"]]
        files.append(
            File(
                name=name,
                sha256=sha256,
                read=rows[0]["records_read"],
                counted=_sum([row["response_count"] for row in counted]),
                reasons=_reasons(rows, words),
                answers_read=_sum([row["answers_read"] for row in counted]),
                answers=[_sum([row[f"{kind}_count"] for row in counted]) for kind in ANSWERS],
            )
        )
    return files


def _reasons(rows: Sequence[Row], words: Language) -> list[Reason]:
    counts: dict[str, list[int | None]] = defaultdict(list)
    for row in rows:
        if not row["is_accepted"]:
            counts[row["rejection_reason"]].append(row["response_count"])
    reasons = [
        Reason(
            reason_words(reason, words),
            words(f"quality.remedy_{reason}") if words.has(f"quality.remedy_{reason}") else "",
            _sum(found),
        )
        for reason, found in counts.items()
    ]
    return sorted(reasons, key=lambda reason: (-(reason.count or 0), reason.name))


def _sum(counts: Sequence[int | None]) -> int | None:
    """Add up; None where one isn't shown, since the sum would be of others."""
    told = [count for count in counts if count is not None]
    return sum(told) if len(told) == len(counts) else None


def _sets(book: Book, words: Language, survey: Cycle) -> list[ItemSet]:
    rows = book.rows("idx_reliability", cycle_id=survey.cycle_id)
    names: dict[str, dict[str, str]] = {
        "service": {row["service_id"]: words.name(row) for row in book.services},
        "perspective": {row["perspective_id"]: words.name(row) for row in book.perspectives},
        "audience": {
            row["recipient_category_id"]: words.name(row)
            for row in book.rows("dim_recipient_categories")
        },
    }
    asked = {
        row["item_id"]: str(row["question_text"])
        for row in book.rows("dim_questions", instrument_id=survey.instrument_id)
    }
    sets = []
    for kind, known in names.items():
        of_kind = [row for row in rows if row["set_type"] == kind]
        place = {set_id: number for number, set_id in enumerate(known)}
        for figures in sorted(
            (row for row in of_kind if row["item_id"] is None),
            key=lambda row: (place.get(row["set_id"], len(place)), row["set_id"]),
        ):
            set_id = str(figures["set_id"])
            items = [
                (asked.get(row["item_id"], str(row["item_id"])), row)
                for row in of_kind
                if row["set_id"] == set_id and row["item_id"] is not None
            ]
            # A service's items are all items: they stand once.
            sets.append(
                ItemSet(
                    kind, known.get(set_id, set_id), figures, items if kind == "service" else []
                )
            )
    return sets
