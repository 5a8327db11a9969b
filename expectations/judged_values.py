"""What each value of an export's columns stands for, by the seeds: a code, a known id, or a fault.

Belongs here: the instrument of a cycle as tables, the judgement of values. Doesn't: counting values
(one_export.py), what is demanded of the figures (rules.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from expectations.raw_files import Cycle, read_profiles
from orchestration.engine_macros import EngineMacros
from orchestration.exports.headers import BLANKS
from orchestration.seeds.seed_tables import seed_records

# Attributes that must lead to an id of a seed.
KNOWN_IDS = {
    "unit_id": "units",
    "recipient_category_id": "recipient_categories",
    "role_id": "roles",
}
_ERROR = (
    "value in ('#NULL!', '#DIV/0!', '#VALUE!', '#REF!', '#NAME?', '#NUM!', '#N/A', '#ERROR',"
    " '#ERROR!', '#SPILL!', '#CALC!', '#GETTING_DATA')"
)
_MOJIBAKE = r"regexp_matches(value, 'Ã[\x{0080}-\x{00BF}]|â€|Â[\x{0080}-\x{00BF}]|\x{FFFD}')"
_TABLES = """
create temp table scales (question_id varchar, scale_min double, scale_max double);
create temp table codes (
    profile_id varchar, target varchar, source_value varchar, code varchar, precedence integer);
create temp table known_ids (target varchar, id varchar);
"""


@dataclass(frozen=True)
class Instrument:
    """What a cycle asks on which scales, and what values stand for: codes, ids, names of units.

    Columns of the seeds, as lists: one statement takes them in. A row at a time, 2,000 codes cost
    half a second.
    """

    scales: tuple[list[str], ...]
    """question_id, scale_min, scale_max of the questions that the cycle asks."""
    codes: tuple[list[str], ...]
    """profile_id, target, source_value, code of export_codes.csv."""
    ids: Mapping[str, tuple[list[str], list[str]]]
    """By target the ids that hold in the cycle, and their names."""
    profiles: list[str]

    @property
    def asked(self) -> set[str]:
        """The ids of the questions that the cycle asks: a profile may map others' too."""
        return set(self.scales[0])

    def load(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the tables `scales`, `codes` and `known_ids`."""
        connection.execute(_TABLES)
        connection.execute(
            "insert into scales select unnest(?::varchar[]), unnest(?::double[]),"
            " unnest(?::double[])",
            list(self.scales),
        )
        connection.execute(
            """
            insert into codes
            with rows as (
                select unnest(?::varchar[]) as profile_id, unnest(?::varchar[]) as target,
                    unnest(?::varchar[]) as source_value, unnest(?::varchar[]) as code
            )
            select *, 1 from rows where target <> '*'
            union all
            select profile_id, question_id, source_value, code, 2
            from rows, scales where target = '*'
            """,
            list(self.codes),
        )
        for target, (ids, names) in self.ids.items():
            connection.execute(
                "insert into known_ids select distinct ?, unnest(?::varchar[])", [target, ids]
            )
            for spellings, precedence in ((ids, 2), (names, 3)):
                connection.execute(
                    "insert into codes select profile_id, ?, spelling, id, ? from"
                    " (select unnest(?::varchar[]) as spelling, unnest(?::varchar[]) as id),"
                    " (select unnest(?::varchar[]) as profile_id) where spelling <> ''",
                    [target, precedence, spellings, ids, self.profiles],
                )


def read_instrument(seeds_dir: Path, cycle: Cycle) -> Instrument:
    """Return what the seeds say of a cycle's instrument and of what its exports' values mean."""
    questions = [
        row
        for row in seed_records(seeds_dir, "questions")
        if row["instrument_id"] == cycle.instrument_id
    ]
    codes = seed_records(seeds_dir, "export_codes")
    ids = {}
    for target, seed in KNOWN_IDS.items():
        rows = [
            row
            for row in seed_records(seeds_dir, seed)
            if (row.get("valid_from") or "0001-01-01") <= cycle.opens_on.isoformat()
            and cycle.opens_on.isoformat() <= (row.get("valid_to") or "9999-12-31")
        ]
        names = [(row.get("unit_name") or "").strip(BLANKS) for row in rows]
        ids[target] = ([row[target] for row in rows], names)
    return Instrument(
        scales=tuple(
            [row[name] for row in questions] for name in ("question_id", "scale_min", "scale_max")
        ),
        codes=(
            [row["profile_id"] for row in codes],
            [row["target"] for row in codes],
            [row["source_value"].strip(BLANKS) for row in codes],
            [row["code"].strip() for row in codes],
        ),
        ids=ids,
        profiles=list(read_profiles(seeds_dir)),
    )


def judged(macros: EngineMacros) -> str:
    """Return the statements that make the table `judged`: what each value of a column is.

    By the macros that the warehouse reads cells with, in the order of method.md 1.
    """
    number = macros.plain_number("value")
    return f"""
create temp view mapped_values as
select distinct profile_id, target, value from value_counts join files using (file_number);
create temp table translated as select * from {macros.codes_of_values("mapped_values", "codes")};
create temp table judged as
with coded as (
    select
        value_counts.*,
        translated.code,
        coalesce(translated.code, {number}) as meaning,
        scales.scale_min,
        scales.scale_max,
        target_kind = 'question' as is_answer,
        known_ids.id is not null as is_known_id,
        target_kind = 'attribute' and value_counts.target in {tuple(KNOWN_IDS)} as is_id,
    from value_counts
    join files using (file_number)
    join translated using (profile_id, target, value)
    left join scales on scales.question_id = value_counts.target
        and value_counts.target_kind = 'question'
    left join known_ids on known_ids.target = value_counts.target
        and value_counts.target_kind = 'attribute'
        and known_ids.id = coalesce(translated.code, value)
)
select
    file_number,
    source_column,
    target_kind,
    target,
    value,
    cell_count,
    is_answer,
    is_id,
    {macros.fold_value("value")} = '' or coalesce(code, '') = 'blank' as is_blank,
    is_answer and not is_blank and not (
        coalesce(code, '') in ('not_available', 'not_used')
        or coalesce(
            (code is not null or regexp_full_match(meaning, '-?[0-9]{{1,4}}'))
            and try_cast(meaning as double) = floor(try_cast(meaning as double))
            and try_cast(meaning as double) between scale_min and scale_max,
            false
        )
    ) as is_off_scale,
    -- A blank unit is rejected as any other that nobody knows.
    is_id and not is_known_id as is_unknown,
    {_MOJIBAKE} as is_mojibake,
    {_ERROR} as is_error,
    code is null and not is_known_id and {macros.holds_identifier("value")} as is_personal,
    '''' || {macros.without_identifiers("value")} || '''' as quoted_value,
from coded
"""
