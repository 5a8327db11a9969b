"""From a score down to the answers that made it, and back.

Belongs here: the score of method.md 3 computed anew from accepted responses, their answers, the
strata's counts and the seeds of the tree, answer by answer, and compared with what is published.
Doesn't: anything of the pipeline behind `idx_scores` (its routes, sums, tree and weights), which
is what is audited here; laying it out (printing.py).

An answer's contribution to a score is `k_i * w_r * x / X_i`: x its score on 1-4, w_r the weight of
its respondent, X_i the sum of the weights of all valid answers to its item in the domain, k_i the
item's share in the component's tree. Contributions add up to the score.
"""

import difflib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.auditing.opening import AuditError
from orchestration.auditing.tree import Component, Tree
from orchestration.exports.store import is_as_named, stored_path
from orchestration.settings import Settings
from orchestration.sql_text import as_text, formula_safe
from orchestration.survey_terms import HEADLINE_ROLE

TOLERANCE = 1e-9

# How a domain is cut from answers, beside demographics; `units` is the respondent's unit,
# `providers` the one rated.
DOMAINS = {
    "national": "'national'",
    "provider_level": "providers.unit_level_id",
    "provider_unit": "answers.provider_unit_id",
    "provider_region": "providers.region_id",
    "provider_region_level": "providers.region_id || '|' || providers.unit_level_id",
    "recipient_category": "respondents.recipient_category_id",
    "direction": "units.unit_level_id || '>' || providers.unit_level_id",
    "role": "respondents.role_id",
    "role_provider_level": "respondents.role_id || '|' || providers.unit_level_id",
}
# Middles of other domains' scores: no answer contributes to them by itself.
MIDDLES = {"equal_level": "provider_level", "unit_median": "provider_unit"}


@dataclass(frozen=True)
class Question:
    """Which score is asked for; without `domain_id` that of every domain of the type."""

    cycle_id: str
    weighting_mode: str
    domain_type: str
    domain_id: str | None
    component: Component


@dataclass(frozen=True)
class Verdict:
    """A domain's score as contributions add up to it, and as it was computed and published.

    Scores on 1-4; None where too few children have a value. A hidden score is published as NULL,
    others rounded to `step` where they have one.
    """

    domain_id: str
    traced: float | None
    computed: float | None
    published: float | None
    is_hidden: bool
    step: float | None = None

    @property
    def difference(self) -> float:
        """How far the trace is from the published score, from the computed one where hidden.

        From both where the published one is rounded: it says no more than half a step either way.
        """
        told = self.computed if self.is_hidden else self.published
        if told is None or self.traced is None or self.computed is None:
            return 0.0 if told is self.traced else float("inf")
        if self.step is None:
            return abs(told - self.traced)
        beyond = max(0.0, abs(told - self.traced) - self.step / 2)
        return max(abs(self.computed - self.traced), beyond)

    @property
    def holds(self) -> bool:
        """Whether the contributions give the score back."""
        return self.difference <= TOLERANCE


@dataclass(frozen=True)
class ItemPart:
    """What an item adds: ratio R_i (1-4), share k_i (0 where its branch does not enter)."""

    service_id: str
    perspective_id: str
    item_id: str
    rating_count: int
    ratio: float | None
    share: float
    contribution: float


@dataclass(frozen=True)
class StratumPart:
    """What a final stratum adds: n, N, its weight (a range where raked), persons in the domain."""

    role_id: str
    stratum_id: str
    respondent_count: int
    staff_count: int
    weight_low: float
    weight_high: float
    domain_respondent_count: int
    contribution: float


@dataclass(frozen=True)
class FilePart:
    """What an export file adds: its rows with an answer in the domain.

    `is_intact`: its bytes lie in the raw zone and still have the hash that names them.
    """

    name: str
    sha256: str
    row_count: int
    contribution: float
    is_intact: bool


