-- Per weighting mode and domain, in one column each: the ratio of every item and the share with which
-- every node of the tree enters its parent (macros/influence.sql).
{{ by_cycle() }}
with
component_scores as (
    select * from {{ ref('int_component_scores') }}
    where cycle_id = '{{ cycle_id() }}'
),

edges as (
    select * from {{ ref('int_component_edges') }}
    where cycle_id = '{{ cycle_id() }}'
),

coefficients as (
    {{ influence_coefficients('component_scores', 'edges', instrument_components(), instrument_edges()) }}
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        *,
    from coefficients
)

select * from final
