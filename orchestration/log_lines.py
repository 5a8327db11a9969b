"""What the loggers `ilk.*` say, as one JSON object a line, with the run, cycle and step at work.

Belongs here: where a line comes from, its form. Doesn't: lines for people (cli.py), Dagster's own
log of a run, which has them too.
"""

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

_PLACE: ContextVar[dict[str, str | None]] = ContextVar("place")


@contextmanager
def at_work_on(**place: str | None) -> Iterator[None]:
    """Name `run_id`, `cycle_id` or `step` in each line that is written in the block."""
    token = _PLACE.set({**_PLACE.get({}), **place})
    try:
        yield
    finally:
        _PLACE.reset(token)


class JsonLines(logging.StreamHandler[TextIO]):
    """Writes a line of JSON a message: `at` (UTC), `level`, `logger`, `message`, and the place."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a message as one line, whatever is in it."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_PLACE.get({}),
        }
        if record.exc_info:
            line["error"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def write_json_lines(stream: TextIO | None = None) -> None:
    """Have this process write them from now on, on stderr; more than once is as once."""
    log = logging.getLogger("ilk")
    if not any(isinstance(handler, JsonLines) for handler in log.handlers):
        log.addHandler(JsonLines(stream or sys.stderr))
        log.setLevel(logging.INFO)
        log.propagate = False
