"""Who answered more than once in a cycle, whatever the file and the spelling.

Belongs here: counting persons by their identifiers as the warehouse does, examples that name rows
and nobody. Doesn't: which of a person's responses counts (responses_judged).
"""

from pathlib import Path

from expectations.raw_files import Cycle, RawFile, mapped_columns, read_profiles
from orchestration.bounded_engine import BoundedEngine
from orchestration.engine_macros import EngineMacros
from orchestration.sql_text import as_name

_PERSONS = 3  # persons whose rows a message names
_ROWS = 4  # rows of each


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
    with engine.opened() as connection:
        connection.execute(
            "create table responses (person varchar, response varchar, file varchar, row bigint)"
        )
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
            own = f"{file.file_number} || ' ' || _source_row"
            response_id = macros.plain_response_id(
                macros.trim_blanks(columns.get("response_id", "null"))
            )
            response = f"coalesce(nullif({response_id}, ''), {own})"
            connection.execute(
                f"insert into responses select {person} as person, ? || ' ' || {response}, ?,"
                f" _source_row from read_parquet(?) where person <> ''",
                [
                    f"{file.profile_id} {file.source}",
                    file.name,
                    str(file.parquet(raw_dir, cycle.cycle_id)),
                ],
            )
        share = connection.execute(
            "select 1 - count(distinct person) / nullif(count(distinct response), 0) from responses"
        ).fetchall()[0][0]
        examples = connection.execute(
            f"""
            with persons as (  -- first, or each of millions would have a list of its rows
                select person from responses group by person
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
                    from responses semi join persons using (person) group by person, response
                )
                group by person
            )
            """
        ).fetchall()[0][0]
    return share, examples or ""