class ScoreTrace:
    """The answers behind a score, in temporary tables of the connection that `audited` gives."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, settings: Settings, question: Question
    ) -> None:
        """Compute the trace; raises AuditError where there is no such score."""
        self._connection = connection
        self._settings = settings
        self.question = question
        self._known = self._known_scores()
        for name, value in (
            ("cycle_id", question.cycle_id),
            ("weighting_mode", question.weighting_mode),
            ("domain_id", question.domain_id),
            ("headline_role", HEADLINE_ROLE),
        ):
            connection.execute(f"set variable {name} = ?", [value])
        connection.execute(_RESPONDENTS)
        self._register_items()
        domain_id = domains(connection)[question.domain_type]
        connection.execute(_ratings(question.domain_type, domain_id))
        connection.execute(_RATIOS)
        self._register_shares()
        connection.execute(_PERSONS)

    def verdicts(self) -> list[Verdict]:
        """Return each domain's scores side by side; one that was left out has no published one."""
        rows = self._connection.execute(
            "select domain_id, fsum(contribution) from persons group by domain_id"
        ).fetchall()
        traced = dict(rows)
        known = [
            Verdict(domain_id, traced.pop(domain_id, None), computed, published, is_hidden, step)
            for domain_id, computed, published, is_hidden, step in self._known
        ]
        unknown = [
            Verdict(domain_id, score, None, None, is_hidden=False)
            for domain_id, score in traced.items()
        ]
        return known + unknown

    def items(self) -> list[ItemPart]:
        """Return what each item adds, in the order of the tree."""
        rows = self._connection.execute(
            """
            select
                service_id, perspective_id, item_id, rating_count, ratio, coalesce(share, 0),
                coalesce(share * ratio, 0)
            from ratios
            inner join items using (item_id)
            left join shares using (domain_id, item_id)
            order by service_id, perspective_id, item_id
            """
        ).fetchall()
        return [ItemPart(*row) for row in rows]

    def strata(self) -> list[StratumPart]:
        """Return what each final stratum adds, largest population first."""
        rows = self._connection.execute(
            """
            select
                role_id, stratum_id, any_value(respondent_count), any_value(staff_count),
                min(weight), max(weight), count(*), coalesce(fsum(contribution), 0)
            from persons
            inner join respondents using (response_key)
            group by role_id, stratum_id
            order by any_value(staff_count) desc, role_id, stratum_id
            """
        ).fetchall()
        return [StratumPart(*row) for row in rows]

    def files(self) -> list[FilePart]:
        """Return what each export file adds, by name."""
        rows = self._connection.execute(
            """
            select file_name, _file_sha256, count(*), coalesce(fsum(contribution), 0)
            from persons
            inner join respondents using (response_key)
            group by file_name, _file_sha256
            order by file_name
            """
        ).fetchall()
        return [
            FilePart(name, sha256, row_count, contribution, is_intact=self._is_intact(sha256))
            for name, sha256, row_count, contribution in rows
        ]

    def write_rows(self, path: Path) -> int:
        """Write one row an answer with its contribution as CSV; return how many.

        Persons are their keyed hash. The file is readable by its owner alone. Raises AuditError
        where it can't be written.
        """
        try:
            path.touch(mode=0o600)
            path.chmod(0o600)
        except OSError as error:
            raise AuditError(
                f"--rows {path}: tidak dapat ditulis / can't be written ({error.strerror})"
            ) from error
        count = self._connection.execute(
            f"copy ({_ROWS}) to ? (format csv, header, use_tmp_file false)", [str(path)]
        ).fetchall()
        return int(count[0][0])

    def _is_intact(self, sha256: str) -> bool:
        path = stored_path(self._settings.raw_dir, sha256)
        return path.is_file() and is_as_named(path)

    def _known_scores(self) -> list[tuple[str, float | None, float | None, bool, float | None]]:
        """Return domain_id, computed score, published score, whether it is hidden, and its step."""
        question = self.question
        if question.domain_type in MIDDLES:
            of = MIDDLES[question.domain_type]
            raise AuditError(
                f"{question.domain_type} adalah nilai tengah skor {of}; telusuri masing-masing. / "
                f"It is a middle of the scores of {of}: trace those, --domain {of}"
            )
        known = domains(self._connection)
        if question.domain_type not in known:
            raise AuditError(
                f"Jenis domain tidak dikenal / unknown domain type '{question.domain_type}': "
                + ", ".join(known)
            )
        ids = question.component.ids
        same_row = " and ".join(f"shown.{key} is not distinct from computed.{key}" for key in _KEYS)
        rows = self._connection.execute(
            f"""
            select
                computed.domain_id, computed.score, shown.score, shown.is_suppressed,
                shown.score_step
            from warehouse.indexes.idx_scores as computed
            left join published.main.idx_scores as shown
                on {same_row}
            where computed.cycle_id = ? and computed.weighting_mode = ?
                and computed.domain_type = ? and computed.component_type = ?
                {"".join(f"and computed.{key} = ? " for key in ids)}
            order by computed.domain_id
            """,
            [
                question.cycle_id,
                question.weighting_mode,
                question.domain_type,
                question.component.component_type,
                *ids.values(),
            ],
        ).fetchall()
        found = [row for row in rows if question.domain_id in (None, row[0])]
        if not found:
            raise AuditError(self._no_score([domain_id for domain_id, *_ in rows]))
        if any(is_hidden is None for *_, is_hidden, _ in found):
            raise AuditError(
                "Gudang memuat skor yang belum terbit. / The warehouse holds scores that are not "
                f"published: ./ilk run {question.cycle_id}"
            )
        return found

    def _no_score(self, known: list[str]) -> str:
        question = self.question
        asked = "=".join(filter(None, [question.domain_type, question.domain_id]))
        sentence = (
            f"Tidak ada skor / no score: {question.cycle_id}, {question.weighting_mode}, {asked}, "
            f"{question.component.name}."
        )
        near = difflib.get_close_matches(question.domain_id or "", known, n=5, cutoff=0.4) or known
        if near:
            return f"{sentence} Yang ada / there are: {', '.join(near[:5])}, ..."
        return f"{sentence} Periksa / check --component, --weighting."

    def _register_items(self) -> None:
        """Name the items under the component: to others no answer is looked up."""
        ids = self.question.component.ids
        self._connection.execute(
            f"""
            create temp table items as
            select distinct questions.service_id, questions.perspective_id, questions.item_id
            from warehouse.marts.dim_questions as questions
            inner join warehouse.marts.dim_cycles as cycles using (instrument_id)
            where cycles.cycle_id = getvariable('cycle_id') and questions.asks = 'performance'
                {"".join(f"and questions.{key} = ? " for key in ids)}
            """,
            [*ids.values()],
        )

    def _register_shares(self) -> None:
        """Work out k_i for every domain; it depends only on which items have a ratio there."""
        rated: dict[str, set[str]] = defaultdict(set)
        for domain_id, item_id in self._connection.execute(
            "select domain_id, item_id from ratios where ratio is not null"
        ).fetchall():
            rated[domain_id].add(item_id)
        tree = self._tree()
        self._connection.execute(
            "create temp table shares (domain_id varchar, item_id varchar, share double)"
        )
        rows = [
            (domain_id, item_id, share)
            for domain_id, items in rated.items()
            for item_id, share in tree.shares(self.question.component, items).items()
        ]
        if rows:
            self._connection.executemany("insert into shares values (?, ?, ?)", rows)

    def _tree(self) -> Tree:
        items = self._connection.execute("select * from items").fetchall()
        weights = self._connection.execute(
            """
            select component_type, component_id, weight
            from warehouse.seeds.index_weights
            inner join warehouse.marts.dim_cycles using (method_id)
            where cycle_id = getvariable('cycle_id')
            """
        ).fetchall()
        [(min_weight_share,)] = self._connection.execute(
            """
            select min_weight_share from warehouse.design.design_settings
            where cycle_id = getvariable('cycle_id')
            """
        ).fetchall()
        return Tree(
            items=[tuple(item) for item in items],
            weights={(kind, name): float(weight) for kind, name, weight in weights},
            min_weight_share=min_weight_share,
        )


