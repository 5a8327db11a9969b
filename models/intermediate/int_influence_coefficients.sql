-- Per weighting mode and domain, in one column each: the ratio of every item and the share with which
-- every node of the tree enters its parent, each node measured by its bound (macros/influence.sql).
{%- set components = instrument_components() %}
{%- set edges = instrument_edges() %}
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

ratios as (
    select
        weighting_mode,
        domain_number,
        {%- for component in components if component.component_type == 'item' %}
        max(score) filter (where component_number = {{ component.component_number }})
            as ratio_{{ component.component_number }},
        {%- endfor %}
    from component_scores
    group by weighting_mode, domain_number
),

shares as (
    select
        children.weighting_mode,
        children.domain_number,
        edges.edge_number,
        edges.weight / parents.weight_with_value * children.bound / parents.bound as coefficient,
    from edges
    inner join component_scores as children
        on children.component_number = edges.child_number
    inner join component_scores as parents
        on parents.component_number = edges.parent_number
        and parents.weighting_mode = children.weighting_mode
        and parents.domain_number = children.domain_number
    where children.score is not null and parents.score is not null
),

coefficients as (
    select
        weighting_mode,
        domain_number,
        {%- for edge in edges %}
        coalesce(max(coefficient) filter (where edge_number = {{ edge.edge_number }}), 0)
            as coefficient_{{ edge.edge_number }},
        {%- endfor %}
    from shares
    group by weighting_mode, domain_number
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        ratios.*,
        {%- for edge in edges %}
        coalesce(coefficients.coefficient_{{ edge.edge_number }}, 0) as coefficient_{{ edge.edge_number }},
        {%- endfor %}
    from ratios
    left join coefficients
        on coefficients.weighting_mode = ratios.weighting_mode
        and coefficients.domain_number = ratios.domain_number
)

select * from final
