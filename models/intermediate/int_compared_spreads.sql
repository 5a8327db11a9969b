-- The spreads of influence on the shared tree, for a side of the comparison whose own tree is another
-- one (an item came or went, a weight changed). No such side, no row, and nothing to compute.
-- depends_on: {{ ref('int_domain_routes') }} {{ ref('int_answers') }} {{ ref('fct_responses') }}
-- depends_on: {{ ref('stg_seeds__questions') }} {{ ref('survey_cycles') }} {{ ref('int_components') }}
-- depends_on: {{ ref('int_compared_cycles') }} {{ ref('int_shared_components') }}
-- depends_on: {{ ref('int_domain_sums') }} {{ ref('int_stratum_weights') }}
{%- set edges = shared_edges() %}
{{ by_cycle() }}
with
compared_scores as (
    select * from {{ ref('int_compared_scores') }}
    where cycle_id = '{{ cycle_id() }}'
),

edges as (
    select * from {{ ref('int_shared_edges') }}
    where cycle_id = '{{ cycle_id() }}'
),

{% for side in recomputed_sides() %}
{%- set questions = instrument_questions(side) | selectattr('asks', 'equalto', 'performance') | list %}
{%- set components = shared_components(side) %}
scores_{{ loop.index }} as (
    select * from compared_scores where compared_cycle_id = '{{ side }}'
),

coefficients_{{ loop.index }} as (
    {{ influence_coefficients('scores_' ~ loop.index, 'edges', components, edges) }}
),

domain_answers_{{ loop.index }} as (
    {{ domain_answers(side, questions) }}
),

domain_sums_{{ loop.index }} as (
    select * from {{ ref('int_domain_sums') }} where cycle_id = '{{ side }}'
),

stratum_weights_{{ loop.index }} as (
    select * from {{ ref('int_stratum_weights') }} where cycle_id = '{{ side }}'
),

spreads_{{ loop.index }} as (
    {{ influence_spreads(
        'coefficients_' ~ loop.index,
        'domain_answers_' ~ loop.index,
        'domain_sums_' ~ loop.index,
        'stratum_weights_' ~ loop.index,
        questions,
        components,
        edges,
    ) }}
),
{% endfor %}
final as (
    {%- for side in recomputed_sides() %}
    select
        '{{ cycle_id() }}' as cycle_id,
        '{{ side }}' as compared_cycle_id,
        weighting_mode,
        domain_number,
        stratum_number,
        component_number,
        spread,
    from spreads_{{ loop.index }}
    union all
    {%- endfor %}
    select null::varchar as cycle_id, null::varchar as compared_cycle_id,
        null::varchar as weighting_mode, null::integer as domain_number,
        null::integer as stratum_number, null::integer as component_number, null::double as spread
    where false
)

select * from final
