-- Who rates whom is complete: every rating has one direction, and one level within its role. A
-- difference means that a cell of the level x level matrix, or of a self gap, is lost or doubled.
with
scores as (
    select
        cycle_id,
        weighting_mode,
        domain_type,
        domain_id,
        item_id,
        answer_count,
    from {{ ref('idx_scores') }}
    where component_type = 'item'
),

wholes as (
    select * from scores
    where
        domain_type = 'national'
        or (domain_type = 'role' and domain_id <> {{ headline_role() }})
),

parts as (
    select
        cycle_id,
        weighting_mode,
        case domain_type when 'direction' then 'national' else split_part(domain_id, '|', 1) end
            as whole_id,
        item_id,
        sum(answer_count) as answer_count,
    from scores
    where domain_type in ('direction', 'role_provider_level')
    group by all
)

select
    wholes.*,
    parts.answer_count as answer_count_of_parts,
from wholes
left join parts
    on parts.cycle_id = wholes.cycle_id
    and parts.weighting_mode = wholes.weighting_mode
    and parts.whole_id = wholes.domain_id
    and parts.item_id = wholes.item_id
where parts.answer_count is distinct from wholes.answer_count
