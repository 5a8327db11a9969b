-- The score of what people expect, and of how much it matters to them, for every component of every
-- domain: weighted and rolled up as scores_of_components does with performance.
{{ by_cycle() }}
with
item_sums as (
    select
        *,
        step_sum / cast(steps_per_point as double) as score_sum,
    from {{ ref('sums_expectations') }}
    where cycle_id = '{{ cycle_id() }}'
),

cell_weights as (
    select * from {{ ref('weights_by_cell') }}
    where cycle_id = '{{ cycle_id() }}'
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

items as (
    select
        item_sums.cycle_id,
        cell_weights.weighting_mode,
        item_sums.asks,
        item_sums.domain_number,
        item_sums.component_number,
        {{ stable_sum('cell_weights.weight * item_sums.score_sum', 15) }}
            / nullif({{ stable_sum('cell_weights.weight * item_sums.rating_count', 15) }}, 0) as score,
    from item_sums
    inner join cell_weights using (weight_cell_number)
    group by all
),
{%- for asks in ['expectation', 'importance'] %}

{{ asks }}_items as (
    select * from items where asks = '{{ asks }}'
),
{%- for storey in [1, 2, 3] %}

{{ asks }}_storey_{{ storey }} as (
    {{ roll_up(asks ~ ('_items' if storey == 1 else '_storey_' ~ (storey - 1)), storey) }}
),
{%- endfor %}
{%- endfor %}

scores as (
    {%- for asks in ['expectation', 'importance'] %}
    {%- for part in ['items', 'storey_1', 'storey_2', 'storey_3'] %}
    select weighting_mode, '{{ asks }}' as asks, domain_number, component_number, score
    from {{ asks }}_{{ part }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        weighting_mode,
        domain_number,
        component_number,
        max(score) filter (where asks = 'expectation') as expectation,
        max(score) filter (where asks = 'importance') as importance,
    from scores
    where score is not null
    group by all
)

select * from final
