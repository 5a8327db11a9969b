{{ by_cycle() }}
with
changes as (
    select * from {{ ref('ranks_evenness_errors') }}
    where cycle_id = '{{ cycle_id() }}' and delta is not null
),

settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

-- Holm (1979) over the comparisons that one measure is tested in.
stepped as (
    select
        *,
        p_value * (
            count(p_value) over (partition by weighting_mode, measure)
            - row_number() over (
                partition by weighting_mode, measure
                order by p_value nulls last, between
            ) + 1
        ) as stepped_p_value,
    from changes
),

adjusted as (
    select
        *,
        case when p_value is not null then least(1e0, max(stepped_p_value) over (
            partition by weighting_mode, measure
            order by p_value nulls last, between
        )) end as p_adjusted,
    from stepped
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        settings.previous_cycle_id,
        adjusted.weighting_mode,
        adjusted.between,
        adjusted.measure,
        adjusted.value_previous,
        adjusted.value,
        adjusted.delta,
        adjusted.delta_se as se,
        adjusted.p_value,
        adjusted.p_adjusted,
        adjusted.p_adjusted < 1 - settings.ci_level as is_changed,
        adjusted.compared_count as member_count,
    from adjusted
    cross join settings
)

select * from final
