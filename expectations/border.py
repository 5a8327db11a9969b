"""The border of the raw zone: all that is demanded of one cycle's exports, as outcomes.

Belongs here: which frames meet which suites, and the one demand that concerns the environment
(the pseudonym key). Doesn't: what happens then (orchestration/defs/quality.py).
"""

from dataclasses import dataclass
from pathlib import Path

from expectations.profiles import (
    RawFile,
    current_files,
    known_units,
    maps_identifiers,
    profile_responses,
    profile_staff_frame,
)
from expectations.rules import staff_frame_rules, survey_response_rules
from expectations.validation import Outcome, validate

PSEUDONYM_CHECK = "pseudonym_key_is_set"


@dataclass(frozen=True)
class Border:
    """Where a cycle's raw files lie and what they are measured against."""

    raw_dir: Path
    seeds_dir: Path
    export_files: Path
    cycle_id: str
    instrument_id: str
    max_off_scale_share: float

    def files(self, kind: str) -> list[RawFile]:
        """Return the cycle's current files of a kind (`survey_responses`, `staff_frame`)."""
        files = current_files(self.export_files, self.cycle_id)
        return [file for file in files if file.kind == kind]

    def check_responses(self) -> list[Outcome]:
        """Run the suite of `raw/survey_responses`."""
        frame = profile_responses(
            self.raw_dir,
            self.seeds_dir,
            self.cycle_id,
            self.files("survey_responses"),
            instrument_id=self.instrument_id,
        )
        rules = survey_response_rules(max_off_scale_share=self.max_off_scale_share)
        return validate(frame, rules, suite="survey_responses")

    def check_staff_frame(self) -> list[Outcome]:
        """Run the suite of `raw/staff_frame`."""
        frame = profile_staff_frame(self.raw_dir, self.cycle_id, self.files("staff_frame"))
        rules = staff_frame_rules(unit_ids=known_units(self.seeds_dir))
        return validate(frame, rules, suite="staff_frame")

    def check_pseudonym_key(self, *, is_set: bool) -> Outcome:
        """Refuse exports that hold identifiers as long as there is no key to hash them with."""
        files = [] if is_set else self.files("survey_responses")
        named = [file.name for file in files if maps_identifiers(self.seeds_dir, file)]
        messages = (
            f"{', '.join(named)}: identifiers (respondent_identifier) are hashed with a secret "
            "key, and ILK_PSEUDONYM_KEY is not set. Make one once (openssl rand -hex 32), keep it "
            "safe, and set it for every run: export ILK_PSEUDONYM_KEY=...",
        )
        return Outcome(
            PSEUDONYM_CHECK, "critical", not named, messages if named else (), len(named)
        )
