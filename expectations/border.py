"""The border of the raw zone: all that is demanded of one cycle's exports, as outcomes.

Belongs here: which frames meet which suites, what is written for people (`quality/<cycle>/`), and
the one demand that concerns the environment (the pseudonym key). Doesn't: what happens then
(orchestration/defs/quality.py).
"""

from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from expectations.failing_rows import failing_rows, write_rows
from expectations.file_profiles import profile_files, profile_staff_frame
from expectations.identifier_profiles import superseded
from expectations.raw_files import (
    Cycle,
    RawFile,
    current_files,
    known_ids,
    maps_identifiers,
    read_profiles,
)
from expectations.response_profiles import profile_responses
from expectations.rules import (
    STAFF_IDS,
    export_file_rules,
    staff_frame_rules,
    survey_response_rules,
)
from expectations.validation import Outcome, Validation, validate
from orchestration.durable_files import below
from orchestration.engine_macros import EngineMacros

PSEUDONYM_CHECK = "pseudonym_key_is_set"
_EXAMPLES = 5  # failing rows that a check's metadata shows; the list has all


@dataclass(frozen=True)
class Border:
    """Where a cycle's raw files lie, what they are measured against, and where reports go."""

    raw_dir: Path
    seeds_dir: Path
    export_files: Path
    dbt_project_dir: Path
    quality_dir: Path
    cycle: Cycle
    max_off_scale_share: float
    max_superseded_share: float

    @property
    def failing_rows_file(self) -> Path:
        """The list of the rows that broke a rule; there only where some did."""
        return below(self.quality_dir, self.cycle.cycle_id, "failing_rows.csv")

    def page(self, suite: str) -> Path:
        """Return where the report of a suite's last run lies."""
        return below(self.quality_dir, self.cycle.cycle_id, f"{suite}.html")

    def files(self, kind: str | None = None) -> list[RawFile]:
        """Return the cycle's current files, all or those of a kind (`survey_responses`, ...)."""
        files = current_files(self.export_files, self.cycle.cycle_id)
        return [file for file in files if kind in (None, file.kind)]

    def check(self) -> dict[str, list[Outcome]]:
        """Run the suites, write pages and failing rows, return the outcomes of each raw table."""
        responses, rows = self._check_responses()
        validations = {
            "survey_responses": responses,
            "staff_frame": self._check_staff_frame(),
            "export_files": self._check_files(),
        }
        self.failing_rows_file.unlink(missing_ok=True)
        if rows:
            write_rows(self.failing_rows_file, rows)
        for suite, validation in validations.items():
            if validation.page:
                self.page(suite).parent.mkdir(parents=True, exist_ok=True)
                self.page(suite).write_text(validation.page, encoding="utf-8")
        return {suite: validation.outcomes for suite, validation in validations.items()}

    def check_pseudonym_key(self, *, is_set: bool) -> Outcome:
        """Refuse exports that hold identifiers as long as there is no key to hash them with."""
        files = [] if is_set else self.files("survey_responses")
        named = [file.name for file in files if maps_identifiers(self.seeds_dir, file)]
        messages = (
            f"{', '.join(named)}: pengenal (respondent_identifier) disidik dengan kunci rahasia, "
            "dan ILK_PSEUDONYM_KEY belum diisi. Buat sekali (openssl rand -hex 32), simpan "
            "baik-baik, dan pakai di setiap proses: export ILK_PSEUDONYM_KEY=... / identifiers are "
            "hashed with a secret key, and ILK_PSEUDONYM_KEY is not set. Make one once, keep it "
            "safe, and set it for every run.",
        )
        return Outcome(
            PSEUDONYM_CHECK, "critical", not named, messages if named else (), len(named)
        )

    def _check_responses(self) -> tuple[Validation, list[dict[str, str]]]:
        """Run the suite of `raw/survey_responses`; return the rows behind its failures too."""
        files = self.files("survey_responses")
        macros = EngineMacros(self.dbt_project_dir)
        rules = survey_response_rules(max_off_scale_share=self.max_off_scale_share)
        listed = []
        with duckdb.connect() as connection:
            frame = profile_responses(
                connection,
                self.raw_dir,
                self.seeds_dir,
                self.cycle,
                files,
                macros,
                self.max_off_scale_share,
            )
            validation = validate(frame, rules, suite="survey_responses")
            for place, rule in enumerate(rules):
                if validation.outcomes[place].passed:
                    continue
                rows = failing_rows(
                    connection,
                    self.raw_dir,
                    self.seeds_dir,
                    self.cycle,
                    files,
                    read_profiles(self.seeds_dir),
                    macros,
                    rule,
                    validation.failing[rule.name],
                    self.max_off_scale_share,
                )
                listed += rows
                validation.outcomes[place] = replace(
                    validation.outcomes[place], examples=tuple(rows[:_EXAMPLES])
                )
        return validation, listed

    def _check_staff_frame(self) -> Validation:
        frame = profile_staff_frame(
            self.raw_dir,
            self.seeds_dir,
            self.cycle.cycle_id,
            self.files("staff_frame"),
            EngineMacros(self.dbt_project_dir),
        )
        known = {
            column: known_ids(self.seeds_dir, seed, column) for column, seed in STAFF_IDS.items()
        }
        return validate(frame, staff_frame_rules(known=known), suite="staff_frame")

    def _check_files(self) -> Validation:
        frame = profile_files(
            self.export_files,
            self.raw_dir,
            self.seeds_dir,
            self.cycle,
            self.files(),
            EngineMacros(self.dbt_project_dir),
        )
        share, examples = superseded(
            self.raw_dir,
            self.seeds_dir,
            self.cycle,
            self.files("survey_responses"),
            EngineMacros(self.dbt_project_dir),
        )
        frame = frame.assign(superseded_share=share, superseded_examples=examples)
        rules = export_file_rules(max_superseded_share=self.max_superseded_share)
        return validate(frame, rules, suite="export_files")
