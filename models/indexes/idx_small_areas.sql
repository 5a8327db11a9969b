{{ by_cycle() }}
with
areas as (
    select * from {{ ref('ranks_small_areas') }}
    where cycle_id = '{{ cycle_id() }}'
),

final as (
    select
        cycle_id,
        weighting_mode,
        domain_type,
        domain_id,
        component_type,
        service_id,
        perspective_id,
        unit_level_id,
        estimate_type,
        direct_score,
        model_score,
        model_se,
        ci_low,
        ci_high,
        model_weight,
        between_variance,
        benchmark_factor,
        modelled_unit_count,
    from areas
)

select * from final
