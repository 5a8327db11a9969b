{#
    From answers to sums over domains. Ratings are counted in steps: the largest part of a point that
    every scale of the instrument falls on. Whole numbers, so that sums and products of them are
    exact, and the same in any order.
#}

{#
    How many steps a point on 1-4 has. A code is worth 3 / (scale_max - scale_min) points (method.md
    1.1): the least common multiple of these fractions' denominators.
#}
{% macro steps_per_point(questions) -%}
    {%- set denominators = [] -%}
    {%- for question in questions -%}
        {%- set width = question.scale_max - question.scale_min -%}
        {%- do denominators.append(width // 3 if width % 3 == 0 else width) -%}
    {%- endfor -%}
    {{ return(common_multiple(denominators)) }}
{%- endmacro %}

{#
    How many parts a point has, so that the mean of a person's ratings of an item, in steps each, is a
    whole number of them, however many of the item's questions he rated.
#}
{% macro parts_per_point(questions) -%}
    {%- set most = namespace(questions=1) -%}
    {%- for _, asked in questions | selectattr('asks', 'equalto', 'performance') | groupby('item_id') -%}
        {%- set most.questions = [most.questions, asked | length] | max -%}
    {%- endfor -%}
    {{ return(steps_per_point(questions) * common_multiple(range(1, most.questions + 1) | list)) }}
{%- endmacro %}

{# The least common multiple of whole numbers. #}
{% macro common_multiple(numbers) -%}
    {%- set found = namespace(multiple=1) -%}
    {%- for number in numbers -%}
        {%- set smallest = namespace(factor=1) -%}
        {%- for factor in range(number, 0, -1) if found.multiple * factor % number == 0 -%}
            {%- set smallest.factor = factor -%}
        {%- endfor -%}
        {%- set found.multiple = found.multiple * smallest.factor -%}
    {%- endfor -%}
    {{ return(found.multiple) }}
{%- endmacro %}

{# A rating's code in steps, of the type it has. Steps stand for a score, so they are never 0: that is left for no rating. #}
{% macro rating_in_steps(code, question, steps) -%}
    {%- set steps_per_code = 3 * steps // (question.scale_max - question.scale_min) -%}
    {%- if question.is_reverse_scored -%}
    {{ 4 * steps }} - {{ steps_per_code }} * ({{ code }} - {{ question.scale_min }})
    {%- else -%}
    {{ steps }} + {{ steps_per_code }} * ({{ code }} - {{ question.scale_min }})
    {%- endif -%}
{%- endmacro %}

{#
    A cycle's accepted responses, as a query: attributes, stratum, weight cell, per question
    rating_<question_number> in steps (0: not rated), and for the `services` (components) how many
    questions under each, by rank of the provider's level, were answered so that they are no rating:
    not_used_count_<component_number>_<rank>, not_available_count_<component_number>_<rank>.
#}
{% macro ratings(cycle, services=[]) -%}
{%- set questions = instrument_questions(cycle) %}
{%- set steps = steps_per_point(questions) %}
{#- A respondent's ratings, and so their sum, fit a SMALLINT. #}
{%- set is_narrow = 4 * steps * questions | length <= 32767 %}
with
responses as (
    select
        response_key,
        stratum_number,
        weight_cell_number,
        {{ speaking_attributes() | join(',\n        ') }},
    from {{ ref('weights_by_response') }}
    where cycle_id = '{{ cycle }}' and is_accepted
),

answers as (
    select
        response_key,
        {%- for question in questions %}
        {%- set answer = 'answer_' ~ question.question_number %}
        {{ answer if is_narrow else 'cast(' ~ answer ~ ' as integer) as ' ~ answer }},
        {%- endfor %}
    from {{ ref('responses_answered') }}
    where cycle_id = '{{ cycle }}'
),

final as (
    select
        '{{ cycle }}' as cycle_id,
        responses.*,
        {{ steps }} as steps_per_point,
        {%- for question in questions %}
        {%- set answer = 'answers.answer_' ~ question.question_number %}
        cast(
            case when {{ is_rating(answer) }} then {{ rating_in_steps(answer, question, steps) }} else 0 end
            as {{ 'smallint' if is_narrow else 'integer' }}
        ) as rating_{{ question.question_number }},
        {%- endfor %}
        {%- for service in services %}
        {%- for rank, asked in questions | selectattr('asks', 'equalto', 'performance')
            | selectattr('service_id', 'equalto', service.service_id) | groupby('provider_level_rank') %}
        {%- for status in ['not_used', 'not_available'] %}
        cast(
            {%- for question in asked %}
            cast({{ is_answer(status, 'answers.answer_' ~ question.question_number) }} as smallint)
            {{- ' +' if not loop.last }}
            {%- endfor %}
            as smallint
        ) as {{ status }}_count_{{ service.component_number }}_{{ rank }},
        {%- endfor %}
        {%- endfor %}
        {%- endfor %}
    from responses
    inner join answers
        on answers.response_key = responses.response_key
)

-- Neighbours add to the same sums: a third less time than in any order.
select * from final
order by stratum_number
{%- endmacro %}

{# The attributes by whose values respondents speak for domains (sums_domain_routes). #}
{% macro speaking_attributes() -%}
    {{ return(['unit_id', 'role_id', 'recipient_category_id'] + demographic_names()) }}
{%- endmacro %}
