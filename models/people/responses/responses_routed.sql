-- What each response may be asked: is its unit known to the cycle, which audiences does its category
-- make it hear, and at which levels does its unit have a provider (method.md 1.3 and 1.4).
{%- set questions = instrument_questions() %}
{%- set audiences = questions | map(attribute='audience_id') | unique | list %}
{%- set ranks = questions | map(attribute='provider_level_rank') | unique | list %}
{{ config(materialized='view') }}
with
responses as (
    select * from {{ ref('responses_read') }}
),

cycle_units as (
    select * from {{ ref('design_units') }}
    where cycle_id = '{{ cycle_id() }}'
),

unit_providers as (
    select
        unit_id,
        {%- for rank in ranks %}
        bool_or(ancestor_level_rank = {{ rank }}) as has_provider_{{ rank }},
        {%- endfor %}
    from {{ ref('design_unit_ancestors') }}
    where as_of_on = (
        select opens_on from {{ ref('survey_cycles') }} where cycle_id = '{{ cycle_id() }}'
    )
    group by unit_id
),

categories as (
    select
        recipient_categories.recipient_category_id,
        {%- for audience in audiences %}
        coalesce(bool_or(category_audiences.audience_id = '{{ audience }}'), false) as hears_{{ loop.index }},
        {%- endfor %}
    from {{ ref('recipient_categories') }} as recipient_categories
    left join {{ ref('category_audiences') }} as category_audiences
        on category_audiences.recipient_category_id = recipient_categories.recipient_category_id
    group by recipient_categories.recipient_category_id
),

roles as (
    select role_id from {{ ref('roles') }}
),

flagged as (
    select
        responses.*,
        cycle_units.unit_id is not null as is_unit_known,
        categories.recipient_category_id is not null as is_category_known,
        roles.role_id is not null as is_role_known,
        cycle_units.unit_level_id,
        cycle_units.region_id,
        {%- for audience in audiences %}
        coalesce(categories.hears_{{ loop.index }}, false) as hears_{{ loop.index }},
        {%- endfor %}
        {%- for rank in ranks %}
        coalesce(unit_providers.has_provider_{{ rank }}, false) as has_provider_{{ rank }},
        {%- endfor %}
    from responses
    left join cycle_units
        on cycle_units.unit_id = responses.unit_id
    left join unit_providers
        on unit_providers.unit_id = responses.unit_id
    left join categories
        on categories.recipient_category_id = responses.recipient_category_id
    left join roles
        on roles.role_id = responses.role_id
),

final as (
    select
        *,
        {%- for audience in audiences %}
        {%- set audience_number = loop.index %}
        {%- for rank in ranks %}
        {{ questions | selectattr('audience_id', 'equalto', audience)
            | selectattr('provider_level_rank', 'equalto', rank) | list | length }}
            * cast(hears_{{ audience_number }} and has_provider_{{ rank }} as integer) +
        {%- endfor %}
        {%- endfor %}
        0 as routed_question_count,
    from flagged
)

select * from final
