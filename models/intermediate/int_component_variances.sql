-- The sampling variance of every score: Taylor linearisation with respondents as primary units,
-- stratified, with finite population correction (method.md 5; the numbers of R survey's svydesign).
{{ by_cycle() }}
with
component_scores as (
    select * from {{ ref('int_component_scores') }}
    where cycle_id = '{{ cycle_id() }}'
),

spreads as (
    select * from {{ ref('int_influence_spreads') }}
    where cycle_id = '{{ cycle_id() }}'
),

component_strata as (
    select * from {{ ref('int_component_strata') }}
    where cycle_id = '{{ cycle_id() }}'
),

stratum_weights as (
    select * from {{ ref('int_stratum_weights') }}
    where cycle_id = '{{ cycle_id() }}'
),

weighted_spreads as (
    select
        spreads.weighting_mode,
        spreads.domain_number,
        spreads.component_number,
        {{ weighted_spread('stratum_weights', 'spreads.spread') }} as weighted_spread,
    from spreads
    inner join stratum_weights
        on stratum_weights.weighting_mode = spreads.weighting_mode
        and stratum_weights.stratum_number = spreads.stratum_number
    group by all
),

-- n, strata, Kish's sums and the lone respondents of what each component stands on.
bases as (
    select
        stratum_weights.weighting_mode,
        component_strata.domain_number,
        component_strata.component_number,
        cast(sum(component_strata.respondent_count) as bigint) as respondent_count,
        count(*) as stratum_count,
        {{ stable_sum('stratum_weights.weight * component_strata.respondent_count', 15) }} as weight_sum,
        {{ stable_sum('stratum_weights.weight * stratum_weights.weight
            * component_strata.respondent_count', 12) }} as weight_square_sum,
        {{ has_lone_respondent('stratum_weights') }} as has_lone_respondent,
    from component_strata
    inner join stratum_weights
        on stratum_weights.stratum_number = component_strata.stratum_number
    group by all
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        bases.weighting_mode,
        bases.domain_number,
        bases.component_number,
        bases.respondent_count,
        bases.respondent_count - bases.stratum_count as df,
        bases.weight_sum * bases.weight_sum / nullif(bases.weight_square_sum, 0)
            as effective_respondent_count,
        bases.respondent_count * bases.weight_square_sum
            / nullif(bases.weight_sum * bases.weight_sum, 0) as design_effect,
        case
            when component_scores.score is null or bases.has_lone_respondent then null
            else component_scores.bound * component_scores.bound
                * coalesce(weighted_spreads.weighted_spread, 0)
        end as variance,
    from bases
    left join component_scores
        on component_scores.weighting_mode = bases.weighting_mode
        and component_scores.domain_number = bases.domain_number
        and component_scores.component_number = bases.component_number
    left join weighted_spreads
        on weighted_spreads.weighting_mode = bases.weighting_mode
        and weighted_spreads.domain_number = bases.domain_number
        and weighted_spreads.component_number = bases.component_number
)

select * from final
