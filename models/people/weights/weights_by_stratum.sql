-- The weight of every stratum's respondents in each weighting mode in which they share one: unweighted,
-- and the method's own unless it rakes (weights_by_cell).
with
strata as (
    select distinct
        cycle_id,
        role_id,
        stratum_number,
        stratum_id,
        stratum_staff_count,
        stratum_respondent_count,
        weight,
        sampling_fraction,
    from {{ ref('weights_strata') }}
    where stratum_respondent_count > 0
),

settings as (
    select cycle_id, weighting_mode from {{ ref('design_settings') }}
),

modes as (
    select cycle_id, weighting_mode from settings
    where weighting_mode <> 'rake'
    union
    select cycle_id, 'none' as weighting_mode from settings
),

final as (
    select
        strata.cycle_id,
        modes.weighting_mode,
        strata.role_id,
        strata.stratum_number,
        strata.stratum_id,
        strata.stratum_staff_count,
        strata.stratum_respondent_count,
        case when modes.weighting_mode = 'none' then 1e0 else strata.weight end as weight,
        strata.sampling_fraction,
    from strata
    inner join modes
        on modes.cycle_id = strata.cycle_id
)

select * from final
