{{ by_cycle() }}
with
participation as (
    select * from {{ ref('participation_by_category') }}
    where cycle_id = '{{ cycle_id() }}'
),

units as (
    select * from {{ ref('design_units') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

totals as (
    select
        cycle_id,
        role_id,
        unit_id,
        cast(sum(staff_count) as bigint) as staff_count,
        cast(sum(respondent_count) as bigint) as respondent_count,
    from participation
    group by all
),

final as (
    select
        totals.cycle_id,
        totals.role_id,
        totals.unit_id,
        units.region_id,
        units.unit_level_id,
        cast(1 as bigint) as unit_count,
        totals.staff_count,
        totals.respondent_count,
        {{ required_sample('totals.staff_count', 'settings') }} as required_sample,
        {{ shortfall(required_sample('totals.staff_count', 'settings'), 'totals.respondent_count') }} as shortfall,
    from totals
    inner join units
        on units.unit_id = totals.unit_id
    cross join settings
)

select * from final
