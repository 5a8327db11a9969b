-- The frame's totals that raking meets (method.md 9): per role, region x level, recipient category, and
-- gender where the frame has it.
with
region_levels as (
    select * from {{ ref('weights_rake_region_levels') }}
),

base as (
    select * from {{ ref('weights_base_strata') }}
),

staff as (
    select * from {{ ref('design_staff') }}
),

raking_cycles as (
    select cycle_id from {{ ref('design_settings') }}
    where weighting_mode = 'rake'
),

totals as (
    select
        cycle_id,
        role_id,
        'region_level' as margin,
        region_level_id as margin_category_id,
        sum(staff_count) as staff_count,
    from region_levels
    group by all
    union all
    select
        cycle_id,
        role_id,
        'recipient_category' as margin,
        recipient_category_id as margin_category_id,
        sum(staff_count) as staff_count,
    from base
    group by all
    union all
    select
        cycle_id,
        role_id,
        'gender' as margin,
        gender as margin_category_id,
        sum(staff_count) as staff_count,
    from staff
    where gender is not null
    group by all
),

final as (
    select
        totals.cycle_id,
        totals.role_id,
        totals.margin,
        totals.margin_category_id,
        cast(totals.staff_count as bigint) as staff_count,
    from totals
    inner join raking_cycles
        on raking_cycles.cycle_id = totals.cycle_id
)

select * from final
