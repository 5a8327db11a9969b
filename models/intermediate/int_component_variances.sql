-- The sampling variance of every score: Taylor linearisation with respondents as primary units,
-- stratified, with finite population correction (method.md 5; the numbers of R survey's svydesign).
-- Of a raked score, the bootstrap's (method.md 9).
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

bootstrap_variances as (
    select * from {{ ref('int_bootstrap_variances') }}
    where cycle_id = '{{ cycle_id() }}'
),

bases as (
    select * from {{ ref('int_component_bases') }}
    where cycle_id = '{{ cycle_id() }}'
),

stratum_weights as (
    select * from {{ ref('int_stratum_weights') }}
    where cycle_id = '{{ cycle_id() }}'
),

linearised as (
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

variances as (
    select
        component_scores.weighting_mode,
        component_scores.domain_number,
        component_scores.component_number,
        component_scores.bound * component_scores.bound * coalesce(linearised.weighted_spread, 0)
            as variance,
    from component_scores
    left join linearised
        on linearised.weighting_mode = component_scores.weighting_mode
        and linearised.domain_number = component_scores.domain_number
        and linearised.component_number = component_scores.component_number
    where component_scores.weighting_mode <> 'rake'
    union all
    select
        'rake' as weighting_mode,
        domain_number,
        component_number,
        variance,
    from bootstrap_variances
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
        case when not bases.has_lone_respondent then variances.variance end as variance,
    from bases
    left join variances
        on variances.weighting_mode = bases.weighting_mode
        and variances.domain_number = bases.domain_number
        and variances.component_number = bases.component_number
)

select * from final
