-- Post-stratification keeps the population: over the accepted responses of a role, the weights add up
-- to the staff of the frame. A difference means that the collapse, or a join to it, drops a stratum.
{{ config(meta={'dagster': {'ref': {'name': 'fct_responses'}}}) }}
with
weights as (
    select
        responses.cycle_id,
        responses.role_id,
        sum(strata.weight) as weight_sum,
    from {{ ref('fct_responses') }} as responses
    inner join {{ ref('weights_by_stratum') }} as strata
        on strata.cycle_id = responses.cycle_id
        and strata.stratum_number = responses.stratum_number
        and strata.weighting_mode = 'poststrat'
    where responses.is_accepted
    group by all
),

staff as (
    select
        cycle_id,
        role_id,
        sum(staff_count) as staff_count,
    from {{ ref('design_staff') }}
    group by all
)

select
    staff.cycle_id,
    staff.role_id,
    staff.staff_count,
    weights.weight_sum,
from staff
inner join weights
    on weights.cycle_id = staff.cycle_id
    and weights.role_id = staff.role_id
where abs(staff.staff_count - weights.weight_sum) > 1e-6 * staff.staff_count
