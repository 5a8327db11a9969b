-- The classes of weight that each cell is made of. Persons of one class stand in several domains and
-- components together: sums over them tell of the class, though no figure is its own. Of a class with
-- less than 1/300 of a figure's weight nothing is told by it: what the others say is known to half the
-- finest step of rounding at best, 0.005, which is 1.5 points of the class. Where strata are by unit most
-- classes of a large domain are so light, and stand together as one.
{{ by_cycle() }}
with
settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

own_weights as (
    select
        cell_weights.weight_cell_number,
        cell_weights.weight,
    from {{ ref('weights_by_cell') }} as cell_weights
    inner join settings
        on settings.cycle_id = cell_weights.cycle_id
        and settings.weighting_mode = cell_weights.weighting_mode
),

components as (
    select * from {{ ref('design_components') }}
    where cycle_id = '{{ cycle_id() }}'
),

-- A mean is an item's alone: of other components the ratings make no figure of the class.
weighed as (
    select
        component_sums.domain_number,
        component_sums.weight_cell_number,
        components.service_id,
        components.perspective_id,
        components.item_id,
        component_sums.respondent_count,
        case when components.component_type = 'item' then component_sums.rating_count end as rating_count,
        case when components.component_type = 'item' then component_sums.rating_count end
            * own_weights.weight as weight_sum,
    from {{ ref('sums_by_component') }} as component_sums
    inner join own_weights
        on own_weights.weight_cell_number = component_sums.weight_cell_number
    inner join components
        on components.component_number = component_sums.component_number
    where component_sums.cycle_id = '{{ cycle_id() }}' and component_sums.respondent_count > 0
),

shares as (
    select
        domain_number,
        weight_cell_number,
        weight_sum / {{ stable_sum('weight_sum', 10, over='(partition by domain_number, item_id)') }} as share,
    from weighed
    where item_id is not null
),

light_classes as (
    select
        shares.domain_number,
        shares.weight_cell_number,
    from shares
    cross join settings
    where settings.poststrata = 'unit'
    group by all
    having max(shares.share) < 1 / 300e0
),

classes as (
    select * from weighed
    anti join light_classes
        using (domain_number, weight_cell_number)
    union all by name
    select
        domain_number,
        -domain_number as weight_cell_number,
        service_id,
        perspective_id,
        item_id,
        cast(sum(respondent_count) as bigint) as respondent_count,
        cast(sum(rating_count) as bigint) as rating_count,
        {{ stable_sum('weight_sum', 10) }} as weight_sum,
    from weighed
    inner join light_classes
        using (domain_number, weight_cell_number)
    group by all
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        domains.domain_type,
        domains.domain_id,
        classes.* exclude (domain_number),
    from classes
    inner join {{ ref('sums_domains') }} as domains
        on domains.cycle_id = '{{ cycle_id() }}'
        and domains.domain_number = classes.domain_number
)

select * from final
