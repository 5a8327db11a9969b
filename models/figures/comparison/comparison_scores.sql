-- The scores of this cycle and of the previous one on the tree they share, with this cycle's weights
-- and min_weight_share (method.md 6). Items are as scored in their own cycle, with its strata.
{{ by_cycle() }}
with
compared_cycles as (
    select * from {{ ref('design_compared_cycles') }}
    where cycle_id = '{{ cycle_id() }}'
),

own_components as (
    select * from {{ ref('design_components') }}
),

component_scores as (
    select * from {{ ref('scores_of_components') }}
),

shared_components as (
    select * from {{ ref('design_shared_components') }}
    where cycle_id = '{{ cycle_id() }}'
),

-- Below, cycle_id is the side of the comparison: the macro rolls both up in one go.
settings as (
    select
        compared_cycles.compared_cycle_id as cycle_id,
        cycle_settings.min_weight_share,
    from compared_cycles
    inner join {{ ref('design_settings') }} as cycle_settings
        on cycle_settings.cycle_id = compared_cycles.cycle_id
),

edges as (
    select
        compared_cycles.compared_cycle_id as cycle_id,
        shared_edges.storey,
        shared_edges.parent_number,
        shared_edges.child_number,
        shared_edges.weight,
        shared_edges.weight_of_children,
    from compared_cycles
    inner join {{ ref('design_shared_edges') }} as shared_edges
        on shared_edges.cycle_id = compared_cycles.cycle_id
),

items as (
    select
        component_scores.cycle_id,
        component_scores.weighting_mode,
        component_scores.domain_number,
        shared_components.component_number,
        component_scores.score,
        component_scores.weighted_rating_count,
        null::double as weight_with_value,
    from compared_cycles
    inner join component_scores
        on component_scores.cycle_id = compared_cycles.compared_cycle_id
    inner join own_components
        on own_components.cycle_id = component_scores.cycle_id
        and own_components.component_number = component_scores.component_number
    inner join shared_components
        on shared_components.item_id = own_components.item_id
),

service_perspectives as (
    {{ roll_up('items', 1) }}
),

services_and_perspectives as (
    {{ roll_up('service_perspectives', 2) }}
),

index_scores as (
    {{ roll_up('services_and_perspectives', 3) }}
),

final as (
    {%- for storey in ['items', 'service_perspectives', 'services_and_perspectives', 'index_scores'] %}
    select
        '{{ cycle_id() }}' as cycle_id,
        cycle_id as compared_cycle_id,
        weighting_mode,
        domain_number,
        component_number,
        score,
        weight_with_value,
        {{ 'weighted_rating_count' if loop.first else 'null::double as weighted_rating_count' }},
    from {{ storey }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from final
