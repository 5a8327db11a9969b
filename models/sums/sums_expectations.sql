-- Where an instrument also asks what people expect, or how much something matters to them (questions.asks):
-- per domain, weight cell, what is asked and item, the sum of these ratings on 1-4 and their number.
-- depends_on: {{ ref('ratings_of_cycle') }} {{ ref('sums_domain_routes') }}
{%- set asked = instrument_questions() | rejectattr('asks', 'equalto', 'performance') | list %}
{%- set steps = steps_per_point(instrument_questions()) %}
{%- set sums, measured = [], [] %}
{%- for item in instrument_components() if item.component_type == 'item' %}
{%- for asks, questions in asked | selectattr('item_id', 'equalto', item.item_id) | groupby('asks') %}
{%- set name = asks ~ '_' ~ item.component_number %}
{%- do sums.append({'name': 'step_sum_' ~ name, 'terms': rating_terms(questions, 'steps')}) %}
{%- do sums.append({'name': 'rating_count_' ~ name, 'terms': rating_terms(questions, 'number')}) %}
{%- do measured.append({'name': name, 'asks': asks, 'component_number': item.component_number}) %}
{%- endfor %}
{%- endfor %}
{{ by_cycle() }}
with
{%- if asked %}
domain_sums as (
    {{ domain_sums(ref('ratings_of_cycle'), cycle_id(), sums, []) }}
),
{% endif %}
final as (
    {%- for measure in measured %}
    select
        '{{ cycle_id() }}' as cycle_id,
        domain_number,
        weight_cell_number,
        '{{ measure.asks }}' as asks,
        {{ measure.component_number }} as component_number,
        step_sum_{{ measure.name }} / {{ steps }}e0 as score_sum,
        rating_count_{{ measure.name }} as rating_count,
    from domain_sums
    where rating_count_{{ measure.name }} > 0
    {{ 'union all' if not loop.last }}
    {%- else %}
    select null::varchar as cycle_id, null::integer as domain_number, null::integer as weight_cell_number,
        null::varchar as asks, null::integer as component_number, null::double as score_sum,
        null::bigint as rating_count
    where false
    {%- endfor %}
)

select * from final
