-- Each base stratum with the final one that it is a part of, and that one's weight.
with
base as (
    select * from {{ ref('weights_base_strata') }}
),

collapsed as (
    select * from {{ ref('weights_collapsed_strata') }}
),

role_staff as (
    select
        cycle_id,
        role_id,
        sum(staff_count) as staff_count,
    from base
    group by all
),

strata as (
    select
        collapsed.cycle_id,
        collapsed.role_id,
        collapsed.stratum_id,
        cast(sum(base.staff_count) as bigint) as stratum_staff_count,
        cast(sum(base.respondent_count) as bigint) as stratum_respondent_count,
    from collapsed
    inner join base
        on base.cycle_id = collapsed.cycle_id
        and base.role_id = collapsed.role_id
        and base.base_stratum_id = collapsed.base_stratum_id
    group by all
),

final as (
    select
        base.cycle_id,
        base.role_id,
        base.base_stratum_id,
        base.region_id,
        base.unit_level_id,
        base.unit_id,
        base.recipient_category_id,
        base.staff_count,
        base.respondent_count,
        collapsed.stratum_id,
        cast(
            dense_rank() over (
                partition by base.cycle_id order by base.role_id, collapsed.stratum_id
            ) as integer
        ) as stratum_number,
        cast(collapsed.collapse_step as integer) as collapse_step,
        strata.stratum_staff_count,
        strata.stratum_respondent_count,
        -- A role without staff in the frame stands for itself, out of an endless population.
        case
            when role_staff.staff_count = 0 then 1e0
            else cast(strata.stratum_staff_count as double)
                / nullif(strata.stratum_respondent_count, 0)
        end as weight,
        case
            when role_staff.staff_count = 0 then 0e0
            when strata.stratum_staff_count = 0 then 1e0
            else least(
                1e0,
                cast(strata.stratum_respondent_count as double) / strata.stratum_staff_count
            )
        end as sampling_fraction,
    from base
    inner join collapsed
        on collapsed.cycle_id = base.cycle_id
        and collapsed.role_id = base.role_id
        and collapsed.base_stratum_id = base.base_stratum_id
    inner join strata
        on strata.cycle_id = collapsed.cycle_id
        and strata.role_id = collapsed.role_id
        and strata.stratum_id = collapsed.stratum_id
    inner join role_staff
        on role_staff.cycle_id = base.cycle_id
        and role_staff.role_id = base.role_id
)

select * from final
