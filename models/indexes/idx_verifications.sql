{{ by_cycle() }}
with
verified as (
    select * from {{ ref('scores_verified') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select
        weighting_mode,
        min_practical_change,
        {{ normal_quantile('(0.5e0 + ci_level / 2)') }} as normal_quantile,
    from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

student_t as (
    select * from {{ ref('scores_student_t') }}
    where cycle_id = '{{ cycle_id() }}'
),

survey_scores as (
    select * from {{ ref('shown_scores') }}
    where cycle_id = '{{ cycle_id() }}' and domain_type = 'provider_unit'
),

compared as (
    select
        verified.* exclude (variance, df),
        settings.min_practical_change,
        settings.normal_quantile,
        survey_scores.score as survey_score,
        survey_scores.score - verified.verified_score as difference,
        pow(survey_scores.se, 2) as survey_variance,
        survey_scores.df as survey_df,
        verified.variance as verified_variance,
        verified.df as case_df,
        case when survey_scores.domain_id is null then 'no_answers' else survey_scores.null_reason end
            as null_reason,
    from verified
    cross join settings
    left join survey_scores
        on survey_scores.weighting_mode = settings.weighting_mode
        and survey_scores.domain_id = verified.unit_id
        and survey_scores.service_id is not distinct from verified.service_id
        and survey_scores.component_type = if(verified.service_id is null, 'index', 'service')
),

-- Welch (1947): the degrees of freedom of a difference of two means of unequal variances.
measured as (
    select
        *,
        sqrt(survey_variance + verified_variance) as se,
        floor(
            pow(survey_variance + verified_variance, 2) / nullif(
                pow(survey_variance, 2) / nullif(survey_df, 0) + pow(verified_variance, 2) / case_df, 0
            )
        ) as df,
    from compared
),

bounded as (
    select
        measured.*,
        coalesce(student_t.quantile, {{ student_t_from_normal('normal_quantile', 'nullif(measured.df, 0)') }})
            * measured.se as half_width,
    from measured
    left join student_t
        on student_t.df = measured.df
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        'provider_unit' as domain_type,
        unit_id as domain_id,
        if(service_id is null, 'index', 'service') as component_type,
        service_id,
        source,
        case_count,
        verified_score,
        within_standard_share,
        survey_score,
        difference,
        se,
        cast(df as bigint) as df,
        case when half_width is not null then greatest(-3e0, difference - half_width) end as ci_low,
        case when half_width is not null then least(3e0, difference + half_width) end as ci_high,
        case
            when half_width is null then 'unknown'
            when abs(difference) < greatest(half_width, min_practical_change - 1e-9) then 'no_difference_shown'
            when difference > 0 then 'survey_higher'
            else 'survey_lower'
        end as verdict,
        null_reason,
    from bounded
)

select * from final
