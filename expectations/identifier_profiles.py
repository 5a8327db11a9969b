"""Who answered more than once in a cycle, whatever the file and the spelling.

Belongs here: counting persons by their identifiers as the warehouse does, examples that name rows
and nobody. Doesn't: which of a person's responses counts (responses_judged).
"""

from pathlib import Path

from expectations.raw_files import Cycle, RawFile, mapped_columns, read_profiles
from orchestration.bounded_engine import BoundedEngine
from orchestration.engine_macros import EngineMacros
from orchestration.sql_text import as_name, as_text

_PERSONS = 3  # persons whose rows a message names
_ROWS = 4  # rows of each
# Nearly all people answer once, and nearly all responses are exported once. Hashes tell which do:
# where one stands alone so does what it is of; texts are held and compared of the rest alone.
_CANDIDATES = """
create temp table hashed as
select hash(person) as person, hash(response) as response from responses;
create temp table persons_again as
select person from hashed group by person having count(*) > 1;
create temp table responses_again as
select response from hashed group by response having count(*) > 1;
create temp table candidates as
select *,
    hash(person) in (from persons_again) as is_person_again,
    hash(response) in (from responses_again) as is_response_again,
from responses
where is_person_again or is_response_again;
"""
_SHARE = """
with exported as (select count(*) as row_count from hashed),
again as (
    select
        count(*) filter (is_person_again) as person_rows,
        count(distinct person) filter (is_person_again) as persons,
        count(*) filter (is_response_again) as response_rows,
        count(distinct response) filter (is_response_again) as responses,
    from candidates
)
select 1 - (row_count - person_rows + persons) / nullif(row_count - response_rows + responses, 0)
from exported, again
"""
_EXAMPLES = f"""
with persons as (  -- first, or each would have a list of its rows
    select person from candidates group by person
    having count(distinct response) > 1
    order by count(distinct response) desc, min(file), min(row) limit {_PERSONS}
)
select string_agg(rows, '; ' order by rows) from (
    select
        array_to_string(list(place order by file, row)[:{_ROWS}], ' = ')
        || case when count(*) > {_ROWS} then ' = ...' else '' end as rows
    from (
        select person, min(file) as file, min(row) as row,
            arg_min(file || ' baris/row ' || row, (file, row)) as place
        from candidates semi join persons using (person) group by person, response
    )
    group by person
)
"""


def superseded(
    engine: BoundedEngine,
    raw_dir: Path,
    seeds_dir: Path,
    cycle: Cycle,
    files: list[RawFile],
    macros: EngineMacros,
) -> tuple[float | None, str]:
    """Return the share of responses that are a further one of the same person, and such rows.

    Of the responses with an identifier; None where there is none. Rows of one source that bear the
    same response id are one response.
    """
    profiles = read_profiles(seeds_dir)
    exports = []
    for file in files:
        columns = {
            mapped.target: as_name(mapped.column)
            for mapped in mapped_columns(seeds_dir, file)
            if mapped.column and mapped.target_kind == "attribute"
        }
        identifier = columns.get("respondent_identifier")
        if identifier is None:
            continue
        person = macros.normal_identifier(identifier, profiles[file.profile_id].identifier_kind)
        response_id = macros.plain_response_id(
            macros.trim_blanks(columns.get("response_id", "null"))
        )
        own = f"{file.file_number} || ' ' || _source_row"
        exports.append(
            f"select {person} as person, {as_text(f'{file.profile_id} {file.source} ')}"
            f" || coalesce(nullif({response_id}, ''), {own}) as response,"
            f" {as_text(file.name)} as file, _source_row as row"
            f" from read_parquet({as_text(file.parquet(raw_dir, cycle.cycle_id))})"
            " where person <> ''"
        )
    if not exports:
        return None, ""
    with engine.opened() as connection:
        connection.execute(f"create view responses as {' union all '.join(exports)}")
        connection.execute(_CANDIDATES)
        share = connection.execute(_SHARE).fetchall()[0][0]
        examples = connection.execute(_EXAMPLES).fetchall()[0][0]
    return share, examples or ""
