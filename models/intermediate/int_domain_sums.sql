-- Per domain and weight cell: the sum of the codes and the number of ratings of every question, and how
-- many respondents rated something under every component. Whole numbers, hence the same on each run.
{%- set questions = instrument_questions() | selectattr('asks', 'equalto', 'performance') | list %}
{%- set components = instrument_components() %}
{%- set edges = instrument_edges() %}
{{ by_cycle() }}
with
domain_answers as (
    select * from {{ ref('int_domain_answers') }}
),

-- Has the respondent rated the component at all? Items from their questions, the rest from below.
items_rated as (
    select
        *,
        {%- for component in components if component.component_type == 'item' %}
        {%- for question in questions if question.item_id == component.item_id %}
        {{ '' if loop.first else 'or ' }}rating_{{ question.question_number }} is not null
        {%- endfor %} as is_rated_{{ component.component_number }},
        {%- endfor %}
    from domain_answers
),

{%- for storey in [1, 2, 3] %}
storey_{{ storey }}_rated as (
    select
        *,
        {%- for parent, children in edges | selectattr('storey', 'equalto', storey) | groupby('parent_number') %}
        {%- for edge in children %}
        {{ '' if loop.first else 'or ' }}is_rated_{{ edge.child_number }}
        {%- endfor %} as is_rated_{{ parent }},
        {%- endfor %}
    from {{ 'items_rated' if storey == 1 else 'storey_' ~ (storey - 1) ~ '_rated' }}
),
{% endfor %}
final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        domain_number,
        stratum_number,
        weight_cell_number,
        {%- for question in questions %}
        cast(sum(rating_{{ question.question_number }}) as bigint) as code_sum_{{ question.question_number }},
        count(rating_{{ question.question_number }}) as rating_count_{{ question.question_number }},
        {%- endfor %}
        {%- for component in components %}
        count(*) filter (where is_rated_{{ component.component_number }})
            as respondent_count_{{ component.component_number }},
        {%- endfor %}
    from storey_3_rated
    group by domain_number, stratum_number, weight_cell_number
)

select * from final
