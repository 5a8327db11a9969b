"""Which day an instant is, for the windows of survey cycles.

Belongs here: the one clock by which a window opens, is worked on and has closed. Doesn't: what is
done on such a day, and the days of responses (dbt counts them by each profile's own time zone).
"""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

ZONE = "Asia/Jakarta"
"""Where the people who run and answer surveys are."""


def local_time(instant: datetime) -> datetime:
    """Return an instant, which bears its zone, as clocks show it where the surveys are held."""
    return instant.astimezone(ZoneInfo(ZONE))


def local_day(instant: datetime) -> date:
    """Return the day by which a window opens, people are reminded and servers are asked."""
    return local_time(instant).date()


def start_of_day(day: date) -> datetime:
    """Return the instant at which a local day begins, with its zone."""
    return datetime.combine(day, time(), ZoneInfo(ZONE))


def closing_day(instant: datetime) -> date:
    """Return the day by which windows close: one has closed on the day after its last.

    UTC's, hours after midnight of the surveys' own zones: a profile whose time zone is UTC, as
    survey servers have it, takes answers till then, and whoever asks earlier must not be told that
    the window is over.
    """
    return instant.astimezone(UTC).date()
