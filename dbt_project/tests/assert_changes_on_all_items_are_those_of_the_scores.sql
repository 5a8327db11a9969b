-- Where both cycles asked the same items under a component, its change is that of the scores everybody
-- reads. A difference means that the shared tree is not computed as the scores are.
{{ config(meta={'dagster': {'ref': {'name': 'comparison_changes'}}}) }}
select
    changes.cycle_id,
    changes.weighting_mode,
    changes.domain_type,
    changes.domain_id,
    changes.component_type,
    changes.service_id,
    changes.perspective_id,
    changes.item_id,
    changes.score,
    scores.score as score_of_scores,
from {{ ref('comparison_changes') }} as changes
inner join {{ ref('idx_scores') }} as scores
    on scores.cycle_id = changes.cycle_id
    and scores.weighting_mode = changes.weighting_mode
    and scores.domain_type = changes.domain_type
    and scores.domain_id = changes.domain_id
    and scores.component_type = changes.component_type
    and scores.service_id is not distinct from changes.service_id
    and scores.perspective_id is not distinct from changes.perspective_id
    and scores.item_id is not distinct from changes.item_id
where
    changes.shared_item_share = 1
    and (
        (changes.score is null) <> (scores.score is null)
        or abs(changes.score - scores.score) > 1e-9
    )
