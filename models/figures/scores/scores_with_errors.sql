-- Every score with its error, interval and band, exact: what idx_scores is made of. Nobody outside the
-- warehouse reads them: shown_scores is what may be shown.
-- depends_on: {{ ref('band_schemes') }}
{{ by_cycle() }}
with
variances as (
    select * from {{ ref('scores_variances') }}
    where cycle_id = '{{ cycle_id() }}'
),

component_scores as (
    select * from {{ ref('scores_of_components') }}
    where cycle_id = '{{ cycle_id() }}'
),

-- Valid answers, whether or not their branch enters the score.
rating_counts as (
    select
        domain_number,
        component_number,
        cast(sum(rating_count) as bigint) as answer_count,
    from {{ ref('sums_by_component') }}
    where cycle_id = '{{ cycle_id() }}'
    group by domain_number, component_number
),

components as (
    select * from {{ ref('design_components') }}
    where cycle_id = '{{ cycle_id() }}'
),

domains as (
    select * from {{ ref('sums_domains') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select
        method_id,
        ci_level,
        interval_method,
        {{ normal_quantile('(0.5e0 + ci_level / 2)') }} as normal_quantile,
    from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

unit_effects as (
    select * from {{ ref('scores_unit_effects') }}
    where cycle_id = '{{ cycle_id() }}'
),

student_t as (
    select * from {{ ref('scores_student_t') }}
    where cycle_id = '{{ cycle_id() }}'
),

estimates as (
    select
        variances.weighting_mode,
        domains.domain_type,
        domains.domain_id,
        components.component_type,
        components.service_id,
        components.perspective_id,
        components.item_id,
        component_scores.score,
        case when variances.df >= 1 then sqrt(variances.variance) end as se,
        variances.df,
        coalesce(
            student_t.quantile,
            {{ student_t_from_normal('settings.normal_quantile', 'nullif(variances.df, 0)') }}
        ) as t_quantile,
        variances.respondent_count,
        rating_counts.answer_count,
        variances.effective_respondent_count,
        {{ wilson_size(
            'component_scores.score', 'component_scores.score', 'sqrt(variances.variance)',
            'variances.effective_respondent_count', 'variances.effective_respondent_count'
        ) }} as wilson_size,
        variances.design_effect,
        case when variances.df >= 1 and variances.variance is not null then unit_effects.unit_design_effect end
            as unit_design_effect,
        unit_effects.unit_count,
        case
            when components.component_type <> 'item' then coalesce(component_scores.weight_share, 0)
        end as weight_share,
    from variances
    inner join domains
        on domains.domain_number = variances.domain_number
    inner join components
        on components.component_number = variances.component_number
    inner join rating_counts
        on rating_counts.domain_number = variances.domain_number
        and rating_counts.component_number = variances.component_number
    cross join settings
    left join component_scores
        on component_scores.weighting_mode = variances.weighting_mode
        and component_scores.domain_number = variances.domain_number
        and component_scores.component_number = variances.component_number
    left join unit_effects
        on unit_effects.weighting_mode = variances.weighting_mode
        and unit_effects.domain_number = variances.domain_number
        and unit_effects.component_number = variances.component_number
    left join student_t
        on student_t.df = variances.df
),

bounded as (
    select
        estimates.*,
        settings.method_id,
        case when estimates.se is not null then settings.interval_method end as ci_method,
        case
            when estimates.se is null then null
            when settings.interval_method = 'wilson'
                then {{ wilson_end('estimates.score', 'estimates.wilson_size', 'estimates.t_quantile', '-') }}
            else greatest(1e0, estimates.score - estimates.t_quantile * estimates.se)
        end as ci_low,
        case
            when estimates.se is null then null
            when settings.interval_method = 'wilson'
                then {{ wilson_end('estimates.score', 'estimates.wilson_size', 'estimates.t_quantile', '+') }}
            else least(4e0, estimates.score + estimates.t_quantile * estimates.se)
        end as ci_high,
    from estimates
    cross join settings
),

banded as (
    select
        *,
        {{ band_of('score') }} as band,
        {{ band_of('ci_low') }} as band_of_low,
        {{ band_of('ci_high') }} as band_of_high,
    from bounded
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        method_id,
        weighting_mode,
        domain_type,
        domain_id,
        component_type,
        service_id,
        perspective_id,
        item_id,
        score,
        25e0 * score as score_100,
        se,
        df,
        t_quantile,
        ci_method,
        ci_low,
        ci_high,
        band,
        -- A width of 0 (wald) says that all answers were equal, not that all who were not asked agree.
        case when ci_low < ci_high then band_of_low = band_of_high end as is_band_certain,
        respondent_count,
        answer_count,
        effective_respondent_count,
        design_effect,
        unit_design_effect,
        unit_count,
        weight_share,
        case when score is null then 'too_few_children' end as null_reason,
    from banded
)

select * from final
