{%- set family = 'weighting_mode, domain_type, component_number, is_shown' %}
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

-- Holm (1979): the k-th smallest of m probabilities times m - k + 1, and none below one before it. A
-- family is what is shown of one component: with hidden domains in it, the others would tell on them.
-- Benjamini & Hochberg (1995): times m / k, and none above one after it.
stepped as (
    select
        *,
        p_value * (
            count(p_value) over (partition by {{ family }})
            - row_number() over (partition by {{ family }} order by p_value nulls last, domain_id) + 1
        ) as stepped_p_value,
        p_value * count(p_value) over (partition by {{ family }})
            / row_number() over (partition by {{ family }} order by p_value nulls last, domain_id) as stepped_q,
    from tests
),

adjusted as (
    select
        *,
        case when is_shown and p_value is not null then least(1e0, max(stepped_p_value) over (
            partition by {{ family }} order by p_value nulls last, domain_id
        )) end as p_adjusted,
        case when is_shown and p_value is not null then least(1e0, min(stepped_q) over (
            partition by {{ family }} order by p_value nulls last, domain_id
            rows between current row and unbounded following
        )) end as false_discovery_q,
    from stepped
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
