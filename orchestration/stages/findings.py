"""What a stage found and tells whoever asked for it, in the terms of no scheduler.

Belongs here: the shape of one check's answer, and of a stage that can't go on. Doesn't: finding.
"""

from dataclasses import dataclass


class StageError(Exception):
    """The stage stops here; the message is for people, and running it again alone won't help."""


@dataclass(frozen=True)
class Finding:
    """The answer of a check: what to do, '' where all is well."""

    check: str
    sentence: str = ""
    is_error: bool = False
    """Whether the run fails by it, though nothing stops."""
    has_passed: bool | None = None
    """Only where a check that passed has something to say."""

    @property
    def passed(self) -> bool:
        """Whether all is well."""
        return not self.sentence if self.has_passed is None else self.has_passed
