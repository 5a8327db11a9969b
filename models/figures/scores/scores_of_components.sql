-- The score of every component in every domain and weighting mode (method.md 3). A component has a row
-- where at least one child has a value.
{{ by_cycle() }}
with
item_sums as (
    select
        *,
        step_sum / cast(steps_per_point as double) as score_sum,
    from {{ ref('sums_by_component') }}
    where cycle_id = '{{ cycle_id() }}' and step_sum is not null
),

cell_weights as (
    select * from {{ ref('weights_by_cell') }}
),

settings as (
    select cycle_id, min_weight_share from {{ ref('design_settings') }}
),

edges as (
    select
        *,
        {{ stable_sum('weight', over='(partition by cycle_id, parent_number)') }} as weight_of_children,
    from {{ ref('design_edges') }}
),

weighted_items as (
    select
        item_sums.cycle_id,
        cell_weights.weighting_mode,
        item_sums.domain_number,
        item_sums.component_number,
        {{ stable_sum('cell_weights.weight * item_sums.score_sum', 15) }} as weighted_score_sum,
        {{ stable_sum('cell_weights.weight * item_sums.rating_count', 15) }} as weighted_rating_count,
    from item_sums
    inner join cell_weights
        on cell_weights.cycle_id = item_sums.cycle_id
        and cell_weights.weight_cell_number = item_sums.weight_cell_number
    group by all
),

items as (
    select
        *,
        weighted_score_sum / nullif(weighted_rating_count, 0) as score,
    from weighted_items
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
    select
        cycle_id,
        weighting_mode,
        domain_number,
        component_number,
        score,
        null::double as weight_with_value,
        null::double as weight_share,
        weighted_rating_count,
    from items
    {%- for storey in ['service_perspectives', 'services_and_perspectives', 'index_scores'] %}
    union all
    select
        cycle_id,
        weighting_mode,
        domain_number,
        component_number,
        score,
        weight_with_value,
        weight_share,
        null::double as weighted_rating_count,
    from {{ storey }}
    {%- endfor %}
)

select * from final
