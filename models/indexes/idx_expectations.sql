{{ by_cycle() }}
with
expectation_scores as (
    select * from {{ ref('scores_of_expectations') }}
    where cycle_id = '{{ cycle_id() }}'
),

components as (
    select * from {{ ref('design_components') }}
    where cycle_id = '{{ cycle_id() }}'
),

domains as (
    select * from {{ ref('sums_domains') }}
    where cycle_id = '{{ cycle_id() }}'
),

scores as (
    select * from {{ ref('scores_with_errors') }}
    where cycle_id = '{{ cycle_id() }}'
),

compared as (
    select
        expectation_scores.weighting_mode,
        domains.domain_type,
        domains.domain_id,
        components.component_type,
        components.service_id,
        components.perspective_id,
        components.item_id,
        scores.score,
        expectation_scores.expectation,
        expectation_scores.importance,
    from expectation_scores
    inner join domains using (domain_number)
    inner join components using (component_number)
    inner join scores
        on scores.weighting_mode = expectation_scores.weighting_mode
        and scores.domain_type = domains.domain_type
        and scores.domain_id = domains.domain_id
        and scores.component_type = components.component_type
        and coalesce(scores.service_id, '') = coalesce(components.service_id, '')
        and coalesce(scores.perspective_id, '') = coalesce(components.perspective_id, '')
        and coalesce(scores.item_id, '') = coalesce(components.item_id, '')
),

-- Items weigh by what matters to people; who is asked only for expectations says it with these.
weighed_items as (
    select
        *,
        coalesce(importance, expectation) as item_weight,
    from compared
    where component_type = 'item' and score is not null
),

satisfaction as (
    select
        compared.weighting_mode,
        compared.domain_type,
        compared.domain_id,
        compared.component_type,
        compared.service_id,
        {{ stable_sum('weighed_items.item_weight * weighed_items.score') }}
            / {{ stable_sum('weighed_items.item_weight') }} / 4 as satisfaction_index,
    from compared
    inner join weighed_items
        on weighed_items.weighting_mode = compared.weighting_mode
        and weighed_items.domain_type = compared.domain_type
        and weighed_items.domain_id = compared.domain_id
        and weighed_items.service_id = coalesce(compared.service_id, weighed_items.service_id)
    where compared.component_type in ('index', 'service')
    group by all
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        compared.*,
        compared.score - compared.expectation as gap,
        satisfaction.satisfaction_index,
    from compared
    left join satisfaction
        on satisfaction.weighting_mode = compared.weighting_mode
        and satisfaction.domain_type = compared.domain_type
        and satisfaction.domain_id = compared.domain_id
        and satisfaction.component_type = compared.component_type
        and coalesce(satisfaction.service_id, '') = coalesce(compared.service_id, '')
)

select * from final
