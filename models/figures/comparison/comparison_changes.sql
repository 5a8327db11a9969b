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

covariances as (
    select * from {{ ref('comparison_covariances') }} where cycle_id = '{{ cycle_id() }}'
),

components as (
    select * from {{ ref('design_shared_components') }}
    where cycle_id = '{{ cycle_id() }}'
),

domains as (select * from {{ ref('sums_domains') }}),

compared as (
    select
        variances.compared_cycle_id,
        variances.weighting_mode,
        variances.domain_number,
        domains.domain_type,
        domains.domain_id,
        components.* exclude (cycle_id),
        scores.score,
        variances.df,
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

paired as (
    select
        compared.*,
        previous.compared_cycle_id as previous_cycle_id,
        previous.score as score_previous,
        previous.df as df_previous,
        previous.variance as variance_previous,
        covariances.overlap_count,
        covariances.covariance / nullif(sqrt(compared.variance * previous.variance), 0) as correlation,
    from compared
    inner join compared as previous
        on previous.weighting_mode = compared.weighting_mode
        and previous.domain_type = compared.domain_type
        and previous.domain_id = compared.domain_id
        and previous.component_number = compared.component_number
    left join covariances
        on covariances.weighting_mode = compared.weighting_mode
        and covariances.domain_number = compared.domain_number
        and covariances.component_number = compared.component_number
    where
        compared.compared_cycle_id = '{{ cycle_id() }}'
        and previous.compared_cycle_id <> '{{ cycle_id() }}'
),

-- Replicates of two cycles are drawn apart: raked scores have the correlation of unweighted ones.
final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        paired.* exclude (
            compared_cycle_id, domain_number, shared_item_count, item_count, df, df_previous, variance,
            variance_previous, overlap_count, correlation
        ),
        paired.score - paired.score_previous as delta,
        sqrt(paired.variance_previous) as se_previous,
        sqrt(paired.variance) as se_current,
        sqrt(paired.variance_previous + paired.variance) as se,
        paired.df_previous,
        paired.df as df_current,
        coalesce(paired.overlap_count, unweighted.overlap_count, 0) as overlap_count,
        greatest(-1e0, least(1e0, coalesce(paired.correlation, unweighted.correlation, 0))) as correlation,
        cast(paired.shared_item_count as double) / paired.item_count as shared_item_share,
    from paired
    left join paired as unweighted
        on paired.weighting_mode = 'rake'
        and unweighted.weighting_mode = 'none'
        and unweighted.domain_number = paired.domain_number
        and unweighted.component_number = paired.component_number
)

select * from final
