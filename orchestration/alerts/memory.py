"""What was told to whom: alerts that are on, and the digests of a day.

Belongs here: `<data>/alerts/told.json`, written whole, and the lock of whoever tells. Doesn't: what
is told. It can be lost: everything that is still amiss is then told once more.
"""

import fcntl
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from orchestration.durable_files import make_private, read_json, whole_file

_FOLDER = "alerts"


@dataclass
class Told:
    """By alert, who knows that it is on (channels' keys) and its words; digests by day.

    `silent`: channels that did not take their last message, with their names.
    `digests`: by cycle, region and channel the day of the last digest that arrived.
    """

    path: Path
    alerts: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def save(self) -> None:
        """Write all of it."""
        with whole_file(self.path) as fresh:
            fresh.write_text(
                json.dumps(
                    {"alerts": self.alerts, "silent": self.silent, "digests": self.digests},
                    indent=1,
                ),
                encoding="utf-8",
            )

    def forget_others(self, channels: Collection[str]) -> None:
        """Keep what these channels know alone: others are set up no more."""
        for known in self.alerts.values():
            known["to"] = [key for key in known["to"] if key in channels]
        self.alerts = {key: known for key, known in self.alerts.items() if known["to"]}
        self.silent = {key: name for key, name in self.silent.items() if key in channels}

    def note_digest(self, name: str, day: date) -> None:
        """Note that a digest arrived; those of other days are of no use any more."""
        of_the_day = {each: on for each, on in self.digests.items() if on == day.isoformat()}
        self.digests = {**of_the_day, name: day.isoformat()}
        self.save()

    def has_digest(self, name: str, day: date) -> bool:
        """Whether it arrived on that day."""
        return self.digests.get(name) == day.isoformat()


def read_told(data_dir: Path) -> Told:
    """Return what is remembered, nothing where there is no memory or it can't be read."""
    path = data_dir / _FOLDER / "told.json"
    kept = read_json(path) or {}
    parts = {
        name: part
        for name in ("alerts", "silent", "digests")
        if isinstance(part := kept.get(name), dict)
    }
    return Told(path, **parts)


@contextmanager
def telling(data_dir: Path) -> Iterator[Told | None]:
    """Give the memory to the one who tells; None while another process does."""
    folder = data_dir / _FOLDER
    make_private(folder)
    with (folder / "lock").open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield read_told(data_dir)
