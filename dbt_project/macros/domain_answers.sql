{#
    A cycle's accepted responses once for each domain they speak for, as a query: domain_number,
    stratum_number, weight_cell_number and the ratings as codes, rating_<question_number>, NULL where
    there is none or it is about a provider outside the domain. With `covered`, components of the types index and service,
    also how many questions under each got which answer: rated_count_<component_number>,
    not_used_count_, not_available_count_.
#}
{% macro domain_answers(cycle, questions, covered=[]) -%}
{%- set attributes = ['unit_id', 'role_id', 'recipient_category_id'] + demographic_names() %}
{%- set statuses = ['rated', 'not_used', 'not_available'] %}
{%- set ranks = questions | map(attribute='provider_level_rank') | unique | sort | list %}
with
responses as (
    select
        response_key,
        role_id,
        stratum_number,
        weight_cell_number,
        {%- for attribute in attributes if attribute != 'role_id' %}
        {{ attribute }},
        {%- endfor %}
    from {{ ref('fct_responses') }}
    where cycle_id = '{{ cycle }}' and is_accepted
),

answers as (
    select
        response_key,
        {%- for question in questions %}
        answer_{{ question.question_number }},
        {%- endfor %}
        -- Counted level by level before the answers are repeated for each domain.
        {%- for component in covered %}
        {%- for status in statuses %}
        {%- for rank in ranks %}
        cast(0
            {%- for question in questions
                if question.provider_level_rank == rank and component.service_id in (none, question.service_id) %}
            + case when {{ is_answer(status, 'answer_' ~ question.question_number) }} then 1 else 0 end
            {%- endfor %} as smallint) as {{ status }}_count_{{ component.component_number }}_{{ rank }},
        {%- endfor %}
        {%- endfor %}
        {%- endfor %}
    from {{ ref('int_answers') }}
    where cycle_id = '{{ cycle }}'
),

routes as (
    select * from {{ ref('int_domain_routes') }}
    where cycle_id = '{{ cycle }}'
),

final as (
    {%- for attribute in attributes %}
    select
        routes.domain_number,
        responses.stratum_number,
        responses.weight_cell_number,
        {%- for question in questions %}
        case
            when routes.is_level_{{ question.provider_level_rank }}
                and {{ is_rating('answers.answer_' ~ question.question_number) }}
                then answers.answer_{{ question.question_number }}
        end as rating_{{ question.question_number }},
        {%- endfor %}
        {%- for component in covered %}
        {%- for status in statuses %}
        {%- for rank in ranks %}
        {{ '' if loop.first else '+ ' }}case when routes.is_level_{{ rank }} then
            answers.{{ status }}_count_{{ component.component_number }}_{{ rank }} else 0 end
        {%- endfor %} as {{ status }}_count_{{ component.component_number }},
        {%- endfor %}
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
{%- endmacro %}
