-- Who is a child of whom in a cycle's tree, with the weight the child has among its siblings.
-- Storeys are computed in order: 1 items into a perspective of a service, 2 these into services and
-- into perspectives across services, 3 services into the index.
with
components as (
    select * from {{ ref('design_components') }}
),

settings as (
    select * from {{ ref('design_settings') }}
),

index_weights as (
    select * from {{ ref('index_weights') }}
),

pairs as (
    select
        children.cycle_id,
        case
            when children.component_type = 'item' then 1
            when children.component_type = 'service_perspective' then 2
            else 3
        end as storey,
        parents.component_number as parent_number,
        children.component_number as child_number,
        case
            when children.component_type = 'item' then 'item'
            when parents.component_type = 'service' then 'perspective'
            else 'service'
        end as weight_type,
        case
            when children.component_type = 'item' then children.item_id
            when parents.component_type = 'service' then children.perspective_id
            else children.service_id
        end as weight_of,
    from components as children
    inner join components as parents
        on parents.cycle_id = children.cycle_id
    where
        (
            children.component_type = 'item'
            and parents.component_type = 'service_perspective'
            and parents.service_id = children.service_id
            and parents.perspective_id = children.perspective_id
        )
        or (
            children.component_type = 'service_perspective'
            and parents.component_type = 'service'
            and parents.service_id = children.service_id
        )
        or (
            children.component_type = 'service_perspective'
            and parents.component_type = 'perspective'
            and parents.perspective_id = children.perspective_id
        )
        or (children.component_type = 'service' and parents.component_type = 'index')
),

final as (
    select
        pairs.cycle_id,
        cast(
            row_number() over (
                partition by pairs.cycle_id
                order by pairs.storey, pairs.parent_number, pairs.child_number
            ) as integer
        ) as edge_number,
        pairs.storey,
        pairs.parent_number,
        pairs.child_number,
        coalesce(index_weights.weight, 1e0) as weight,
    from pairs
    inner join settings
        on settings.cycle_id = pairs.cycle_id
    left join index_weights
        on index_weights.method_id = settings.method_id
        and index_weights.component_type = pairs.weight_type
        and index_weights.component_id = pairs.weight_of
)

select * from final
