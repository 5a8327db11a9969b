-- Availability, accessibility and effective coverage (method.md 8) of every domain and service, and the
-- totals that they are ratios of. Effective coverage is share_rated x (score - 1) / 3, since availability x
-- accessibility = rated / (rated + not used + not available).
{{ by_cycle() }}
with
sums as (
    select * from {{ ref('sums_by_component') }}
    where cycle_id = '{{ cycle_id() }}' and answering_count > 0
),

cell_weights as (
    select * from {{ ref('weights_by_cell') }}
    where cycle_id = '{{ cycle_id() }}'
),

component_scores as (
    select * from {{ ref('scores_of_components') }}
    where cycle_id = '{{ cycle_id() }}'
),

totals as (
    select
        cell_weights.weighting_mode,
        sums.domain_number,
        sums.component_number,
        {{ stable_sum('cell_weights.weight * sums.rating_count', 15) }} as rated,
        {{ stable_sum('cell_weights.weight * (sums.rating_count + sums.not_used_count)', 15) }} as available,
        {{ stable_sum('cell_weights.weight
            * (sums.rating_count + sums.not_used_count + sums.not_available_count)', 15) }} as answered,
        cast(sum(sums.answering_count) as bigint) as respondent_count,
        sum(sums.answering_count) - count(distinct sums.stratum_number) as df,
        sum(sums.accessing_count)
            - count(distinct sums.stratum_number) filter (where sums.accessing_count > 0) as accessibility_df,
        {{ has_lone_respondent('cell_weights') }} as has_lone_respondent,
    from sums
    inner join cell_weights
        on cell_weights.weight_cell_number = sums.weight_cell_number
    group by all
),

ratios as (
    select
        totals.*,
        totals.available / nullif(totals.answered, 0) as availability,
        totals.rated / nullif(totals.available, 0) as accessibility,
        totals.rated / nullif(totals.answered, 0) as share_rated,
        component_scores.score,
    from totals
    left join component_scores
        on component_scores.weighting_mode = totals.weighting_mode
        and component_scores.domain_number = totals.domain_number
        and component_scores.component_number = totals.component_number
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        *,
        share_rated * (score - 1) / 3 as effective_coverage,
    from ratios
)

select * from final
