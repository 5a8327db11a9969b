{{ config(materialized='table') }}
-- The domains of this cycle whose scores' errors are a jackknife's: fewer than jackknife_below_n persons
-- rated anything in them.
with
sums as (
    select * from {{ ref('sums_by_component') }}
    where cycle_id = '{{ cycle_id() }}'
),

components as (
    select component_number from {{ ref('design_components') }}
    where cycle_id = '{{ cycle_id() }}' and component_type = 'index'
),

settings as (
    select jackknife_below_n from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

final as (
    select sums.domain_number
    from sums
    inner join components
        on components.component_number = sums.component_number
    cross join settings
    group by sums.domain_number, settings.jackknife_below_n
    having sum(sums.respondent_count) between 1 and settings.jackknife_below_n - 1
)

select * from final
