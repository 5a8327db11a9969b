-- Disclosure control judges disclosure_cells, people read idx_scores: each score on persons must be a judged
-- cell with the same counts. A difference means that a score can be published which nobody judged.
{{ config(meta={'dagster': {'ref': {'name': 'disclosure_cells'}}}) }}
select
    scores.cycle_id,
    scores.domain_type,
    scores.domain_id,
    scores.service_id,
    scores.perspective_id,
    scores.item_id,
from {{ ref('idx_scores') }} as scores
left join {{ ref('disclosure_cells') }} as cells
    on cells.cycle_id = scores.cycle_id
    and cells.domain_type = scores.domain_type
    and cells.domain_id = scores.domain_id
    and coalesce(cells.service_id, '') = coalesce(scores.service_id, '')
    and coalesce(cells.perspective_id, '') = coalesce(scores.perspective_id, '')
    and coalesce(cells.item_id, '') = coalesce(scores.item_id, '')
    and cells.respondent_count = scores.respondent_count
    and cells.answer_count = scores.answer_count
where
    scores.respondent_count is not null
    and cells.cycle_id is null
