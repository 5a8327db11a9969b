{%- set distance = '(abs(scores.score - aims.target_score) / nullif(scores.se, 0))' %}
{%- set df = 'greatest(1, scores.df)' %}
{{ by_cycle() }}
with
scores as (
    -- An interval of width 0 says nothing of who was not asked.
    select *, ci_low < ci_high as has_width from {{ ref('shown_scores') }}
    where cycle_id = '{{ cycle_id() }}'
),

targets as (
    select * from {{ ref('targets') }}
),

cycles as (
    select * from {{ ref('survey_cycles') }}
    where cycle_id = '{{ cycle_id() }}'
),

modes as (
    select distinct weighting_mode from scores
),

aims as (
    select
        modes.weighting_mode,
        case when nullif(trim(targets.unit_level_id), '') is null then 'national' else 'provider_level' end
            as domain_type,
        coalesce(nullif(trim(targets.unit_level_id), ''), 'national') as domain_id,
        targets.target_score,
    from targets
    inner join cycles
        on cycles.index_id = targets.index_id
        and cycles.year = targets.year
    cross join modes
),

-- A level that nobody rated has a target all the same, and no score.
compared as (
    select
        '{{ cycle_id() }}' as cycle_id,
        aims.weighting_mode,
        aims.domain_type,
        aims.domain_id,
        scores.score,
        aims.target_score,
        scores.score - aims.target_score as difference,
        scores.score / nullif(aims.target_score, 0) as achievement_share,
        scores.score >= aims.target_score as is_reached,
        case when scores.has_width then scores.ci_low >= aims.target_score end as is_certainly_reached,
        case when scores.has_width then scores.ci_high < aims.target_score end as is_certainly_missed,
        -- Of Student's t around the score.
        case
            when scores.score >= aims.target_score then 1 - {{ student_tail(distance, df) }}
            else {{ student_tail(distance, df) }}
        end as reached_probability,
        case when scores.domain_id is null then 'no_answers' else scores.null_reason end as null_reason,
    from aims
    left join scores
        on scores.weighting_mode = aims.weighting_mode
        and scores.domain_type = aims.domain_type
        and scores.domain_id = aims.domain_id
        and scores.component_type = 'index'
),

final as (
    select
        * exclude (null_reason),
        case
            when score is null then null
            when is_certainly_reached then 'reached'
            when is_certainly_missed then 'missed'
            else 'unknown'
        end as verdict,
        null_reason,
    from compared
)

select * from final
