-- The two sides of each comparison, and whether a side's own tree is the shared one already: its
-- scores' errors then hold as they are. Otherwise they are computed anew on the shared tree.
with
settings as (
    select * from {{ ref('design_settings') }}
),

components as (
    select
        cycle_id,
        component_number,
        component_type || '|' || coalesce(service_id, '') || '|' || coalesce(perspective_id, '')
            || '|' || coalesce(item_id, '') as component_text,
    from {{ ref('design_components') }}
),

sides as (
    select
        cycle_id,
        cycle_id as compared_cycle_id,
        min_weight_share,
    from settings
    where previous_cycle_id is not null
    union all
    select
        cycle_id,
        previous_cycle_id as compared_cycle_id,
        min_weight_share,
    from settings
    where previous_cycle_id is not null
),

{%- for name in ['design_edges', 'design_shared_edges'] %}
{{ name }}_by_text as (
    select
        edges.cycle_id,
        parents.component_text || '>' || children.component_text || '>' || edges.weight as edge_text,
    from {{ ref(name) }} as edges
    inner join components as parents
        on parents.cycle_id = edges.cycle_id
        and parents.component_number = edges.parent_number
    inner join components as children
        on children.cycle_id = edges.cycle_id
        and children.component_number = edges.child_number
),
{% endfor %}
own_edges as (
    select
        sides.cycle_id,
        sides.compared_cycle_id,
        edges.edge_text,
    from sides
    inner join design_edges_by_text as edges
        on edges.cycle_id = sides.compared_cycle_id
),

shared_edges as (
    select
        sides.cycle_id,
        sides.compared_cycle_id,
        edges.edge_text,
    from sides
    inner join design_shared_edges_by_text as edges
        on edges.cycle_id = sides.cycle_id
),

differences as (
    select
        cycle_id,
        compared_cycle_id,
        count(*) as difference_count,
    from own_edges
    full outer join shared_edges
        using (cycle_id, compared_cycle_id, edge_text)
    where own_edges.edge_text is null or shared_edges.edge_text is null
    group by all
),

final as (
    select
        sides.cycle_id,
        sides.compared_cycle_id,
        differences.difference_count is null
            and settings.min_weight_share = sides.min_weight_share as is_own_tree,
    from sides
    inner join settings
        on settings.cycle_id = sides.compared_cycle_id
    left join differences
        on differences.cycle_id = sides.cycle_id
        and differences.compared_cycle_id = sides.compared_cycle_id
)

select * from final
