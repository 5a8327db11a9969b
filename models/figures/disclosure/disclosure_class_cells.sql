-- The classes of weight that each cell is made of. Persons of one class stand in several domains and
-- components together: sums over them tell of the class, though no figure is its own.
{{ by_cycle() }}
with
component_strata as (
    select * from {{ ref('sums_respondents') }}
    where cycle_id = '{{ cycle_id() }}'
),

item_sums as (
    select * from {{ ref('sums_ratings') }}
    where cycle_id = '{{ cycle_id() }}'
),

own_weights as (
    select
        cell_weights.weight_cell_number,
        cell_weights.weight,
    from {{ ref('weights_by_cell') }} as cell_weights
    inner join {{ ref('design_settings') }} as settings
        on settings.cycle_id = cell_weights.cycle_id
        and settings.weighting_mode = cell_weights.weighting_mode
    where cell_weights.cycle_id = '{{ cycle_id() }}'
),

domains as (
    select * from {{ ref('sums_domains') }}
    where cycle_id = '{{ cycle_id() }}'
),

components as (
    select * from {{ ref('design_components') }}
    where cycle_id = '{{ cycle_id() }}'
),

persons as (
    select
        domain_number,
        component_number,
        weight_cell_number,
        cast(sum(respondent_count) as bigint) as respondent_count,
    from component_strata
    group by all
),

ratings as (
    select
        domain_number,
        component_number,
        weight_cell_number,
        cast(sum(rating_count) as bigint) as rating_count,
    from item_sums
    group by all
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        domains.domain_type,
        domains.domain_id,
        components.service_id,
        components.perspective_id,
        components.item_id,
        persons.weight_cell_number,
        persons.respondent_count,
        ratings.rating_count,
        ratings.rating_count * own_weights.weight as weight_sum,
    from persons
    inner join own_weights
        on own_weights.weight_cell_number = persons.weight_cell_number
    inner join domains
        on domains.domain_number = persons.domain_number
    inner join components
        on components.component_number = persons.component_number
    left join ratings
        on ratings.domain_number = persons.domain_number
        and ratings.component_number = persons.component_number
        and ratings.weight_cell_number = persons.weight_cell_number
)

select * from final
