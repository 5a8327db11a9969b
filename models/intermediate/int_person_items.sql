{{ config(materialized='table') }}
-- What each accepted respondent of the headline role thinks of each item: the mean of his ratings of
-- it on 1-4, unweighted (method.md 11, Alpha). Of this cycle alone: nobody needs to keep it.
{%- set questions = instrument_questions() | selectattr('asks', 'equalto', 'performance') | list %}
{%- set items = instrument_components() | selectattr('component_type', 'equalto', 'item') | list %}
with
responses as (
    select response_key from {{ ref('fct_responses') }}
    where cycle_id = '{{ cycle_id() }}' and is_accepted and role_id = {{ headline_role() }}
),

answers as (
    select
        response_key,
        {%- for question in questions %}
        case when {{ is_rating('answer_' ~ question.question_number) }} then {{ score_from_code(
            'answer_' ~ question.question_number, 1, question
        ) }} end as score_{{ question.question_number }},
        {%- endfor %}
    from {{ ref('int_answers') }}
    where cycle_id = '{{ cycle_id() }}' and response_key in (select response_key from responses)
),

item_sums as (
    {%- for item in items %}
    {%- set of_item = questions | selectattr('item_id', 'equalto', item.item_id) | list %}
    select
        response_key,
        {{ item.component_number }} as component_number,
        cast(
            {%- for question in of_item %}
            {{ '' if loop.first else '+ ' }}coalesce(score_{{ question.question_number }}, 0)
            {%- endfor %} as double
        ) as score_sum,
        {% for question in of_item -%}
        {{ '' if loop.first else '+ ' }}cast(score_{{ question.question_number }} is not null as integer)
        {%- endfor %} as rating_count,
    from answers
    {{ 'union all' if not loop.last }}
    {%- else %}
    select null::bigint as response_key, null::integer as component_number, null::double as score_sum,
        null::integer as rating_count
    where false
    {%- endfor %}
),

final as (
    select
        response_key,
        component_number,
        score_sum / rating_count as rating,
    from item_sums
    where rating_count > 0
)

select * from final
