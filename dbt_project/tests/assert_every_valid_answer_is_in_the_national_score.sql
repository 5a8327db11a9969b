-- The valid answers of the headline role's accepted responses are the ratings behind the national
-- index. A difference means that the domains' view of the answers drops ratings on the way.
-- Questions that ask for expectation or importance are left out: they never enter a score.
{{ config(meta={'dagster': {'ref': {'name': 'idx_scores'}}}) }}
with
answers as (
    select
        responses.cycle_id,
        sum(responses.valid_count) as valid_count,
    from {{ ref('fct_responses') }} as responses
    inner join {{ ref('dim_cycles') }} as cycles
        on cycles.cycle_id = responses.cycle_id
    where
        responses.is_accepted
        and responses.role_id = {{ headline_role() }}
        and cycles.instrument_id not in (
            select instrument_id from {{ ref('dim_questions') }} where asks <> 'performance'
        )
    group by responses.cycle_id
)

select
    answers.cycle_id,
    answers.valid_count,
    scores.answer_count,
from answers
left join {{ ref('idx_scores') }} as scores
    on scores.cycle_id = answers.cycle_id
    and scores.domain_type = 'national'
    and scores.component_type = 'index'
    and scores.weighting_mode = 'none'
where answers.valid_count > 0 and scores.answer_count is distinct from answers.valid_count
