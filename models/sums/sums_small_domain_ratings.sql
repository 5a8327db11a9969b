{{ config(materialized='table') }}
-- What those rated who may speak for a small domain (sums_small_domains), by any of their attributes: all
-- that errors which leave out each respondent in turn read of people, however many answered.
with
routes as (
    select distinct
        domain_routes.attribute_name,
        domain_routes.attribute_value,
    from {{ ref('sums_domain_routes') }} as domain_routes
    inner join {{ ref('sums_small_domains') }} as small_domains
        on small_domains.domain_number = domain_routes.domain_number
    where domain_routes.cycle_id = '{{ cycle_id() }}'
),

ratings as (
    select * from {{ ref('ratings_of_cycle') }}
),

final as (
    select * from ratings
    where
        {%- for attribute in speaking_attributes() %}
        {{ attribute }} in (select attribute_value from routes where attribute_name = '{{ attribute }}')
        {{- ' or' if not loop.last }}
        {%- endfor %}
)

select * from final
