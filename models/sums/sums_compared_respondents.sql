-- How many respondents rated something shared, for a side of the comparison whose own tree is another
-- one (design_compared_cycles). No such side, no row, and nothing to compute.
-- depends_on: {{ ref('ratings_of_cycle') }} {{ ref('ratings_of_previous_cycle') }}
-- depends_on: {{ ref('sums_domain_routes') }} {{ ref('design_compared_cycles') }}
-- depends_on: {{ ref('stg_seeds__questions') }} {{ ref('survey_cycles') }}
-- depends_on: {{ ref('design_settings') }} {{ ref('design_shared_components') }}
{%- set components = shared_components() %}
{%- set shared_items = components | selectattr('item_id') | map(attribute='item_id') | list %}
{{ by_cycle() }}
with
{%- for side in recomputed_sides() %}
{%- set questions = instrument_questions(side) | selectattr('asks', 'equalto', 'performance')
    | selectattr('item_id', 'in', shared_items) | list %}
{%- set counts = [] %}
{%- for component in components %}
{%- do counts.append({
    'name': 'respondent_count_' ~ component.component_number,
    'terms': rating_terms(questions_under(component, questions), 'number'),
}) %}
{%- endfor %}
counts_{{ loop.index }} as (
    {{ domain_sums(
        ref('ratings_of_cycle' if side == cycle_id() else 'ratings_of_previous_cycle'), side, [], counts
    ) }}
),
{% endfor %}
final as (
    {%- for side in recomputed_sides() %}
    {%- set side_number = loop.index %}
    {%- for component in components %}
    select
        '{{ cycle_id() }}' as cycle_id,
        '{{ side }}' as compared_cycle_id,
        domain_number,
        stratum_number,
        {{ component.component_number }} as component_number,
        cast(sum(respondent_count_{{ component.component_number }}) as bigint) as respondent_count,
    from counts_{{ side_number }}
    where respondent_count_{{ component.component_number }} > 0
    group by domain_number, stratum_number
    union all
    {%- endfor %}
    {%- endfor %}
    select null::varchar as cycle_id, null::varchar as compared_cycle_id,
        null::integer as domain_number, null::integer as stratum_number,
        null::integer as component_number, null::bigint as respondent_count
    where false
)

select * from final
