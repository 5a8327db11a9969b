-- Each person's mean in each perspective of each service, and over everything he rated, added up with
-- their squares and product: over accepted respondents of the headline role.
-- depends_on: {{ ref('design_components') }}
{%- set components = instrument_components() %}
{%- set cells = components | selectattr('component_type', 'equalto', 'service_perspective') | list %}
{%- set items = components | selectattr('component_type', 'equalto', 'item') | list %}
{{ by_cycle() }}
with
person_items as (
    select * from {{ ref('ratings_by_item') }}
),

means as (
    select
        {%- for cell in cells %}
        {{ mean_of_items(items | selectattr('service_id', 'equalto', cell.service_id)
            | selectattr('perspective_id', 'equalto', cell.perspective_id) | list) }}
            as mean_{{ cell.component_number }},
        {%- endfor %}
        {{ mean_of_items(items) }} as overall_mean,
    from person_items
),

-- In one row: a pass for each perspective would take twenty times as long.
sums as (
    select
        {%- for cell in cells %}
        {%- set number = cell.component_number %}
        {%- set mean = 'mean_' ~ number %}
        {%- set overall = 'case when ' ~ mean ~ ' is not null then overall_mean end' %}
        count({{ mean }}) as respondent_count_{{ number }},
        {{ exact_sum(mean, 15, digits=18) }} as cell_sum_{{ number }},
        {{ exact_sum(overall, 15, digits=18) }} as overall_sum_{{ number }},
        {{ exact_sum(mean ~ ' * ' ~ mean, 15, digits=18) }} as cell_square_sum_{{ number }},
        {{ exact_sum(overall ~ ' * overall_mean', 15, digits=18) }} as overall_square_sum_{{ number }},
        {{ exact_sum(mean ~ ' * overall_mean', 15, digits=18) }} as product_sum_{{ number }},
        {%- else %}
        count(*) as row_count,
        {%- endfor %}
    from means
),

final as (
    {%- for cell in cells %}
    {%- set number = cell.component_number %}
    select
        '{{ cycle_id() }}' as cycle_id,
        '{{ cell.service_id }}' as service_id,
        '{{ cell.perspective_id }}' as perspective_id,
        {%- for measure in ['respondent_count', 'cell_sum', 'overall_sum', 'cell_square_sum', 'overall_square_sum', 'product_sum'] %}
        {{ measure }}_{{ number }} as {{ measure }},
        {%- endfor %}
    from sums
    {{ 'union all' if not loop.last }}
    {%- else %}
    select null::varchar as cycle_id, null::varchar as service_id, null::varchar as perspective_id,
        null::bigint as respondent_count, null::decimal(38, 15) as cell_sum, null::decimal(38, 15) as overall_sum,
        null::decimal(38, 15) as cell_square_sum, null::decimal(38, 15) as overall_square_sum,
        null::decimal(38, 15) as product_sum
    where false
    {%- endfor %}
)

select * from final
