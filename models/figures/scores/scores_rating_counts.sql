-- Valid answers under every component of every domain, whether or not their branch enters the score.
{{ by_cycle() }}
with
item_sums as (
    select * from {{ ref('sums_ratings') }}
    where cycle_id = '{{ cycle_id() }}'
),

components as (
    select * from {{ ref('design_components') }}
    where cycle_id = '{{ cycle_id() }}'
),

item_totals as (
    select
        item_sums.domain_number,
        items.service_id,
        items.perspective_id,
        items.item_id,
        sum(item_sums.rating_count) as answer_count,
    from item_sums
    inner join components as items
        on items.component_number = item_sums.component_number
    group by all
),

-- A component that leaves a part of the path open (NULL) holds all items that share the rest.
final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        item_totals.domain_number,
        components.component_number,
        cast(sum(item_totals.answer_count) as bigint) as answer_count,
    from item_totals
    inner join components
        on coalesce(components.service_id, item_totals.service_id) = item_totals.service_id
        and coalesce(components.perspective_id, item_totals.perspective_id) = item_totals.perspective_id
        and coalesce(components.item_id, item_totals.item_id) = item_totals.item_id
    group by all
)

select * from final
