-- The classes of weight that the domains of an item are made of. Persons of one class about providers of
-- one level stand in several domains together: sums over them tell of the class, though no figure is its own.
{{ by_cycle() }}
with
item_sums as (
    select * from {{ ref('int_item_sums') }}
    where cycle_id = '{{ cycle_id() }}' and rating_count > 0
),

own_weights as (
    select
        cell_weights.weight_cell_number,
        cell_weights.weight,
    from {{ ref('int_cell_weights') }} as cell_weights
    inner join {{ ref('int_cycle_settings') }} as settings
        on settings.cycle_id = cell_weights.cycle_id
        and settings.weighting_mode = cell_weights.weighting_mode
    where cell_weights.cycle_id = '{{ cycle_id() }}'
),

domains as (
    select
        *,
        regexp_extract(domain_id, '[^|>]*$') as provider_level_id,
    from {{ ref('int_domains') }}
    where
        cycle_id = '{{ cycle_id() }}'
        and domain_type in ('provider_level', 'provider_region_level', 'direction')
),

components as (
    select * from {{ ref('int_components') }}
    where cycle_id = '{{ cycle_id() }}'
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        domains.domain_type,
        domains.domain_id,
        components.service_id,
        components.perspective_id,
        components.item_id,
        domains.provider_level_id,
        item_sums.weight_cell_number,
        cast(sum(item_sums.rating_count) as bigint) as rating_count,
        cast(sum(item_sums.rating_count) as bigint) * max(own_weights.weight) as weight_sum,
    from item_sums
    inner join own_weights
        on own_weights.weight_cell_number = item_sums.weight_cell_number
    inner join domains
        on domains.domain_number = item_sums.domain_number
    inner join components
        on components.component_number = item_sums.component_number
    group by all
)

select * from final
