"""The way down from a figure: the row it is in, the files behind it, the command that walks on.

Belongs here: what a card of a page and an annex of a report say of a figure's origin. Doesn't:
walking itself (auditing/), laying it out.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from orchestration.publishing.reading.book import INDEX, Book, Component, Row
from orchestration.publishing.reading.language import Language
from orchestration.words import REASONS, in_words

UNTRACED = frozenset({"equal_level", "unit_median"})
"""Middles of other domains' scores: no answer contributes to them by itself."""


def component_name(component: Component) -> str:
    """Return a component as `ilk trace` takes it: `service=sdm`; '' for the index."""
    service, perspective, item = component
    if item:
        return f"item={item}"
    if service and perspective:
        return f"service_perspective={service}/{perspective}"
    if service:
        return f"service={service}"
    return f"perspective={perspective}" if perspective else ""


def trace_line(
    cycle_id: str, domain_type: str, domain_id: str, component: Component = INDEX
) -> str:
    """Return the command that walks on from a score, '' where none does.

    It may be pasted into a shell of Linux and of Windows: both read double quotes alike.
    """
    if domain_type in UNTRACED:
        return ""
    domain = domain_type if domain_type == "national" else f"{domain_type}={domain_id}"
    line = f"./ilk trace {cycle_id} --domain {_quoted(domain)}"
    name = component_name(component)
    return f"{line} --component {_quoted(name)}" if name else line


def row_name(domain_type: str, domain_id: str, component: Component = INDEX) -> str:
    """Return which row of a table a figure is in, in the words of trace_line."""
    domain = domain_type if domain_type == "national" else f"{domain_type}={domain_id}"
    return " · ".join(filter(None, [domain, component_name(component) or "index"]))


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w.=/-]+", word) else f'"{word}"'


@dataclass(frozen=True)
class SourceFile:
    """A file that a cycle's answers were read from: its rows, and those that count."""

    name: str
    sha256: str
    read: int
    accepted: int | None


@dataclass(frozen=True)
class Restatement:
    """Numbers of a final cycle that moved when it was computed again."""

    day: date
    why: str
    count: int


@dataclass(frozen=True)
class Sources:
    """What stands behind all figures of a cycle.

    `left_out`: rows by why they don't count, in words, most first; None where it isn't shown.
    """

    files: tuple[SourceFile, ...]
    read: int
    accepted: int | None
    left_out: tuple[tuple[str, int | None], ...]
    restatements: tuple[Restatement, ...]


def sources_of(book: Book, words: Language, cycle_id: str) -> Sources:
    """Return a cycle's files, its rows by verdict and its restatements."""
    rows = book.rows("audit_reconciliation", cycle_id=cycle_id)
    by_file: dict[tuple[str, str], list[Row]] = defaultdict(list)
    by_reason: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_file[row["file_name"], row["file_sha256"]].append(row)
        if not row["is_accepted"]:
            by_reason[row["rejection_reason"]].append(row)
    files = tuple(
        SourceFile(name, sha256, of_file[0]["records_read"], _accepted(of_file))
        for (name, sha256), of_file in sorted(by_file.items())
    )
    left_out = [(reason_words(reason, words), _sum(found)) for reason, found in by_reason.items()]
    return Sources(
        files=files,
        read=sum(file.read for file in files),
        accepted=_accepted(rows),
        left_out=tuple(sorted(left_out, key=lambda each: (-(each[1] or 0), each[0]))),
        restatements=_restatements(book, cycle_id),
    )


def reason_words(reason: str, words: Language) -> str:
    """Return why an answer does not count, in a language; English where words.py lacks it."""
    text = in_words(REASONS, reason)
    return str(getattr(text, words.code, text.en))


def _accepted(rows: list[Row]) -> int | None:
    return _sum([row for row in rows if row["is_accepted"]])


def _sum(rows: list[Row]) -> int | None:
    """Return the responses of rows together; None where one of them isn't shown."""
    counts = [row["response_count"] for row in rows]
    return None if None in counts else sum(counts)


def _restatements(book: Book, cycle_id: str) -> tuple[Restatement, ...]:
    counts: dict[tuple[date, str], int] = defaultdict(int)
    for row in book.rows("audit_restatements", cycle_id=cycle_id):
        counts[row["restated_at"].date(), row["why"]] += 1
    return tuple(Restatement(day, why, count) for (day, why), count in sorted(counts.items()))