def method_weighting_mode(connection: duckdb.DuckDBPyConnection, cycle_id: str) -> str:
    """Return the weighting mode of the cycle's own method, or raise AuditError if not built."""
    rows = connection.execute(
        "select weighting_mode from warehouse.marts.dim_cycles where cycle_id = ?", [cycle_id]
    ).fetchall()
    if not rows:
        raise AuditError(f"{cycle_id} belum dihitung / is not built yet: ./ilk run {cycle_id}")
    return str(rows[0][0])


_KEYS = (
    "cycle_id",
    "weighting_mode",
    "domain_type",
    "domain_id",
    "component_type",
    "service_id",
    "perspective_id",
    "item_id",
)

# The weight is worked out here from the counts (method.md 2); raked ones can't be in SQL.
_RESPONDENTS = """
create temp table respondents as
with accepted as (
    select * from warehouse.marts.fct_responses
    where cycle_id = getvariable('cycle_id') and is_accepted
),

counted as (
    select role_id, stratum_id, count(*) as respondent_count
    from accepted
    group by all
),

strata as (
    select role_id, stratum_id, cast(sum(staff_count) as bigint) as staff_count
    from warehouse.marts.fct_strata
    where cycle_id = getvariable('cycle_id')
    group by all
),

role_staff as (
    select role_id, sum(staff_count) as staff_count from strata group by all
),

files as (
    select distinct file_sha256, file_name from warehouse.marts.audit_reconciliation
    where cycle_id = getvariable('cycle_id')
)

select
    accepted.* exclude (respondent_weight, cycle_id),
    files.file_name,
    counted.respondent_count,
    strata.staff_count,
    case
        when getvariable('weighting_mode') = 'none' then 1e0
        when getvariable('weighting_mode') = 'rake' then accepted.respondent_weight
        when role_staff.staff_count = 0 then 1e0
        else cast(strata.staff_count as double) / counted.respondent_count
    end as weight
from accepted
inner join counted using (role_id, stratum_id)
inner join strata using (role_id, stratum_id)
inner join role_staff using (role_id)
inner join files on files.file_sha256 = accepted._file_sha256
"""


