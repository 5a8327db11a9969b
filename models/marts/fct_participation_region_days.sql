-- Regions day by day, of the units and the groups of small units that fct_participation_units tells, and of
-- no others: a region's last day closes with its rows there (method.md 10).
{{ by_cycle() }}
with
days as (
    select * from {{ ref('participation_by_day') }}
    where cycle_id = '{{ cycle_id() }}'
),

units as (
    select * from {{ ref('participation_by_unit') }}
    where cycle_id = '{{ cycle_id() }}' and role_id = {{ headline_role() }}
),

verdicts as (
    select distinct
        unit_id,
        unit_group,
    from {{ ref('disclosure_participation_verdicts') }}
    where cycle_id = '{{ cycle_id() }}' and role_id = {{ headline_role() }} and is_told
),

-- The rest of the nation is of no region.
told as (
    select
        units.unit_id,
        case when coalesce(verdicts.unit_group, 'own') <> '' then units.region_id end as region_id,
        units.staff_count,
    from units
    inner join verdicts
        on verdicts.unit_id = units.unit_id
),

final as (
    select
        days.cycle_id,
        told.region_id,
        days.day_on,
        count(*) as unit_count,
        cast(sum(told.staff_count) as bigint) as staff_count,
        cast(sum(days.new_respondent_count) as bigint) as new_respondent_count,
        cast(sum(days.respondent_count) as bigint) as respondent_count,
        cast(sum(days.required_sample) as bigint) as required_sample,
    from days
    inner join told
        on told.unit_id = days.unit_id
    group by days.cycle_id, told.region_id, days.day_on
)

select * from final
