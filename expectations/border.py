"""The border of the raw zone: all that is demanded of one cycle's exports, as outcomes.

Belongs here: which frames meet which suites, what is written for people (`quality/<cycle>/`), and
the one demand that concerns the environment (the pseudonym key). Doesn't: what happens then
(orchestration/defs/quality.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from expectations.failing_rows import (
    FailingCells,
    failing_cells,
    failing_files,
    mending_list,
)
from expectations.file_profiles import profile_files, profile_staff_frame
from expectations.identifier_profiles import superseded
from expectations.lists import list_files
from expectations.one_export import Profilers, read_profiled
from expectations.quality_report import RuleReport, quality_report
from expectations.raw_files import (
    Cycle,
    RawFile,
    current_files,
    known_ids,
    maps_identifiers,
)
from expectations.response_profiles import profile_responses
from expectations.rules import (
    STAFF_IDS,
    Rule,
    export_file_rules,
    staff_frame_rules,
    survey_response_rules,
)
from expectations.validation import Outcome, Validation, validate
from orchestration.bounded_engine import BoundedEngine
from orchestration.durable_files import below, whole_file
from orchestration.engine_macros import EngineMacros

if TYPE_CHECKING:
    import pandas as pd

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
    engine: BoundedEngine
    max_off_scale_share: float
    max_superseded_share: float
    profilers: Profilers | None = None
    """Who profiles the exports one by one; None: this process."""

    @property
    def folder(self) -> Path:
        """Where the report and the lists of what is to be mended lie."""
        return below(self.quality_dir, self.cycle.cycle_id)

    @property
    def failing_rows_file(self) -> Path:
        """The list of what broke a rule; there only where something did."""
        return list_files(self.folder, "failing_rows")[1]

    @property
    def page(self) -> Path:
        """Where the report of the last check lies."""
        return self.folder / "report.html"

    def files(self, kind: str | None = None) -> list[RawFile]:
        """Return the cycle's current files, all or those of a kind (`survey_responses`, ...)."""
        files = current_files(self.export_files, self.cycle.cycle_id)
        return [file for file in files if kind in (None, file.kind)]

    def check(self) -> dict[str, list[Outcome]]:
        """Run the suites, write pages and failing rows, return the outcomes of each raw table."""
        macros = EngineMacros(self.dbt_project_dir)
        profilers = self.profilers or Profilers(self.raw_dir, self.engine)
        files = self.files("survey_responses")
        most = self.max_off_scale_share
        with profilers.profiled(self.seeds_dir, self.cycle, files, macros, most) as profiled:
            with self._opened(profiled) as connection:
                responses, cells = self._check_responses(connection, files, macros)
            with self._opened(profiled) as connection:  # anew: what the first one held is free
                of_files = self._check_files(connection, macros)
        suites = {
            "survey_responses": (responses, self._response_rules()),
            "staff_frame": self._check_staff_frame(macros),
            "export_files": of_files,
        }
        reports = []
        found: list[FailingCells] = []
        for validation, rules in suites.values():
            for rule, outcome in zip(rules, validation.outcomes, strict=True):
                if outcome.passed:
                    reports.append(RuleReport(outcome))
                    continue
                failing = validation.failing[rule.name]
                of_rule = cells.get(rule.name) or failing_files(rule, failing)
                found += of_rule
                reports.append(_report_of(rule, outcome, failing, of_rule))
        mending_list(found).write(self.folder)
        lists = [file.name for file in list_files(self.folder, "failing_rows") if file.is_file()]
        with whole_file(self.page) as fresh:
            fresh.write_text(quality_report(self.cycle.cycle_id, reports, lists), encoding="utf-8")
        return {suite: validation.outcomes for suite, (validation, _) in suites.items()}

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

    @contextmanager
    def _opened(self, profiled: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a database that holds the profiles of the exports."""
        with self.engine.opened() as connection:
            read_profiled(connection, profiled)
            yield connection

    def _response_rules(self) -> list[Rule]:
        return survey_response_rules(max_off_scale_share=self.max_off_scale_share)

    def _check_responses(
        self, connection: duckdb.DuckDBPyConnection, files: list[RawFile], macros: EngineMacros
    ) -> tuple[Validation, dict[str, list[FailingCells]]]:
        """Run the suite of `raw/survey_responses`; return the cells behind its failures too."""
        rules = self._response_rules()
        cells = {}
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
            found = failing_cells(
                connection,
                self.raw_dir,
                self.seeds_dir,
                self.cycle,
                files,
                macros,
                rule,
                validation.failing[rule.name],
                self.max_off_scale_share,
            )
            cells[rule.name] = found
            examples = [dict(cell) for cell in _cells(found)[:_EXAMPLES]]
            validation.outcomes[place] = replace(
                validation.outcomes[place], examples=tuple(examples)
            )
        return validation, cells

    def _check_staff_frame(self, macros: EngineMacros) -> tuple[Validation, list[Rule]]:
        frame = profile_staff_frame(
            self.raw_dir,
            self.seeds_dir,
            self.cycle.cycle_id,
            self.files("staff_frame"),
            macros,
        )
        known = {
            column: known_ids(self.seeds_dir, seed, column) for column, seed in STAFF_IDS.items()
        }
        rules = staff_frame_rules(known=known)
        return validate(frame, rules, suite="staff_frame"), rules

    def _check_files(
        self, connection: duckdb.DuckDBPyConnection, macros: EngineMacros
    ) -> tuple[Validation, list[Rule]]:
        frame = profile_files(
            connection,
            self.engine,
            self.export_files,
            self.raw_dir,
            self.seeds_dir,
            self.cycle,
            self.files(),
            macros,
        )
        share, examples = superseded(connection)
        frame = frame.assign(superseded_share=share, superseded_examples=examples)
        rules = export_file_rules(max_superseded_share=self.max_superseded_share)
        return validate(frame, rules, suite="export_files"), rules


def _report_of(
    rule: Rule, outcome: Outcome, failing: "pd.DataFrame", found: list[FailingCells]
) -> RuleReport:
    """Return a failed rule with every sentence it says, each once, and cells that broke it."""
    sentences = map(rule.sentence, failing.to_dict("records"))
    return RuleReport(outcome, list(dict.fromkeys(sentences)), _cells(found))


def _cells(found: list[FailingCells]) -> list[dict[str, str]]:
    return [
        {"file": cells.file, "row": str(row), "column": cells.column, "cell": cell}
        for cells in found
        for row, cell in cells.rows
    ]
