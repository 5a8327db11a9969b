-- Post-stratification keeps the population: over the respondents of a role, the weights add up to the
-- staff of the frame. A difference means that a stratum of the frame was dropped by the collapse.
with
strata as (
    select distinct
        cycle_id,
        role_id,
        stratum_id,
        stratum_staff_count,
        stratum_respondent_count,
        weight,
    from {{ ref('fct_strata') }}
)

select
    cycle_id,
    role_id,
    sum(weight * stratum_respondent_count) as weight_sum,
    sum(stratum_staff_count) as staff_count,
from strata
where stratum_respondent_count > 0
group by cycle_id, role_id
having
    sum(stratum_staff_count) > 0
    and abs(sum(weight * stratum_respondent_count) - sum(stratum_staff_count)) > 1e-6
