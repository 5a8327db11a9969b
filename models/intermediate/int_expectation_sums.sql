-- Where an instrument also asks what people expect, or how much something matters to them (questions.asks):
-- per domain, weight cell, what is asked and item, the sum of these ratings on 1-4 and their number.
{%- set asked = instrument_questions() | rejectattr('asks', 'equalto', 'performance') | list %}
{%- set items = instrument_components() | selectattr('component_type', 'equalto', 'item') | list %}
{{ by_cycle() }}
with
answers as (
    {{ domain_answers(cycle_id(), asked) }}
),

sums as (
    select
        domain_number,
        weight_cell_number,
        {%- for question in asked %}
        cast(sum(rating_{{ question.question_number }}) as bigint) as code_sum_{{ question.question_number }},
        count(rating_{{ question.question_number }}) as rating_count_{{ question.question_number }},
        {%- endfor %}
    from answers
    group by domain_number, weight_cell_number
),

ratings as (
    {%- for question in asked %}
    {%- for item in items if item.item_id == question.item_id %}
    select
        domain_number,
        weight_cell_number,
        '{{ question.asks }}' as asks,
        {{ item.component_number }} as component_number,
        cast({{ score_from_code(
            'code_sum_' ~ question.question_number, 'rating_count_' ~ question.question_number, question
        ) }} as double) as score_sum,
        rating_count_{{ question.question_number }} as rating_count,
    from sums
    where rating_count_{{ question.question_number }} > 0
    union all
    {%- endfor %}
    {%- endfor %}
    select null::integer as domain_number, null::integer as weight_cell_number, null::varchar as asks,
        null::integer as component_number, null::double as score_sum, null::bigint as rating_count
    where false
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        domain_number,
        weight_cell_number,
        asks,
        component_number,
        {{ stable_sum('score_sum', 15) }} as score_sum,
        cast(sum(rating_count) as bigint) as rating_count,
    from ratings
    group by all
)

select * from final
