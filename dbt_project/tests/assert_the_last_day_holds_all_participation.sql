-- On the day the window closes, a unit's count is what fct_participation counts. A difference means
-- that a day was lost or counted twice: to a time zone, or to a response without a date.
{{ config(meta={'dagster': {'ref': {'name': 'fct_participation_days'}}}) }}
with
last_days as (
    select
        days.cycle_id,
        days.unit_id,
        days.respondent_count,
    from {{ ref('fct_participation_days') }} as days
    inner join {{ ref('dim_cycles') }} as cycles
        on cycles.cycle_id = days.cycle_id
        and cycles.closes_on = days.day_on
    where days.cycle_id = '{{ cycle_id() }}'  -- another one's window may have moved since it was built
),

participation as (
    select
        cycle_id,
        unit_id,
        sum(respondent_count) as respondent_count,
    from {{ ref('fct_participation') }}
    where cycle_id = '{{ cycle_id() }}' and role_id = {{ headline_role() }}
    group by all
)

select
    participation.cycle_id,
    participation.unit_id,
    participation.respondent_count,
    last_days.respondent_count as respondent_count_of_last_day,
from participation
left join last_days
    on last_days.cycle_id = participation.cycle_id
    and last_days.unit_id = participation.unit_id
where
    participation.cycle_id in (select cycle_id from {{ ref('fct_participation_days') }})
    and last_days.respondent_count is distinct from participation.respondent_count
