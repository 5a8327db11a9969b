{{ by_cycle() }}
with
changes as (
    select * from {{ ref('shown_changes') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

tested as (
    select
        *,
        case when se > 0 then 2e0 * {{ normal_tail('(abs(delta) / se)') }} end as p_value,
    from changes
),

-- Holm (1979): the k-th smallest of m probabilities times m - k + 1, and none below one before it. A
-- family is what is shown of one component: with hidden domains in it, the others would tell on them.
stepped as (
    select
        *,
        p_value * (
            count(p_value) over (partition by weighting_mode, domain_type, component_number, is_shown)
            - row_number() over (
                partition by weighting_mode, domain_type, component_number, is_shown
                order by p_value nulls last, domain_id
            ) + 1
        ) as stepped_p_value,
    from tested
),

adjusted as (
    select
        *,
        case when is_shown and p_value is not null then least(1e0, max(stepped_p_value) over (
            partition by weighting_mode, domain_type, component_number, is_shown
            order by p_value nulls last, domain_id
        )) end as p_adjusted,
    from stepped
),

final as (
    select
        adjusted.cycle_id,
        adjusted.previous_cycle_id,
        adjusted.weighting_mode,
        adjusted.domain_type,
        adjusted.domain_id,
        adjusted.component_type,
        adjusted.service_id,
        adjusted.perspective_id,
        adjusted.item_id,
        adjusted.score_previous,
        adjusted.score,
        adjusted.delta,
        adjusted.se,
        adjusted.p_value,
        adjusted.p_adjusted,
        -- The hair keeps a change of exactly the least one, which arithmetic left below it.
        case when adjusted.p_adjusted is not null then
            adjusted.p_adjusted < 1 - settings.ci_level
            and abs(adjusted.delta) >= settings.min_practical_change - 1e-9
        end as is_changed,
        adjusted.shared_item_share,
        adjusted.null_reason,
    from adjusted
    cross join settings
)

select * from final
