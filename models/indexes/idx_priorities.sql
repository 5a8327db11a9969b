{{ by_cycle() }}
with
scores as (
    select * from {{ ref('shown_scores') }}
    where cycle_id = '{{ cycle_id() }}' and score is not null
),

derived_importance as (
    select
        * replace (
            case when importance_method = 'disattenuated' then importance_adjusted else importance end as importance
        ),
    from {{ ref('scores_importance') }}
    where cycle_id = '{{ cycle_id() }}'
),

of_nation as (
    select
        scores.weighting_mode,
        scores.domain_type,
        scores.domain_id,
        scores.component_type,
        scores.service_id,
        scores.perspective_id,
        scores.score,
        derived_importance.importance,
        derived_importance.importance_method,
        derived_importance.importance_adjusted,
        {{ stable_sum('scores.score', over='(partition by scores.weighting_mode)') }}
            / count(*) over (partition by scores.weighting_mode) as mean_score,
        {{ stable_sum('derived_importance.importance', over='(partition by scores.weighting_mode)') }}
            / count(*) over (partition by scores.weighting_mode) as mean_importance,
        cast(null as integer) as lowest_rank,
    from scores
    inner join derived_importance using (service_id, perspective_id)
    where
        scores.domain_type = 'national'
        and scores.component_type = 'service_perspective'
        and derived_importance.importance is not null
),

-- The rank itself tells on a score: shown ones alone take part.
of_units as (
    select
        scores.weighting_mode,
        scores.domain_type,
        scores.domain_id,
        scores.component_type,
        scores.service_id,
        scores.perspective_id,
        scores.score,
        cast(null as double) as importance,
        cast(null as varchar) as importance_method,
        cast(null as double) as importance_adjusted,
        cast(null as double) as mean_score,
        cast(null as double) as mean_importance,
        cast(row_number() over (
            partition by scores.weighting_mode, scores.domain_id
            order by scores.score, scores.perspective_id
        ) as integer) as lowest_rank,
    from scores
    where
        scores.domain_type = 'provider_unit'
        and scores.component_type = 'perspective'
    -- One alone is the lowest of nothing.
    qualify count(*) over (partition by scores.weighting_mode, scores.domain_id) > 1
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        *,
        case
            when importance >= mean_importance and score < mean_score then 'priority'
            when importance >= mean_importance then 'keep_up'
            when score < mean_score then 'low_priority'
            when score >= mean_score then 'possible_overkill'
        end as quadrant,
    from (
        select * from of_nation
        union all
        select * from of_units where lowest_rank <= 3
    ) as published_kinds
)

select * from final
