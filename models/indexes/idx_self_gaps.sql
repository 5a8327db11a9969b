{{ by_cycle() }}
with
scores as (
    select * from {{ ref('shown_scores') }}
    where cycle_id = '{{ cycle_id() }}' and component_type <> 'item'
),

student_t as (
    select * from {{ ref('scores_student_t') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select
        ci_level,
        min_practical_change,
        {{ normal_quantile('(0.5e0 + ci_level / 2)') }} as normal_quantile,
    from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

-- The roles are strata of their own, and nobody answers in two: independent samples.
gaps as (
    select
        self.weighting_mode,
        self.domain_type,
        self.domain_id,
        others.domain_id as provider_level_id,
        self.component_type,
        self.service_id,
        self.perspective_id,
        self.score as self_score,
        others.score,
        self.score - others.score as gap,
        sqrt(self.se * self.se + others.se * others.se) as se,
        greatest(1, least(self.df, others.df)) as df,
        self.respondent_count as self_respondent_count,
        others.respondent_count,
        coalesce(self.null_reason, others.null_reason) as null_reason,
    from scores as self
    inner join scores as others
        on others.weighting_mode = self.weighting_mode
        and others.domain_id = split_part(self.domain_id, '|', 2)
        and others.component_type = self.component_type
        and others.service_id is not distinct from self.service_id
        and others.perspective_id is not distinct from self.perspective_id
    where
        self.domain_type = 'role_provider_level'
        and others.domain_type = 'provider_level'
),

tested as (
    select
        gaps.*,
        settings.ci_level,
        settings.min_practical_change,
        2e0 * {{ student_tail('(abs(gaps.gap) / nullif(gaps.se, 0))', 'gaps.df') }} as p_value,
        case when gaps.gap is not null then
            {{ student_tail('(greatest(0e0, settings.min_practical_change - abs(gaps.gap)) / nullif(gaps.se, 0))', 'gaps.df') }}
        end as p_relevant,
        case when gaps.gap is not null then nullif(gaps.se, 0) * ({{ normal_quantile('0.8e0') }} + coalesce(
            student_t.quantile, {{ student_t_from_normal('settings.normal_quantile', 'gaps.df') }}
        )) end as minimum_detectable_gap,
    from gaps
    cross join settings
    left join student_t
        on student_t.df = gaps.df
),

adjusted as (
    {{ adjusted_by_family(
        'tested', 'weighting_mode, component_type, service_id, perspective_id', tie='domain_id', counted='true'
    ) }}
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        * exclude (
            p_value, p_adjusted, false_discovery_q, minimum_detectable_gap, p_relevant, ci_level, min_practical_change,
            self_respondent_count, respondent_count, null_reason
        ),
        p_value,
        p_adjusted,
        false_discovery_q,
        minimum_detectable_gap,
        case
            when gap is null then null
            when p_adjusted < 1 - ci_level and abs(gap) >= min_practical_change - 1e-9
                then if(gap > 0, 'higher', 'lower')
            when p_relevant < 1 - ci_level then 'equal'
            else 'unknown'
        end as verdict,
        self_respondent_count,
        respondent_count,
        null_reason,
    from adjusted
)

select * from final
