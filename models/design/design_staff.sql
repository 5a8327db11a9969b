-- Staff of each cycle's frame by unit, recipient category and role, the units as the cycle knows them.
{{ by_cycle() }}
with
staff_frame as (
    select * from {{ ref('stg_raw__staff_frame') }}
),

cycle_units as (
    select * from {{ ref('design_units') }}
),

final as (
    select
        staff_frame.cycle_id,
        staff_frame.unit_id,
        cycle_units.unit_level_id,
        cycle_units.region_id,
        staff_frame.recipient_category_id,
        staff_frame.role_id,
        staff_frame.gender,
        cast(sum(staff_frame.staff_count) as bigint) as staff_count,
    from staff_frame
    inner join cycle_units
        on cycle_units.cycle_id = staff_frame.cycle_id
        and cycle_units.unit_id = staff_frame.unit_id
    where staff_frame.staff_count > 0
    group by all
)

select * from final
