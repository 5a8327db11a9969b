-- This cycle's accepted respondents with their attributes, and per item and level of the provider the
-- sum of their scores and the number of their ratings: what a bootstrap replicate adds up. A view,
-- read by methods that rake.
{%- set questions = instrument_questions() | selectattr('asks', 'equalto', 'performance') | list %}
{%- set items = instrument_components() | selectattr('component_type', 'equalto', 'item') | list %}
{%- set ranks = questions | map(attribute='provider_level_rank') | unique | sort | list %}
{{ config(materialized='view') }}
with
responses as (
    select * from {{ ref('fct_responses') }}
    where cycle_id = '{{ cycle_id() }}' and is_accepted
),

answers as (
    select * from {{ ref('int_answers') }}
    where cycle_id = '{{ cycle_id() }}'
),

final as (
    select
        responses.cycle_id,
        responses.response_key,
        responses.stratum_number,
        responses.weight_cell_number,
        responses.role_id,
        responses.unit_id,
        responses.recipient_category_id,
        {%- for attribute in demographic_names() %}
        responses.{{ attribute }},
        {%- endfor %}
        {%- for item in items %}
        {%- for rank in ranks %}
        {%- set asked = questions | selectattr('item_id', 'equalto', item.item_id)
            | selectattr('provider_level_rank', 'equalto', rank) | list %}
        cast(
            {%- for question in asked %}
            {%- set answer = 'answers.answer_' ~ question.question_number %}
            case when {{ is_rating(answer) }} then {{ score_from_code(answer, 1, question) }} else 0 end +
            {%- endfor %} 0 as float
        ) as score_sum_{{ item.component_number }}_{{ rank }},
        cast(
            {%- for question in asked %}
            case when {{ is_rating('answers.answer_' ~ question.question_number) }} then 1 else 0 end +
            {%- endfor %} 0 as float
        ) as rating_count_{{ item.component_number }}_{{ rank }},
        {%- endfor %}
        {%- endfor %}
    from responses
    inner join answers
        on answers.response_key = responses.response_key
)

select * from final
