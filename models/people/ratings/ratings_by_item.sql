{{ config(materialized='table') }}
-- What each accepted respondent of the headline role thinks of each item: the mean of his ratings of
-- it, unweighted (method.md 9), one column an item, and one an item and audience, named by the first
-- question of both: who hears two audiences may think otherwise in each. In parts of a point small
-- enough that every mean is a whole number: sums and products of them are exact. Of this cycle alone:
-- nobody needs to keep it.
-- depends_on: {{ ref('stg_seeds__questions') }} {{ ref('survey_cycles') }}
{%- set instrument = instrument_questions() %}
{%- set questions = instrument | selectattr('asks', 'equalto', 'performance') | list %}
{%- set items = instrument_components() | selectattr('component_type', 'equalto', 'item') | list %}
{%- set parts = parts_per_point(instrument) %}
with
responses as (
    select
        response_key,
        is_straight_lining,
    from {{ ref('weights_by_response') }}
    where cycle_id = '{{ cycle_id() }}' and is_accepted and role_id = {{ headline_role() }}
),

ratings as (
    select * from {{ ref('ratings_of_cycle') }}
),

final as (
    select
        responses.response_key,
        responses.is_straight_lining,
        {{ parts }} as parts_per_point,
        {%- for item in items %}
        {%- set asked = questions | selectattr('item_id', 'equalto', item.item_id) | list %}
        {{ mean_in_parts(asked, parts // steps_per_point(instrument)) }} as item_{{ item.component_number }},
        {%- for _, of_audience in asked | groupby('audience_id') %}
        {{ mean_in_parts(of_audience, parts // steps_per_point(instrument)) }}
            as item_{{ item.component_number }}_{{ of_audience | map(attribute='question_number') | min }},
        {%- endfor %}
        {%- endfor %}
    from responses
    inner join ratings
        on ratings.response_key = responses.response_key
)

select * from final
