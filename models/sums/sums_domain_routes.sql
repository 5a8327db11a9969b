-- Who speaks for which domain: a respondent whose attribute has this value speaks for the domain with
-- the answers about the providers of the levels marked (is_level_<rank>). Sums after this table are the
-- same for all domain types; what these are called says macro domain_types, what they are parts of
-- wholes_of_domain (orchestration/publishing/disclosure/cells.py), but of demographics, which seed demographics has.
{%- set ranks = provider_level_ranks() %}
{{ by_cycle() }}
with
unit_providers as (
    select
        cycle_units.unit_id,
        cycle_units.unit_level_id,
        unit_ancestors.ancestor_level_rank as level_rank,
        unit_ancestors.ancestor_level_id as provider_level_id,
        unit_ancestors.ancestor_unit_id as provider_unit_id,
        providers.region_id as provider_region_id,
    from {{ ref('design_units') }} as cycle_units
    inner join {{ ref('design_unit_ancestors') }} as unit_ancestors
        on unit_ancestors.as_of_on = cycle_units.opens_on
        and unit_ancestors.unit_id = cycle_units.unit_id
    inner join {{ ref('design_units') }} as providers
        on providers.cycle_id = cycle_units.cycle_id
        and providers.unit_id = unit_ancestors.ancestor_unit_id
    where cycle_units.cycle_id = '{{ cycle_id() }}'
),

provider_domains as (
    {%- for domain_type, domain_id in {
        'provider_level': 'provider_level_id',
        'provider_unit': 'provider_unit_id',
        'provider_region': 'provider_region_id',
        'provider_region_level': "provider_region_id || '|' || provider_level_id",
        'direction': "unit_level_id || '>' || provider_level_id",
    }.items() %}
    select
        unit_id,
        level_rank,
        '{{ domain_type }}' as domain_type,
        {{ domain_id }} as domain_id,
    from unit_providers
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

unit_routes as (
    select
        'unit_id' as attribute_name,
        unit_id as attribute_value,
        {{ headline_role() }} as role_id,
        domain_type,
        domain_id,
        {%- for rank in ranks %}
        bool_or(level_rank = {{ rank }}) as is_level_{{ rank }},
        {%- endfor %}
    from provider_domains
    where domain_id is not null
    group by all
),

-- What another role thinks of each level (of the level it is itself a part of: its self-assessment).
role_routes as (
    select
        'unit_id' as attribute_name,
        unit_providers.unit_id as attribute_value,
        roles.role_id,
        'role_provider_level' as domain_type,
        roles.role_id || '|' || unit_providers.provider_level_id as domain_id,
        {%- for rank in ranks %}
        bool_or(unit_providers.level_rank = {{ rank }}) as is_level_{{ rank }},
        {%- endfor %}
    from unit_providers
    cross join {{ ref('roles') }} as roles
    where roles.role_id <> {{ headline_role() }}
    group by all
),

respondent_values as (
    select distinct
        'role_id' as attribute_name,
        role_id as attribute_value,
        role_id,
        'role' as domain_type,
        role_id as domain_id,
    from {{ ref('weights_by_response') }}
    where cycle_id = '{{ cycle_id() }}' and is_accepted
    union all
    select
        'role_id' as attribute_name,
        {{ headline_role() }} as attribute_value,
        {{ headline_role() }} as role_id,
        'national' as domain_type,
        'national' as domain_id,
    {%- for attribute in ['recipient_category_id'] + demographic_names() %}
    union all
    select distinct
        '{{ attribute }}' as attribute_name,
        {{ attribute }} as attribute_value,
        role_id,
        '{{ 'recipient_category' if loop.first else attribute }}' as domain_type,
        {{ attribute }} as domain_id,
    from {{ ref('weights_by_response') }}
    where
        cycle_id = '{{ cycle_id() }}' and is_accepted
        and role_id = {{ headline_role() }} and {{ attribute }} is not null
    {%- endfor %}
),

routes as (
    select * from unit_routes
    union all
    select * from role_routes
    union all
    select
        attribute_name,
        attribute_value,
        role_id,
        domain_type,
        domain_id,
        {%- for rank in ranks %}
        true as is_level_{{ rank }},
        {%- endfor %}
    from respondent_values
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        cast(dense_rank() over (order by domain_type, domain_id) as integer) as domain_number,
        *,
    from routes
)

select * from final
