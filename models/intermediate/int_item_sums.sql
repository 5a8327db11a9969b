-- Per domain, weight cell and item: the sum of the scores on 1-4 and the number of ratings (y and v of
-- method.md 3, unweighted: within a cell everybody weighs the same).
{%- set questions = instrument_questions() | selectattr('asks', 'equalto', 'performance') | list %}
{%- set items = instrument_components() | selectattr('component_type', 'equalto', 'item') | list %}
{{ by_cycle() }}
with
domain_sums as (
    select * from {{ ref('int_domain_sums') }}
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
        cast(
            {%- for question in questions if question.item_id == item.item_id %}
            {{ '' if loop.first else '+ ' }}coalesce({{ score_from_code(
                'code_sum_' ~ question.question_number, 'rating_count_' ~ question.question_number, question
            ) }}, 0)
            {%- endfor %} as double
        ) as score_sum,
        {%- for question in questions if question.item_id == item.item_id %}
        {{ '' if loop.first else '+ ' }}rating_count_{{ question.question_number }}
        {%- endfor %} as rating_count,
    from domain_sums
    where respondent_count_{{ item.component_number }} > 0
    {{ 'union all' if not loop.last }}
    {%- else %}
    select null::varchar as cycle_id, null::integer as domain_number, null::integer as stratum_number,
        null::integer as weight_cell_number, null::integer as component_number,
        null::double as score_sum, null::bigint as rating_count
    where false
    {%- endfor %}
)

select * from final
