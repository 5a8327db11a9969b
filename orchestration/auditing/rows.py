"""What became of one row of an export: accepted, or which rule of which seed rejected it.

Belongs here: a response's verdict and its answers', each with the seed row or parameter behind it.
Doesn't: judging (responses_judged, responses_answered); what the row says of a person.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.auditing.opening import AuditError
from orchestration.cycles.fingerprints import CurrentFile, raw_files
from orchestration.engine_macros import EngineMacros
from orchestration.seeds.seed_tables import read_seed
from orchestration.settings import Settings
from orchestration.survey_terms import PARAMETER_DEFAULTS


@dataclass(frozen=True)
class AnswerFate:
    """One answer of an accepted response; `rule` names what rejected it."""

    question_id: str
    answer_status: str
    rejection_reason: str | None
    answer_code: int | None
    score: float | None
    provider_unit_id: str | None
    rule: str | None


@dataclass(frozen=True)
class RowFate:
    """What became of a record; `rules` are the seed rows and parameters behind a rejection.

    `facts` are the figures the rule was held against. A rejected response has no `answers`: none
    of them counts, whatever it says.
    """

    file_name: str
    file_sha256: str
    source_row: int
    response_key: int
    respondent_key: str | None
    is_accepted: bool
    rejection_reason: str | None
    facts: tuple[str, ...]
    rules: tuple[str, ...]
    answers: tuple[AnswerFate, ...]


def row_fate(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    *,
    cycle_id: str,
    file_name: str,
    source_row: int,
) -> RowFate:
    """Return what became of a record, by its row in a cycle's export (header = row 1).

    `file_name` as the registry has it (the path below the landing), or its last part.

    Raises:
        AuditError: the file is unknown, no survey export or refused, or has no such record.
    """
    file = _file(settings, cycle_id, file_name)
    found = connection.execute(
        """
        select judged.*, responses.*
        from warehouse.marts.fct_responses as responses
        inner join warehouse.people.responses_judged as judged
            using (cycle_id, response_key)
        where responses.cycle_id = ? and _file_sha256 = ? and _source_row = ?
        """,
        [cycle_id, file.sha256, source_row],
    )
    names = [column for column, *_ in found.description or ()]
    rows = found.fetchall()
    if not rows:
        raise AuditError(_no_row(connection, cycle_id, file, source_row))
    response = dict(zip(names, rows[0], strict=True))
    rulebook = _Rulebook(connection, settings, cycle_id)
    reason = response["rejection_reason"]
    facts, rules = rulebook.behind(reason, response) if reason else ((), ())
    return RowFate(
        file_name=file.name,
        file_sha256=file.sha256,
        source_row=source_row,
        response_key=response["response_key"],
        respondent_key=response["respondent_key"],
        is_accepted=response["is_accepted"],
        rejection_reason=reason,
        facts=tuple(facts),
        rules=tuple(rules),
        answers=tuple(_answers(connection, rulebook, response)) if response["is_accepted"] else (),
    )


def _file(settings: Settings, cycle_id: str, file_name: str) -> CurrentFile:
    files = raw_files(settings, [cycle_id])
    named = [file for file in files if file_name in (file.name, Path(file.name).name)]
    # A refused version may stand beside the older one that was read and counts.
    read = [file for file in named if file.status == "read"] or named
    if len(read) != 1:
        listed = ", ".join(sorted({file.name for file in read or files})) or "–"
        raise AuditError(
            f"{'Ada beberapa' if read else 'Tidak ada'} berkas / "
            f"{'several files are' if read else 'no file is'} named '{file_name}': {listed}"
        )
    file = read[0]
    if file.status == "refused":
        raise AuditError(
            f"{file.name}: berkas ditolak utuh, tak satu baris pun dihitung. / The file is refused "
            "as a whole, none of its rows counts: ./ilk status, ./ilk run"
        )
    if file.kind != "survey_responses":
        raise AuditError(
            f"{file.name}: bukan ekspor survei. / This is no survey export but {file.kind}."
        )
    return file


def _no_row(
    connection: duckdb.DuckDBPyConnection, cycle_id: str, file: CurrentFile, source_row: int
) -> str:
    rows = connection.execute(
        """
        select min(_source_row), max(_source_row) from warehouse.marts.fct_responses
        where cycle_id = ? and _file_sha256 = ?
        """,
        [cycle_id, file.sha256],
    ).fetchall()
    first, last = rows[0]
    if first is None:
        return (
            f"{file.name}: versi ini belum dihitung. / This version is not computed yet: "
            f"./ilk run {cycle_id}"
        )
    return (
        f"{file.name}: tidak ada jawaban di baris / no response in row {source_row}; "
        f"{first} – {last} (seperti di lembar kerja / as a spreadsheet shows them)"
    )


def _answers(
    connection: duckdb.DuckDBPyConnection, rulebook: "_Rulebook", response: dict[str, Any]
) -> list[AnswerFate]:
    rows = connection.execute(
        """
        select
            answers.question_id, answer_status, rejection_reason, answer_code, score,
            provider_unit_id
        from warehouse.marts.fct_answers as answers
        inner join warehouse.marts.dim_cycles as cycles using (cycle_id)
        inner join warehouse.marts.dim_questions as questions using (instrument_id, question_id)
        where answers.cycle_id = ? and response_key = ?
        order by questions.question_number
        """,
        [rulebook.cycle_id, response["response_key"]],
    ).fetchall()
    return [
        AnswerFate(
            question_id,
            status,
            reason,
            code,
            score,
            provider,
            rule=rulebook.behind_answer(reason, question_id, response) if reason else None,
        )
        for question_id, status, reason, code, score, provider in rows
    ]


class _Rulebook:
    """The seeds as they lie on disk, and the method's parameters, by the rules they feed."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, settings: Settings, cycle_id: str
    ) -> None:
        self._connection = connection
        self._settings = settings
        self.cycle_id = cycle_id
        [(self._method_id, self._instrument_id)] = connection.execute(
            "select method_id, instrument_id from warehouse.marts.dim_cycles where cycle_id = ?",
            [cycle_id],
        ).fetchall()

    def behind(self, reason: str, response: dict[str, Any]) -> tuple[list[str], list[str]]:
        """Return the facts a rejected response was judged by, and the rules that did it."""
        explain: dict[str, Callable[[dict[str, Any]], tuple[list[str], list[str]]]] = {
            "test_response": self._test_response,
            "incomplete": self._incomplete,
            "out_of_window": self._out_of_window,
            "unknown_unit": self._unknown("unit_id", "units.csv"),
            "unknown_category": self._unknown("recipient_category_id", "recipient_categories.csv"),
            "unknown_role": self._unknown("role_id", "roles.csv"),
            "superseded": self._superseded,
            "summary_row": self._summary_row,
        }
        return explain.get(reason, self._flag(reason))(response)

    def behind_answer(self, reason: str, question_id: str, response: dict[str, Any]) -> str:
        """Return the rule that rejected an answer, with its seed row."""
        [question] = self._rows(
            "questions.csv", instrument_id=self._instrument_id, question_id=question_id
        ) or ["questions.csv"]
        place = question.split(": ")[0]
        category = response["recipient_category_id"]
        return {
            "off_route": f"category_audiences.csv: {category}; audience_id, {place}",
            "no_provider": f"units.csv: {response['unit_id']}; provider_level_id, {place}",
            "off_scale": f"scale_min, scale_max, {place}; export_codes.csv",
        }[reason]

    def _test_response(self, response: dict[str, Any]) -> tuple[list[str], list[str]]:
        return [], [
            *self._mapping(response, "is_test"),
            *self._codes(response, "is_test"),
        ]

    def _incomplete(self, response: dict[str, Any]) -> tuple[list[str], list[str]]:
        if not response["is_complete"]:
            return ["tidak dikirim / not submitted"], [
                *self._mapping(response, "is_complete"),
                *self._mapping(response, "submitted_at"),
            ]
        return (
            [
                f"{response['answered_count']} dari / of {response['routed_question_count']} "
                "pertanyaan dijawab / questions answered"
            ],
            [self._parameter("min_answered_share")],
        )

    def _out_of_window(self, response: dict[str, Any]) -> tuple[list[str], list[str]]:
        sent = response["submitted_on"] or "tidak terbaca / not readable"
        return [f"dikirim / submitted {sent} ({response['profile_id']})"], [
            *self._rows("survey_cycles.csv", cycle_id=self.cycle_id),
            *self._rows("export_profiles.csv", profile_id=response["profile_id"]),
        ]

    def _unknown(
        self, column: str, seed: str
    ) -> Callable[[dict[str, Any]], tuple[list[str], list[str]]]:
        def explain(response: dict[str, Any]) -> tuple[list[str], list[str]]:
            value = response[column] or ""
            rows = self._rows(seed, **{column: value})
            return [f"{column} '{value}'"], [
                *(rows or [f"{seed}: tidak ada baris / no row {column} '{value}'"]),
                *self._mapping(response, column),
            ]

        return explain

    def _summary_row(self, response: dict[str, Any]) -> tuple[list[str], list[str]]:
        return [], ["method.md 1: baris rekap bukan jawaban / a total is no response"]

    def _superseded(self, response: dict[str, Any]) -> tuple[list[str], list[str]]:
        sources = {
            file.sha256: (file.profile_id, file.source)
            for file in raw_files(self._settings, [self.cycle_id])
            if file.status == "read" and file.kind == "survey_responses"
        }
        own_source = sources[response["_file_sha256"]]
        plain_id = EngineMacros(self._settings.dbt_project_dir).plain_response_id
        later = self._connection.execute(
            f"""
            select distinct
                files.file_name, later._source_row, later.submitted_at,
                coalesce(later.respondent_key = own.respondent_key, false) as is_person,
            from warehouse.marts.fct_responses as own
            inner join warehouse.marts.fct_responses as later
                on later.cycle_id = own.cycle_id
                and later.response_key <> own.response_key
                and (
                    (later.respondent_key = own.respondent_key and later.is_accepted)
                    or (
                        list_contains(?, later._file_sha256)
                        and {plain_id("later.response_id")}
                            = {plain_id("own.response_id")}
                        and later.response_key > own.response_key
                    )
                )
            inner join warehouse.marts.audit_reconciliation as files
                on files.cycle_id = later.cycle_id and files.file_sha256 = later._file_sha256
            where own.cycle_id = ? and own.response_key = ?
            order by all
            """,
            [
                [sha256 for sha256, source in sources.items() if source == own_source],
                self.cycle_id,
                response["response_key"],
            ],
        ).fetchall()
        said = {
            True: "orang yang sama mengirim lagi / the same person sent again",
            False: "nomor jawaban yang sama, ditarik kemudian / the same response id, pulled later",
        }
        return [
            f"{said[is_person]}: {name}, baris / row {row}, {submitted or '–'} UTC"
            for name, row, submitted, is_person in later
        ], ["method.md 1: kiriman terakhir berlaku / the last submission counts"]

    def _flag(self, reason: str) -> Callable[[dict[str, Any]], tuple[list[str], list[str]]]:
        parameters = {
            "straight_lining": ["straight_lining_min_answers"],
            "speeding": ["min_seconds_per_answer"],
        }

        def explain(response: dict[str, Any]) -> tuple[list[str], list[str]]:
            return [f"{response['valid_count']} jawaban sah / valid answers"], [
                *self._rows("response_rules.csv", method_id=self._method_id, reason=reason),
                *(self._parameter(parameter) for parameter in parameters.get(reason, [])),
            ]

        return explain

    def _mapping(self, response: dict[str, Any], attribute: str) -> list[str]:
        return self._rows("export_columns.csv", profile_id=response["profile_id"], target=attribute)

    def _codes(self, response: dict[str, Any], attribute: str) -> list[str]:
        return self._rows("export_codes.csv", profile_id=response["profile_id"], target=attribute)

    def _parameter(self, parameter: str) -> str:
        rows = self._rows("method_parameters.csv", method_id=self._method_id, parameter=parameter)
        if rows:
            return rows[0]
        default = PARAMETER_DEFAULTS[parameter]
        return f"dbt_project.yml, method_parameter_defaults: {parameter} {default}"

    def _rows(self, seed: str, **keys: str) -> list[str]:
        """Return a seed's rows with these values as `file, line N: the row`."""
        table = read_seed(self._settings.seeds_dir / seed)
        files = [f"{name}.csv" for name in table.seeds] or [seed] * len(table.rows)
        return [
            f"{file}, baris / line {line}: {','.join(' '.join(cell.split()) for cell in row)}"
            for file, line, row, record in zip(
                files, table.lines, table.rows, table.records(), strict=True
            )
            if all(record.get(key) == value for key, value in keys.items())
        ]
