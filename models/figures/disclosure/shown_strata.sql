-- The rows of fct_strata: a final stratum's count and weight where it may be shown, a base stratum's
-- own where it is the final one, since those of one collapsed are few by nature (method.md 10).
{{ by_cycle() }}
with
strata as (
    select
        *,
        count(*) over (partition by role_id, stratum_id) as base_stratum_count,
    from {{ ref('weights_strata') }}
    where cycle_id = '{{ cycle_id() }}'
),

verdicts as (
    select distinct
        role_id,
        stratum_id,
        is_stratum_hidden,
    from {{ ref('disclosure_participation_verdicts') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

judged as (
    select
        strata.*,
        case when coalesce(verdicts.is_stratum_hidden, true) then {{ why_hidden('nullif(strata.stratum_staff_count, 0)', 'settings') }} end
            as hidden_reason,
        coalesce(verdicts.is_stratum_hidden, true) as is_suppressed,
    from strata
    cross join settings
    left join verdicts
        on verdicts.role_id = strata.role_id
        and verdicts.stratum_id = strata.stratum_id
),

final as (
    select
        cycle_id,
        role_id,
        base_stratum_id,
        region_id,
        unit_level_id,
        unit_id,
        recipient_category_id,
        staff_count,
        case when not is_suppressed and base_stratum_count = 1 then respondent_count end as respondent_count,
        stratum_id,
        stratum_number,
        collapse_step,
        stratum_staff_count,
        case when not is_suppressed then stratum_respondent_count end as stratum_respondent_count,
        case when not is_suppressed then weight end as weight,
        case when not is_suppressed then sampling_fraction end as sampling_fraction,
        coalesce(hidden_reason, case when weight is null then 'no_answers' end) as null_reason,
        is_suppressed,
    from judged
)

select * from final
