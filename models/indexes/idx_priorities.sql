{{ by_cycle() }}
with
scores as (
    select * from {{ ref('shown_scores') }}
    where cycle_id = '{{ cycle_id() }}' and domain_type = 'national' and score is not null
),

lowest as (
    select * from {{ ref('ranks_lowest') }}
    where cycle_id = '{{ cycle_id() }}'
),

derived_importance as (
    select
        * replace (
            case when importance_method = 'disattenuated' then importance_adjusted else importance end as importance,
            case when importance_method = 'disattenuated' then reliability else 1e0 end as reliability
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
        scores.se,
        derived_importance.importance,
        derived_importance.importance_method,
        derived_importance.importance_adjusted,
        -- A correlation's error, of the observed one, over what disattenuates it.
        case when scores.respondent_count > 3 then
            (1e0 - power(derived_importance.importance * derived_importance.reliability, 2))
            / (sqrt(scores.respondent_count - 3) * derived_importance.reliability)
        end as importance_se,
        {{ stable_sum('scores.score', over='(partition by scores.weighting_mode)') }}
            / count(*) over (partition by scores.weighting_mode) as mean_score,
        {{ stable_sum('derived_importance.importance', over='(partition by scores.weighting_mode)') }}
            / count(*) over (partition by scores.weighting_mode) as mean_importance,
    from scores
    inner join derived_importance using (service_id, perspective_id)
    where scores.component_type = 'service_perspective' and derived_importance.importance is not null
),

-- How far each lies from the lines that cut the quadrants, in its own standard errors.
placed as (
    select
        *,
        case when se > 0 then abs(score - mean_score) / se end as score_distance,
        case when importance_se > 0 then abs(importance - mean_importance) / importance_se end as importance_distance,
    from of_nation
),

united as (
    select
        * exclude (se, score_distance, importance_distance),
        (1e0 - {{ normal_tail('score_distance') }}) * (1e0 - {{ normal_tail('importance_distance') }})
            as quadrant_probability,
    from placed
    union all by name
    select
        * exclude (cycle_id),
        'provider_unit' as domain_type,
        'perspective' as component_type,
    from lowest
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
    from united
)

select * from final
