"""Write what the R scripts beside compute from: accepted responses, answers and frame, as CSV.

Usage: python tests/reference/export_inputs.py WAREHOUSE CYCLE FOLDER (make reference calls it).
Only facts leave here; domains, trees, scores and errors are R's own work.
"""

import sys
from pathlib import Path

import duckdb

RESPONSES = """
    select
        responses.response_key, responses.role_id, responses.recipient_category_id,
        responses.gender, responses.age_group, responses.rank_group, responses.tenure_group,
        responses.unit_id, units.unit_level_id, units.region_id, strata.stratum_id,
        strata.stratum_staff_count as population,
        strata.stratum_respondent_count as sample_size
    from marts.fct_responses as responses
    inner join marts.dim_cycles as cycles using (cycle_id)
    inner join marts.dim_units as units
        on units.unit_id = responses.unit_id
        and cycles.opens_on between units.valid_from and coalesce(units.valid_to, date '9999-12-31')
    inner join (
        select distinct
            cycle_id, role_id, stratum_id, stratum_staff_count, stratum_respondent_count
        from marts.fct_strata
    ) as strata
        on strata.cycle_id = responses.cycle_id
        and strata.role_id = responses.role_id
        and strata.stratum_id = responses.stratum_id
    where responses.is_accepted and responses.cycle_id = ?
    order by responses.response_key
"""
ANSWERS = """
    select
        answers.response_key, answers.item_id, answers.score, answers.provider_unit_id,
        providers.unit_level_id as provider_level_id, providers.region_id as provider_region_id
    from marts.fct_answers as answers
    inner join marts.dim_cycles as cycles using (cycle_id)
    inner join marts.dim_units as providers
        on providers.unit_id = answers.provider_unit_id
        and cycles.opens_on >= providers.valid_from
        and cycles.opens_on <= coalesce(providers.valid_to, date '9999-12-31')
    where answers.answer_status = 'valid' and answers.cycle_id = ?
    order by answers.response_key, answers.question_id
"""
# How many questions on a service got a rating, or one of the two answers that are none.
COVERAGE = """
    select
        answers.response_key, questions.service_id, answers.provider_unit_id,
        providers.unit_level_id as provider_level_id, providers.region_id as provider_region_id,
        answers.answer_status, count(*) as answer_count
    from marts.fct_answers as answers
    inner join marts.dim_cycles as cycles using (cycle_id)
    inner join marts.dim_questions as questions using (instrument_id, question_id)
    inner join marts.dim_units as providers
        on providers.unit_id = answers.provider_unit_id
        and cycles.opens_on >= providers.valid_from
        and cycles.opens_on <= coalesce(providers.valid_to, date '9999-12-31')
    where answers.answer_status in ('valid', 'not_used', 'not_available')
        and answers.cycle_id = ? and questions.asks = 'performance'
    group by all
    order by all
"""
ITEMS = """
    select distinct questions.item_id, questions.service_id, questions.perspective_id
    from marts.dim_questions as questions
    inner join marts.dim_cycles as cycles using (instrument_id)
    where cycles.cycle_id = ? and questions.asks = 'performance'
    order by all
"""


FRAME = """
    select
        role_id, region_id, unit_level_id, recipient_category_id, gender,
        sum(staff_count) as staff_count
    from design.design_staff
    where cycle_id = ?
    group by all
    order by all
"""


# Who answered in the cycle before too.
OVERLAP = """
    select previous.response_key as previous_response_key, responses.response_key
    from marts.fct_responses as responses
    inner join marts.dim_cycles as cycles using (cycle_id)
    inner join marts.fct_responses as previous
        on previous.cycle_id = cycles.previous_cycle_id
        and previous.respondent_key = responses.respondent_key
    where responses.cycle_id = ? and responses.is_accepted and previous.is_accepted
    order by all
"""


def main(warehouse: str, cycle_id: str, folder: str) -> None:
    """Write one cycle's responses, answers, items, coverage, frame, overlap into `folder`."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(warehouse, read_only=True) as connection:
        for name, query in (
            ("responses", RESPONSES),
            ("answers", ANSWERS),
            ("items", ITEMS),
            ("coverage", COVERAGE),
            ("frame", FRAME),
            ("overlap", OVERLAP),
        ):
            frame = connection.execute(query, [cycle_id]).df()
            frame.to_csv(target / f"{name}.csv", index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
