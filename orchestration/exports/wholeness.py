"""Whether the raw zone still holds the bytes that its registry names, by their sha256.

Belongs here: comparing. Doesn't: mending; only a backup has bytes that are lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.exports.registry import ERASED, Registry
from orchestration.exports.store import is_as_named, stored_path


@dataclass(frozen=True)
class LostFile:
    """A file of the registry whose bytes are gone, or are not those that were pulled."""

    name: str
    sha256: str
    is_there: bool
    """Whether bytes lie under its name, though other ones."""


def kept_files(raw_dir: Path) -> list[str]:
    """Return the sha256 of each file whose bytes the raw zone promises to hold, in its order."""
    rows = Registry(raw_dir).rows
    return list(dict.fromkeys(row.sha256 for row in rows if row.status != ERASED and row.sha256))


def lost_files(raw_dir: Path) -> Iterator[LostFile]:
    """Give each file that is lost or changed once, with the last name that it came under.

    Reads every byte of `raw/files/`. Raises UnreadableFileError where the registry is damaged.
    """
    named = {row.sha256: row for row in Registry(raw_dir).rows}
    for sha256 in kept_files(raw_dir):
        path, row = stored_path(raw_dir, sha256), named[sha256]
        if not path.is_file():
            yield LostFile(row.name, sha256, is_there=False)
        elif not is_as_named(path):
            yield LostFile(row.name, sha256, is_there=True)
