-- Per domain, weight cell and item: the sum of the scores on 1-4 and the number of ratings (y and v of
-- method.md 3, unweighted: within a cell everybody weighs the same).
{%- set items = instrument_components() | selectattr('component_type', 'equalto', 'item') | list %}
{%- set steps = steps_per_point(instrument_questions()) %}
{{ by_cycle() }}
with
domain_sums as (
    select * from {{ ref('sums_by_domain') }}
    where cycle_id = '{{ cycle_id() }}'
),

final as (
    {%- for item in items %}
    select
        cycle_id,
        domain_number,
        stratum_number,
        weight_cell_number,
        {{ item.component_number }} as component_number,
        step_sum_{{ item.component_number }} / {{ steps }}e0 as score_sum,
        rating_count_{{ item.component_number }} as rating_count,
    from domain_sums
    where rating_count_{{ item.component_number }} > 0
    {{ 'union all' if not loop.last }}
    {%- else %}
    select null::varchar as cycle_id, null::integer as domain_number, null::integer as stratum_number,
        null::integer as weight_cell_number, null::integer as component_number,
        null::double as score_sum, null::bigint as rating_count
    where false
    {%- endfor %}
)

select * from final
