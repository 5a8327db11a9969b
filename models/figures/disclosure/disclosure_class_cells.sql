-- The classes of weight that each cell is made of. Persons of one class stand in several domains and
-- components together: sums over them tell of the class, though no figure is its own.
{{ by_cycle() }}
with
component_sums as (
    select * from {{ ref('sums_by_component') }}
    where cycle_id = '{{ cycle_id() }}' and respondent_count > 0
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

-- A mean is an item's alone: of other components the ratings make no figure of the class.
final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        domains.domain_type,
        domains.domain_id,
        components.service_id,
        components.perspective_id,
        components.item_id,
        component_sums.weight_cell_number,
        component_sums.respondent_count,
        case when components.component_type = 'item' then component_sums.rating_count end as rating_count,
        case when components.component_type = 'item' then component_sums.rating_count end
            * own_weights.weight as weight_sum,
    from component_sums
    inner join own_weights
        on own_weights.weight_cell_number = component_sums.weight_cell_number
    inner join domains
        on domains.domain_number = component_sums.domain_number
    inner join components
        on components.component_number = component_sums.component_number
)

select * from final
