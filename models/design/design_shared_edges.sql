-- The edges of a cycle's tree that lead to items shared with the previous cycle, with this cycle's
-- weights: the tree on which both cycles are compared.
with
edges as (
    select * from {{ ref('design_edges') }}
),

shared_components as (
    select cycle_id, component_number from {{ ref('design_shared_components') }}
),

final as (
    select
        edges.cycle_id,
        edges.edge_number,
        edges.storey,
        edges.parent_number,
        edges.child_number,
        edges.weight,
        {{ stable_sum('edges.weight', over='(partition by edges.cycle_id, edges.parent_number)') }}
            as weight_of_children,
    from edges
    inner join shared_components
        on shared_components.cycle_id = edges.cycle_id
        and shared_components.component_number = edges.child_number
)

select * from final
