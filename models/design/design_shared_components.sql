-- The parts of a cycle's tree that the previous cycle has too (method.md 6): its items asked in both,
-- whatever the scale or the wording, and the components above them.
with
settings as (
    select * from {{ ref('design_settings') }}
),

components as (
    select * from {{ ref('design_components') }}
),

items as (
    select
        items.cycle_id,
        items.service_id,
        items.perspective_id,
        items.item_id,
        previous_items.item_id is not null as is_shared,
    from components as items
    inner join settings
        on settings.cycle_id = items.cycle_id
    left join components as previous_items
        on previous_items.cycle_id = settings.previous_cycle_id
        and previous_items.item_id = items.item_id
    where items.component_type = 'item'
),

-- A component that leaves a part of the path open (NULL) holds all items that share the rest.
final as (
    select
        components.cycle_id,
        components.component_number,
        components.component_type,
        components.service_id,
        components.perspective_id,
        components.item_id,
        count(*) as item_count,
        count(*) filter (where items.is_shared) as shared_item_count,
    from components
    inner join items
        on items.cycle_id = components.cycle_id
        and coalesce(components.service_id, items.service_id) = items.service_id
        and coalesce(components.perspective_id, items.perspective_id) = items.perspective_id
        and coalesce(components.item_id, items.item_id) = items.item_id
    group by all
    having count(*) filter (where items.is_shared) > 0
)

select * from final
