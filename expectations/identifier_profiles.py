"""Who answered more than once in a cycle, whatever the file and the spelling.

Belongs here: counting persons by their identifiers as the warehouse does, examples that name rows
and nobody. Doesn't: which of a person's responses counts (responses_judged).
"""

import duckdb

_PERSONS = 3  # persons whose rows a message names
_ROWS = 4  # rows of each
_RESPONSES = """
create temp view responses as
select
    person,
    profile_id || ' ' || source || ' '
        || coalesce(nullif(response_id, ''), file_number || ' ' || row) as response,
    file_name as file,
    row,
from compared
inner join files using (file_number)
where person <> '';
"""
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


def superseded(connection: duckdb.DuckDBPyConnection) -> tuple[float | None, str]:
    """Return the share of responses that are a further one of the same person, and such rows.

    Of the responses with an identifier; None where there is none. Rows of one source that bear the
    same response id are one response. `connection` holds exports' profiles (one_export.py).
    """
    connection.execute(_RESPONSES)
    connection.execute(_CANDIDATES)
    share = connection.execute(_SHARE).fetchall()[0][0]
    examples = connection.execute(_EXAMPLES).fetchall()[0][0]
    return share, examples or ""
