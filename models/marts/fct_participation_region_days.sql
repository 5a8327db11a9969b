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
    where cycle_id = '{{ cycle_id() }}' and role_id = {{ headline_role() }}
),

shown as (
    select
        unit_id,
        region_id,
        case when unit_id is null then coalesce(coalesce(region_id, '') || '|' || unit_level_id, '') end as unit_group,
    from {{ ref('shown_participation_units') }}
    where cycle_id = '{{ cycle_id() }}' and role_id = {{ headline_role() }}
),

grouped as (
    select
        units.unit_id,
        case when verdicts.unit_group is null then units.unit_id end as shown_unit_id,
        verdicts.unit_group,
        units.staff_count,
    from units
    inner join verdicts
        on verdicts.unit_id = units.unit_id
),

-- The rest of the nation is of no region.
told as (
    select
        grouped.unit_id,
        shown.region_id,
        grouped.staff_count,
    from grouped
    inner join shown
        on shown.unit_id is not distinct from grouped.shown_unit_id
        and shown.unit_group is not distinct from grouped.unit_group
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
