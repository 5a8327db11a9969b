-- Nobody of the staff frame is lost on the way to the weights. A row means that its unit is unknown on
-- the cycle's opening day, or its category or role in the seeds: these staff drop out of the population,
-- and every weight of their stratum is too small. Mend the frame's ids, or give the unit a version.
{{ config(meta={'dagster': {'ref': {'name': 'stg_raw__staff_frame'}}}) }}
select staff_frame.*
from {{ ref('stg_raw__staff_frame') }} as staff_frame
left join {{ ref('design_units') }} as cycle_units
    on cycle_units.cycle_id = staff_frame.cycle_id
    and cycle_units.unit_id = staff_frame.unit_id
left join {{ ref('recipient_categories') }} as recipient_categories
    on recipient_categories.recipient_category_id = staff_frame.recipient_category_id
left join {{ ref('roles') }} as roles
    on roles.role_id = staff_frame.role_id
where
    staff_frame.staff_count > 0
    and (
        cycle_units.unit_id is null
        or recipient_categories.recipient_category_id is null
        or roles.role_id is null
    )
