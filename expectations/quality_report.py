"""The quality report: one page a cycle for people, in Indonesian and English, from the outcomes.

Belongs here: filling quality_report.html.j2. Doesn't: judging (validation.py), lists (lists.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from expectations.rule_words import rule_in_words
from expectations.rules import Sentence
from expectations.validation import Outcome
from orchestration.words import on_the_readers_clock

if TYPE_CHECKING:
    from jinja2 import Template

_MOST_SENTENCES = 200  # of one rule; its list has all
_SHOWN_CELLS = 20


@dataclass(frozen=True)
class RuleReport:
    """What became of one rule: its outcome, every sentence, and cells that broke it."""

    outcome: Outcome
    sentences: Sequence[Sentence] = ()
    cells: Sequence[Mapping[str, object]] = ()


def quality_report(cycle_id: str, reports: Sequence[RuleReport], lists: Sequence[str]) -> str:
    """Return the page; `lists` are the names of the files beside it that tell what to mend."""
    judged = [report for report in reports if report.outcome.judged_count]
    failed = [report for report in judged if not report.outcome.passed]
    return _template().render(
        cycle_id=cycle_id,
        checked_at=on_the_readers_clock(datetime.now(UTC)),
        blocking=sum(report.outcome.severity == "critical" for report in failed),
        failed=sorted(failed, key=lambda report: report.outcome.severity),
        held=[report for report in judged if report.outcome.passed],
        words=rule_in_words,
        lists=lists,
        most=_MOST_SENTENCES,
        shown=_SHOWN_CELLS,
    )


@lru_cache(maxsize=1)
def _template() -> "Template":
    from jinja2 import Environment

    text = Path(__file__).with_suffix(".html.j2").read_text(encoding="utf-8")
    return Environment(autoescape=True).from_string(text)
