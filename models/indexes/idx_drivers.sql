{{ by_cycle() }}
with
relative_weights as (
    select * from {{ ref('sums_relative_weights') }}
    where cycle_id = '{{ cycle_id() }}'
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        weighting_mode,
        audience_id,
        service_id,
        perspective_id,
        respondent_count,
        correlation,
        relative_weight,
        se,
        ci_low,
        ci_high,
        r_squared,
        relative_weight / nullif(r_squared, 0) as explained_share,
        null_reason,
    from relative_weights
)

select * from final
