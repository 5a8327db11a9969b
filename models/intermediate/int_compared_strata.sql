-- How many respondents rated something shared, for a side of the comparison whose own tree is another
-- one (int_compared_spreads).
-- depends_on: {{ ref('int_domain_routes') }} {{ ref('int_answers') }} {{ ref('fct_responses') }}
-- depends_on: {{ ref('stg_seeds__questions') }} {{ ref('survey_cycles') }} {{ ref('int_components') }}
-- depends_on: {{ ref('int_compared_cycles') }} {{ ref('int_shared_components') }}
{{ by_cycle() }}
with
{%- for side in recomputed_sides() %}
{%- set questions = instrument_questions(side) | selectattr('asks', 'equalto', 'performance') | list %}
{%- set components = shared_components(side) %}
{%- set items = components | selectattr('component_type', 'equalto', 'item') | list %}
domain_answers_{{ loop.index }} as (
    {{ domain_answers(side, questions) }}
),

counts_{{ loop.index }} as (
    select
        domain_number,
        stratum_number,
        {%- for component in components %}
        count(coalesce(
            {%- for item in items if component.service_id in (none, item.service_id)
                and component.perspective_id in (none, item.perspective_id)
                and component.item_id in (none, item.item_id) %}
            {%- for question in questions if question.item_id == item.item_id %}
            rating_{{ question.question_number }},
            {%- endfor %}
            {%- endfor %}
            null
        )) as respondent_count_{{ component.component_number }},
        {%- endfor %}
    from domain_answers_{{ loop.index }}
    group by domain_number, stratum_number
),
{% endfor %}
final as (
    {%- for side in recomputed_sides() %}
    {%- set side_number = loop.index %}
    {%- for component in shared_components(side) %}
    select
        '{{ cycle_id() }}' as cycle_id,
        '{{ side }}' as compared_cycle_id,
        domain_number,
        stratum_number,
        {{ component.component_number }} as component_number,
        respondent_count_{{ component.component_number }} as respondent_count,
    from counts_{{ side_number }}
    where respondent_count_{{ component.component_number }} > 0
    union all
    {%- endfor %}
    {%- endfor %}
    select null::varchar as cycle_id, null::varchar as compared_cycle_id,
        null::integer as domain_number, null::integer as stratum_number,
        null::integer as component_number, null::bigint as respondent_count
    where false
)

select * from final
