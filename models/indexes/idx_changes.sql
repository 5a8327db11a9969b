{{ by_cycle() }}
with
tests as (
    select * from {{ ref('shown_change_tests') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

-- A family is what is shown of one component: with hidden domains in it, the others would tell on them.
adjusted as (
    {{ adjusted_by_family(
        'tests', 'weighting_mode, domain_type, component_number, is_shown', tie='domain_id', counted='is_shown'
    ) }}
),

judged as (
    select
        adjusted.*,
        -- The hair keeps a change of exactly the least one, which arithmetic left below it.
        case when adjusted.p_adjusted is not null then
            adjusted.p_adjusted < 1 - settings.ci_level
            and abs(adjusted.delta) >= settings.min_practical_change - 1e-9
        end as is_changed,
        adjusted.p_relevant < 1 - settings.ci_level as is_equivalent,
    from adjusted
    cross join settings
),

final as (
    select
        cycle_id,
        previous_cycle_id,
        weighting_mode,
        domain_type,
        domain_id,
        component_type,
        service_id,
        perspective_id,
        item_id,
        score_previous,
        score,
        delta,
        se,
        se_independent,
        overlap_count,
        linking_se,
        se_total,
        df,
        ci_low,
        ci_high,
        p_value,
        p_adjusted,
        false_discovery_q,
        is_changed,
        minimum_detectable_change,
        case
            when not is_shown or delta is null then null
            when is_changed then if(delta > 0, 'better', 'worse')
            when is_equivalent then 'same'
            else 'unknown'
        end as verdict,
        is_same_method,
        shared_item_share,
        null_reason,
    from judged
)

select * from final
