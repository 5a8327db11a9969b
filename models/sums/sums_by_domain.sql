-- What each domain's respondents rated and answered, per weight cell: everybody in it weighs the same.
{%- set questions = instrument_questions() | selectattr('asks', 'equalto', 'performance') | list %}
{%- set sums, counts = [], [] %}
{%- for component in instrument_components() %}
{%- set number = component.component_number %}
{%- set under = questions_under(component, questions) %}
{%- set rated = rating_terms(under, 'number') %}
{%- if component.component_type == 'item' %}
{%- do sums.append({'name': 'step_sum_' ~ number, 'terms': rating_terms(under, 'steps')}) %}
{%- do sums.append({'name': 'rating_count_' ~ number, 'terms': rated}) %}
{%- endif %}
{%- do counts.append({'name': 'respondent_count_' ~ number, 'terms': rated}) %}
{%- if component.component_type in ('index', 'service') %}
{%- set not_used = status_terms(component, questions, 'not_used') %}
{%- set not_available = status_terms(component, questions, 'not_available') %}
{%- do sums.append({'name': 'not_used_count_' ~ number, 'terms': not_used}) %}
{%- do sums.append({'name': 'not_available_count_' ~ number, 'terms': not_available}) %}
{%- do counts.append({'name': 'accessing_count_' ~ number, 'terms': rated + not_used}) %}
{%- do counts.append({'name': 'answering_count_' ~ number, 'terms': rated + not_used + not_available}) %}
{%- endif %}
{%- endfor %}
{{ by_cycle() }}
with
sums as (
    {{ domain_sums(ref('ratings_of_cycle'), cycle_id(), sums, counts) }}
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        *,
    from sums
)

select * from final
