"""What a pull found, as the asset, the command line and the tests read it.

Belongs here: the report's shape. Doesn't: finding it (pulling.py), wording it
(orchestration/defs/survey_exports.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestration.exports.servers import Vanished


@dataclass(frozen=True)
class Refusal:
    """A file that lies in the landing and is not read, and what to do about it."""

    name: str
    code: str
    message: str
    message_id: str
    """The same sentence in Indonesian."""


@dataclass(frozen=True)
class Shrunk:
    """A file in use, its records and those of the version that it replaced."""

    name: str
    record_count: int
    count_before: int


@dataclass(frozen=True)
class PullReport:
    """What a pull found, by file name. Every file of the cycle's landing stands in exactly one of
    new, unchanged, superseded, refused and unclaimed; withdrawn ones are no longer there.
    """

    cycle_id: str
    new: tuple[str, ...]
    unchanged: tuple[str, ...]
    superseded: tuple[str, ...]
    """Read again, because the bytes, the profile or its reader settings changed."""
    withdrawn: tuple[str, ...]
    refused: tuple[Refusal, ...]
    """All that are refused now, also those that an earlier pull refused already."""
    notes: tuple[str, ...]
    """What somebody should look at: in the files new and superseded (an encoding of last resort),
    what each archive holds that is passed over, what a server's answer lacks.
    """
    missing_sources: tuple[str, ...]
    """Locations that match no file: nothing was withdrawn for them."""
    records_read: int
    """Records in the files new and superseded."""
    kept_frame: str = ""
    """The staff frame that stays in use though it was taken out of the landing."""
    unclaimed: tuple[str, ...] = ()
    """What lies in the cycle's folder and is no source's: nobody reads it."""
    other_kinds: Mapping[str, str] = field(default_factory=dict)
    """Of these, XLSX where CSV is asked for and the like, with the location that asks."""
    shrunk: tuple[Shrunk, ...] = ()
    """Files in use that hold fewer records than the version before them, whenever that was."""
    vanished: tuple[Vanished, ...] = ()
    unfinished: tuple[str, ...] = ()
    """What is passed over for now: uploads under way, and what Excel writes while it is open."""
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By source: how many files are new, changed, unchanged, withdrawn and refused."""
