"""The suites: every demand with its severity and the sentence that a failure says.

Belongs here: which column of a profile (expectations/profiles.py) must hold what. A rule is
`critical` where the data is broken as a whole and its cycle must stop; anything that dbt can
judge row by row warns at most. Sentences are filled from the profile's row that failed.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Rule:
    """One Great Expectations expectation on a column of a profile frame."""

    name: str
    expectation: str
    column: str
    sentence: str
    severity: Severity
    kwargs: dict[str, Any] = field(default_factory=dict)


def survey_response_rules(*, max_off_scale_share: float) -> list[Rule]:
    """Return the suite of `raw/survey_responses`, for a frame of one row per file x column."""
    return [
        Rule(
            name="mapped_columns_are_present",
            expectation="expect_column_values_to_be_in_set",
            column="is_present",
            kwargs={"value_set": [True]},
            severity="critical",
            sentence="{file_name}: no column '{source_column}', which export_columns.csv maps to "
            "{target}; the file has: {header}. Export it with the headings of profile "
            "'{profile_id}', or change export_columns.csv.",
        ),
        Rule(
            name="files_have_rows",
            expectation="expect_column_values_to_be_between",
            column="row_count",
            kwargs={"min_value": 1},
            severity="critical",
            sentence="{file_name}: holds no answers. Export it again, or take it out of landing.",
        ),
        Rule(
            name="codes_are_known",
            expectation="expect_column_values_to_be_between",
            column="file_off_scale_share",
            kwargs={"max_value": max_off_scale_share},
            severity="critical",
            sentence="{file_name}: {file_off_scale_share:.1%} of the answers are no known code (at "
            f"most {max_off_scale_share:.0%}, max_off_scale_share); such as "
            "{file_off_scale_examples}. Add them to export_codes.csv for profile '{profile_id}', "
            "or export answer codes instead of texts.",
        ),
        Rule(
            name="identifiers_are_whole",
            expectation="expect_column_values_to_be_between",
            column="scientific_count",
            kwargs={"max_value": 0},
            severity="critical",
            sentence="{file_name}, column '{source_column}': {scientific_count} identifiers in "
            "scientific notation, the first in row {first_scientific_row}; Excel has cut their "
            "digits off. Export the file again and don't save it with Excel.",
        ),
        Rule(
            name="answers_are_on_their_scale",
            expectation="expect_column_values_to_be_between",
            column="off_scale_share",
            kwargs={"max_value": max_off_scale_share},
            severity="warning",
            sentence="{file_name}, column '{source_column}': {off_scale_share:.1%} of the answers "
            "are no known code, such as {off_scale_examples}; they are rejected as off_scale. "
            "Add them to export_codes.csv, or correct the scale in questions.csv.",
        ),
        Rule(
            name="columns_have_answers",
            expectation="expect_column_values_to_be_between",
            column="blank_share",
            kwargs={"max_value": 1, "strict_max": True},
            severity="warning",
            sentence="{file_name}, column '{source_column}': all cells are empty. Was {target} "
            "asked, and was its column exported?",
        ),
        Rule(
            name="texts_are_decoded",
            expectation="expect_column_values_to_be_between",
            column="mojibake_count",
            kwargs={"max_value": 0},
            severity="warning",
            sentence="{file_name}, column '{source_column}': {mojibake_count} cells look wrongly "
            "decoded, such as {mojibake_examples}. Set the encoding in export_profiles.csv.",
        ),
        Rule(
            name="response_ids_are_unique",
            expectation="expect_column_values_to_be_between",
            column="repeated_count",
            kwargs={"max_value": 0},
            severity="warning",
            sentence="{file_name}, column '{source_column}': {repeated_count} rows repeat a "
            "response id of another row. Was the file put together from two exports?",
        ),
        Rule(
            name="columns_are_mapped",
            expectation="expect_column_values_to_be_in_set",
            column="unmapped_count",
            kwargs={"value_set": [0]},
            severity="warning",
            sentence="{file_name}: {unmapped_count} columns are named by no row of "
            "export_columns.csv for profile '{profile_id}': {unmapped_columns}. Map them, or set "
            "them to ignore.",
        ),
    ]


def staff_frame_rules(*, unit_ids: list[str]) -> list[Rule]:
    """Return the suite of `raw/staff_frame`, for the frame's own rows."""
    return [
        Rule(
            name="columns_are_present",
            expectation="expect_column_values_to_be_in_set",
            column="missing_columns",
            kwargs={"value_set": [""]},
            severity="critical",
            sentence="{file_name}: no column {missing_columns}; a staff frame has unit_id, "
            "recipient_category_id, role_id, staff_count and may have gender.",
        ),
        Rule(
            name="staff_counts_are_whole",
            expectation="expect_column_values_to_match_regex",
            column="staff_count",
            kwargs={"regex": r"^\s*[0-9]+(?:[.]0*)?\s*$"},
            severity="critical",
            sentence="{file_name}, row {source_row}: staff_count '{staff_count}' is no whole "
            "number from 0 on. Correct the row.",
        ),
        Rule(
            name="units_are_known",
            expectation="expect_column_values_to_be_in_set",
            column="unit_id",
            kwargs={"value_set": unit_ids},
            severity="critical",
            sentence="{file_name}, row {source_row}: units.csv has no unit '{unit_id}'. Add it to "
            "units.csv, or correct the row.",
        ),
    ]


RESPONSE_CHECKS: dict[str, Severity] = {
    rule.name: rule.severity for rule in survey_response_rules(max_off_scale_share=0)
}
STAFF_CHECKS: dict[str, Severity] = {
    rule.name: rule.severity for rule in staff_frame_rules(unit_ids=[])
}
