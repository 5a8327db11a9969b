-- This cycle's accepted responses once for each domain they speak for: the ratings given in it, as
-- codes in one column a question (NULL: no rating, or about a provider outside the domain). A view:
-- at a million respondents it has some twenty million rows that nobody needs to keep.
{%- set questions = instrument_questions() | selectattr('asks', 'equalto', 'performance') | list %}
{%- set attributes = ['unit_id', 'role_id', 'recipient_category_id'] + demographic_names() %}
{{ config(materialized='view') }}
with
responses as (
    select
        response_key,
        role_id,
        stratum_number,
        {%- for attribute in attributes if attribute != 'role_id' %}
        {{ attribute }},
        {%- endfor %}
    from {{ ref('fct_responses') }}
    where cycle_id = '{{ cycle_id() }}' and is_accepted
),

answers as (
    select
        response_key,
        {%- for question in questions %}
        answer_{{ question.question_number }},
        {%- endfor %}
    from {{ ref('int_answers') }}
    where cycle_id = '{{ cycle_id() }}'
),

routes as (
    select * from {{ ref('int_domain_routes') }}
    where cycle_id = '{{ cycle_id() }}'
),

final as (
    {%- for attribute in attributes %}
    select
        routes.domain_number,
        responses.stratum_number,
        {%- for question in questions %}
        case
            when routes.is_level_{{ question.provider_level_rank }}
                and {{ is_rating('answers.answer_' ~ question.question_number) }}
                then answers.answer_{{ question.question_number }}
        end as rating_{{ question.question_number }},
        {%- endfor %}
    from answers
    inner join responses
        on responses.response_key = answers.response_key
    inner join routes
        on routes.attribute_name = '{{ attribute }}'
        and routes.attribute_value = responses.{{ attribute }}
        and routes.role_id = responses.role_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from final
