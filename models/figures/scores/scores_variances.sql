-- The sampling variance of every score: Taylor linearisation with respondents as primary units,
-- stratified, with finite population correction (method.md 5; the numbers of R survey's svydesign).
-- Of a raked score the bootstrap's (method.md 9), of few persons the jackknife's where the method has one.
{{ by_cycle() }}
with
linearised_variances as (
    select * from {{ ref('scores_linearised_variances') }}
    where cycle_id = '{{ cycle_id() }}' and figure = 'score'
),

bootstrap_variances as (
    select * from {{ ref('sums_bootstrap_variances') }}
    where cycle_id = '{{ cycle_id() }}' and figure = 'score'
),

jackknife_variances as (
    select * from {{ ref('sums_jackknife_variances') }}
    where cycle_id = '{{ cycle_id() }}'
),

bases as (
    select * from {{ ref('scores_bases') }}
    where cycle_id = '{{ cycle_id() }}'
),

variances as (
    select * from linearised_variances
    union all by name
    select * from bootstrap_variances
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
            when not bases.has_lone_respondent then coalesce(jackknife_variances.variance, variances.variance)
        end as variance,
    from bases
    left join variances
        on variances.weighting_mode = bases.weighting_mode
        and variances.domain_number = bases.domain_number
        and variances.component_number = bases.component_number
    left join jackknife_variances
        on jackknife_variances.weighting_mode = bases.weighting_mode
        and jackknife_variances.domain_number = bases.domain_number
        and jackknife_variances.component_number = bases.component_number
)

select * from final
