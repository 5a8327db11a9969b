-- A region's last day is the sum of what fct_participation_units publishes of it. A difference means that
-- a sum tells on units that are too few to be told, or that who follows a region misses somebody who answered.
{{ config(meta={'dagster': {'ref': {'name': 'fct_participation_region_days'}}}) }}
with
last_days as (
    select
        days.region_id,
        days.unit_count,
        days.staff_count,
        days.respondent_count,
    from {{ ref('fct_participation_region_days') }} as days
    inner join {{ ref('dim_cycles') }} as cycles
        on cycles.cycle_id = days.cycle_id
        and cycles.closes_on = days.day_on
    where days.cycle_id = '{{ cycle_id() }}'  -- another one's window may have moved since it was built
),

told as (
    select
        region_id,
        sum(unit_count) as unit_count,
        sum(staff_count) as staff_count,
        sum(respondent_count) as respondent_count,
    from {{ ref('shown_participation_units') }}
    where cycle_id = '{{ cycle_id() }}' and role_id = {{ headline_role() }}
    group by region_id
)

(
    select * from last_days
    except
    select * from told
)
union all
(
    select * from told
    except
    select * from last_days
)
