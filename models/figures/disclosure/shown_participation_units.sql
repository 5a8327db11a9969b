-- Units whose total may be shown, and the others of a region and level together: few enough to name a
-- unit that is short, and never fewer than min_cell_n staff (method.md 10).
{{ by_cycle() }}
with
units as (
    select * from {{ ref('participation_by_unit') }}
    where cycle_id = '{{ cycle_id() }}'
),

verdicts as (
    select distinct
        role_id,
        unit_id,
        unit_group,
    from {{ ref('disclosure_participation_verdicts') }}
    where cycle_id = '{{ cycle_id() }}' and is_told
),

shown as (
    select units.*
    from units
    inner join verdicts
        on verdicts.role_id = units.role_id
        and verdicts.unit_id = units.unit_id
    where verdicts.unit_group is null
),

together as (
    select
        units.cycle_id,
        units.role_id,
        cast(null as varchar) as unit_id,
        case when verdicts.unit_group <> '' then max(units.region_id) end as region_id,
        case when verdicts.unit_group <> '' then max(units.unit_level_id) end as unit_level_id,
        cast(sum(units.unit_count) as bigint) as unit_count,
        cast(sum(units.staff_count) as bigint) as staff_count,
        cast(sum(units.respondent_count) as bigint) as respondent_count,
        cast(sum(units.required_sample) as bigint) as required_sample,
        cast({{ shortfall('sum(units.required_sample)', 'sum(units.respondent_count)') }} as bigint) as shortfall,
    from units
    inner join verdicts
        on verdicts.role_id = units.role_id
        and verdicts.unit_id = units.unit_id
    where verdicts.unit_group is not null
    group by units.cycle_id, units.role_id, verdicts.unit_group
),

final as (
    select * from shown
    union all by name
    select * from together
)

select * from final