def domains(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return how each domain type of the attached `warehouse` is cut from answers."""
    columns = connection.execute(
        "select column_name from duckdb_columns() where database_name = 'warehouse'"
        " and schema_name = 'marts' and table_name = 'fct_responses'"
    ).fetchall()
    asked = connection.execute("select demographic_id from warehouse.seeds.demographics").fetchall()
    return DOMAINS | {
        name: f"respondents.{name}"
        if (name,) in columns
        else f"respondents.other_demographics[{as_text(name)}]"
        for (name,) in asked
    }


def _ratings(domain_type: str, domain_id: str) -> str:
    """Return the statements that name the valid answers of the domains asked for.

    A view with all that is written of an answer, and a narrow table of what is summed.
    """
    role = {
        "role": "true",
        "role_provider_level": "respondents.role_id <> getvariable('headline_role')",
    }.get(domain_type, "respondents.role_id = getvariable('headline_role')")
    versions = """
        select units.unit_id, units.unit_level_id, units.region_id
        from warehouse.marts.dim_units as units
        inner join warehouse.marts.dim_cycles as cycles
            on cycles.opens_on
                between units.valid_from and coalesce(units.valid_to, date '9999-12-31')
        where cycles.cycle_id = getvariable('cycle_id')
    """
    return f"""
        create temp view ratings as
        select
            {domain_id} as domain_id,
            answers.response_key,
            answers.question_id,
            answers.item_id,
            answers.provider_unit_id,
            answers.answer_code,
            answers.score
        from warehouse.marts.fct_answers as answers
        inner join items using (item_id)
        inner join respondents using (response_key)
        inner join ({versions}) as units on units.unit_id = respondents.unit_id
        inner join ({versions}) as providers on providers.unit_id = answers.provider_unit_id
        where answers.cycle_id = getvariable('cycle_id')
            and answers.answer_status = 'valid'
            and {role}
            and {domain_id} is not null
            and (getvariable('domain_id') is null or {domain_id} = getvariable('domain_id'));

        create temp table scores as select domain_id, response_key, item_id, score from ratings
    """


_RATIOS = """
create temp table ratios as
select
    scores.domain_id,
    scores.item_id,
    count(*) as rating_count,
    fsum(respondents.weight) as weighted_rating_count,
    fsum(respondents.weight * scores.score) / nullif(fsum(respondents.weight), 0) as ratio
from scores
inner join respondents using (response_key)
group by all
"""
# Where the component has no score nothing has a share, and a contribution is NULL.
_CONTRIBUTION = "shares.share * respondents.weight * {answers}.score / ratios.weighted_rating_count"
_PERSONS = f"""
create temp table persons as
select
    scores.domain_id,
    scores.response_key,
    fsum({_CONTRIBUTION.format(answers="scores")}) as contribution
from scores
inner join respondents using (response_key)
inner join ratios using (domain_id, item_id)
left join shares using (domain_id, item_id)
group by all
"""


_ROWS = f"""
select
    respondents.respondent_key,
    respondents.response_key,
    {formula_safe("respondents.file_name")} as file_name,
    respondents._file_sha256 as file_sha256,
    respondents._source_row as source_row,
    {formula_safe("respondents.role_id")} as role_id,
    {formula_safe("respondents.stratum_id")} as stratum_id,
    respondents.weight as respondent_weight,
    {formula_safe("ratings.question_id")} as question_id,
    {formula_safe("ratings.item_id")} as item_id,
    {formula_safe("ratings.provider_unit_id")} as provider_unit_id,
    ratings.answer_code,
    ratings.score,
    coalesce(shares.share, 0) as item_share,
    coalesce({_CONTRIBUTION.format(answers="ratings")}, 0) as contribution
from ratings
inner join respondents using (response_key)
inner join ratios using (domain_id, item_id)
left join shares using (domain_id, item_id)
order by file_name, source_row, question_id
"""
