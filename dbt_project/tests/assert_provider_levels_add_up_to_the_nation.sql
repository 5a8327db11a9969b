-- Parts add up to wholes: each rating is about a provider of one level, so the levels' ratings are the
-- nation's. A difference means that the routes of sums_domain_routes lose or double an answer.
select
    nation.cycle_id,
    nation.weighting_mode,
    nation.item_id,
    nation.answer_count,
    sum(levels.answer_count) as answer_count_of_levels,
from {{ ref('idx_scores') }} as nation
left join {{ ref('idx_scores') }} as levels
    on levels.cycle_id = nation.cycle_id
    and levels.weighting_mode = nation.weighting_mode
    and levels.domain_type = 'provider_level'
    and levels.component_type = 'item'
    and levels.item_id = nation.item_id
where nation.domain_type = 'national' and nation.component_type = 'item'
group by all
having sum(levels.answer_count) is distinct from nation.answer_count
