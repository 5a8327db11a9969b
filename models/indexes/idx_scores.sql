-- Exact, for auditors and tests; what is published under this name is shown_scores. The two middles of
-- the nation are taken over shown scores here too: over hidden ones they would be another number.
{{ by_cycle() }}
with
exact as (
    select * exclude (t_quantile, unit_count) from {{ ref('scores_with_errors') }}
    where cycle_id = '{{ cycle_id() }}'
),

middles as (
    select * exclude (score_step, is_suppressed) from {{ ref('shown_scores') }}
    where cycle_id = '{{ cycle_id() }}' and domain_type in ('equal_level', 'unit_median')
),

final as (
    select * from exact
    union all by name
    select * from middles
)

select * from final
