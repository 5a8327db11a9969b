"""The page of runs and restatements: what was computed when, from what, and what moved since.

Belongs here: gathering the audit tables of runs. Doesn't: laying them out. Times are UTC in the
tables, and Jakarta's on pages, where the ministry is: a page is the same wherever it is made.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from orchestration.publishing.reading.book import Book, Row
from orchestration.publishing.reading.language import Language
from orchestration.publishing.reading.names import cycle_title
from orchestration.publishing.site.page import Page
from orchestration.survey_days import local_time

_RUNS_SHOWN = 100
_NUMBERS_SHOWN = 50


@dataclass(frozen=True)
class Run:
    """A run of a cycle as people read it."""

    cycle: str
    started: str
    instant: str
    minutes: float | None
    outcome: str
    publication_id: str | None
    code: str
    files: Sequence[tuple[str, str, bool]]
    """Name, hash, whether it was read (else refused)."""
    steps: Sequence[tuple[str, float, int | None]]
    """Name in words, seconds, rows."""
    standing: Sequence[str]
    """Cycles that this run's publication left as they stood."""


@dataclass(frozen=True)
class Restatement:
    """The numbers of a final cycle that moved together, the first ones by themselves."""

    cycle: str
    when: str
    why: str
    count: int
    hidden_count: int
    numbers: Sequence[Row]


def history_pages(book: Book, words: Language) -> Iterator[Page]:
    """Give the one page: the newest run first."""
    rows = sorted(book.rows("audit_runs"), key=lambda row: row["started_at"], reverse=True)
    yield Page(
        "history.html",
        "history.html.j2",
        {
            "runs": [_run(book, words, row) for row in rows[:_RUNS_SHOWN]],
            "run_count": len(rows),
            "restatements": _restatements(book, words),
        },
    )


def clock(moment: datetime, words: Language) -> str:
    """Return an instant of UTC as the ministry's clock shows it, with its zone."""
    local = local_time(moment.replace(tzinfo=UTC))
    return words("history.clock", day=words.day(local), hour=f"{local:%H}", minute=f"{local:%M}")


def _run(book: Book, words: Language, row: Row) -> Run:
    ended = row["finished_at"]
    return Run(
        cycle=_cycle(book, words, row["cycle_id"]),
        started=clock(row["started_at"], words),
        instant=f"{row['started_at']:%Y-%m-%dT%H:%M:%SZ}",
        minutes=(ended - row["started_at"]).total_seconds() / 60 if ended else None,
        outcome=words.coded("history", row["outcome"] or "under_way"),
        publication_id=row["publication_id"],
        code=row["code_version"] or row["code_hash"][:12],
        files=[
            (file["name"], file["sha256"], file["status"] == "read")
            for file in json.loads(row["input_files"] or "[]")
        ],
        steps=[
            (words.coded("history", f"step_{step['step']}"), step["seconds"], step["rows"])
            for step in json.loads(row["steps"] or "[]")
        ],
        standing=[
            _cycle(book, words, cycle_id) for cycle_id in json.loads(row["standing_cycles"] or "[]")
        ],
    )


def _cycle(book: Book, words: Language, cycle_id: str | None) -> str:
    cycle = book.cycles.get(cycle_id or "")
    return cycle_title(cycle, words) if cycle else cycle_id or words("history.no_cycle")


def _restatements(book: Book, words: Language) -> list[Restatement]:
    by_run: dict[tuple[datetime, str, str], list[Row]] = defaultdict(list)
    for row in book.rows("audit_restatements"):
        by_run[row["restated_at"], row["cycle_id"], row["why"]].append(row)
    found = []
    for (moment, cycle_id, why), rows in sorted(by_run.items(), reverse=True):
        told = [row for row in rows if not row["is_suppressed"]]
        found.append(
            Restatement(
                cycle=_cycle(book, words, cycle_id),
                when=clock(moment, words),
                why=why,
                count=len(rows),
                hidden_count=len(rows) - len(told),
                # The nation's first: most people look for that.
                numbers=sorted(told, key=lambda row: row["domain_type"] != "national")[
                    :_NUMBERS_SHOWN
                ],
            )
        )
    return found
