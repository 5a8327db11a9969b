{{ by_cycle() }}
with
measures as (
    select * from {{ ref('ranks_evenness') }}
    where cycle_id = '{{ cycle_id() }}'
),

errors as (
    select * from {{ ref('ranks_evenness_errors') }}
    where cycle_id = '{{ cycle_id() }}'
),

final as (
    select
        measures.cycle_id,
        measures.weighting_mode,
        measures.between,
        measures.measure,
        measures.value,
        measures.member_count,
        errors.se,
        errors.ci_low,
        errors.ci_high,
        errors.value_corrected,
    from measures
    left join errors
        on errors.weighting_mode = measures.weighting_mode
        and errors.between = measures.between
        and errors.measure = measures.measure
)

select * from final
