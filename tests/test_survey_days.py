"""One clock says by which day a window opens and closes.

Belongs here: the day of an instant. Doesn't: what is published on it
(test_publication_in_time.py) and whom a schedule runs for (test_automation.py).
"""

import re
from datetime import UTC, date, datetime

from orchestration.settings import REPOSITORY
from orchestration.survey_days import closing_day, local_day, local_time, start_of_day
from tests.test_house_rules import obeyed


def test_a_window_closes_hours_after_midnight_of_those_it_asks():
    past_midnight = datetime(2026, 11, 28, 17, 30, tzinfo=UTC)
    assert local_day(past_midnight) == date(2026, 11, 29)
    assert closing_day(past_midnight) == date(2026, 11, 28)
    assert closing_day(local_time(past_midnight)) == date(2026, 11, 28)
    assert start_of_day(date(2026, 11, 29)) == datetime(2026, 11, 28, 17, tzinfo=UTC)


def test_nobody_else_says_which_day_it_is():
    """A run judged "over" by Jakarta's day and "open" by UTC's for seven hours of each last day."""
    obeyed(
        (
            f"{path.relative_to(REPOSITORY)}: {found.group()}"
            for room in ("orchestration", "expectations")
            for path in (REPOSITORY / room).rglob("*.py")
            if path.name != "survey_days.py"
            for found in re.finditer(
                r"\bdate\.today\(|\bnow(\([^)]*\))?\.date\(\)|_at\.date\(\)|\bZoneInfo\(\"",
                path.read_text(encoding="utf-8"),
            )
        ),
        "ask survey_days: local_day (reminders, openings) or closing_day (is a window over)",
    )
