-- What changed since the previous cycle on the tree that both share (method.md 6), exactly:
-- shown_changes is what may be shown of it.
{{ by_cycle() }}
with
scores as (
    select * from {{ ref('comparison_scores') }}
    where cycle_id = '{{ cycle_id() }}'
),

variances as (
    select * from {{ ref('comparison_variances') }}
    where cycle_id = '{{ cycle_id() }}'
),

components as (
    select * from {{ ref('design_shared_components') }}
    where cycle_id = '{{ cycle_id() }}'
),

domains as (
    select * from {{ ref('sums_domains') }}
),

compared as (
    select
        variances.compared_cycle_id,
        variances.weighting_mode,
        domains.domain_type,
        domains.domain_id,
        components.component_number,
        components.component_type,
        components.service_id,
        components.perspective_id,
        components.item_id,
        components.shared_item_count,
        components.item_count,
        scores.score,
        case when variances.df >= 1 then variances.variance end as variance,
    from variances
    inner join domains
        on domains.cycle_id = variances.compared_cycle_id
        and domains.domain_number = variances.domain_number
    inner join components
        on components.component_number = variances.component_number
    left join scores
        on scores.compared_cycle_id = variances.compared_cycle_id
        and scores.weighting_mode = variances.weighting_mode
        and scores.domain_number = variances.domain_number
        and scores.component_number = variances.component_number
),

-- The same persons may answer twice: then the errors are not independent, and this se is too large.
final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        previous.compared_cycle_id as previous_cycle_id,
        compared.weighting_mode,
        compared.domain_type,
        compared.domain_id,
        compared.component_number,
        compared.component_type,
        compared.service_id,
        compared.perspective_id,
        compared.item_id,
        previous.score as score_previous,
        compared.score,
        compared.score - previous.score as delta,
        sqrt(previous.variance) as se_previous,
        sqrt(compared.variance) as se_current,
        sqrt(previous.variance + compared.variance) as se,
        cast(compared.shared_item_count as double) / compared.item_count as shared_item_share,
    from compared
    inner join compared as previous
        on previous.weighting_mode = compared.weighting_mode
        and previous.domain_type = compared.domain_type
        and previous.domain_id = compared.domain_id
        and previous.component_number = compared.component_number
    where
        compared.compared_cycle_id = '{{ cycle_id() }}'
        and previous.compared_cycle_id <> '{{ cycle_id() }}'
)

select * from final
