-- A change is the sum of its parts, and each component above items that has a change has parts. A
-- difference means that the tree by which a change is explained is not the one it was computed on.
{{ config(meta={'dagster': {'ref': {'name': 'idx_change_parts'}}}) }}
with
parts as (
    select
        cycle_id,
        weighting_mode,
        domain_type,
        domain_id,
        component_type,
        service_id,
        perspective_id,
        sum(part) as part_sum,
    from {{ ref('idx_change_parts') }}
    group by all
)

select
    changes.*,
    parts.part_sum,
from {{ ref('idx_changes') }} as changes
left join parts
    on parts.cycle_id = changes.cycle_id
    and parts.weighting_mode = changes.weighting_mode
    and parts.domain_type = changes.domain_type
    and parts.domain_id = changes.domain_id
    and parts.component_type = changes.component_type
    and parts.service_id is not distinct from changes.service_id
    and parts.perspective_id is not distinct from changes.perspective_id
where
    changes.component_type <> 'item'
    and changes.delta is not null
    and (parts.part_sum is null or abs(parts.part_sum - changes.delta) > 1e-9)
