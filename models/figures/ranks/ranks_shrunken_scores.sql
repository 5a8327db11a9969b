-- Units shrunk towards the mean of their level and type (empirical Bayes; Morris 1983, JASA 78, 47-55):
-- own weight tau^2 / (tau^2 + se^2), with the spread between units tau^2 by DerSimonian & Laird (1986,
-- Controlled Clinical Trials 7, 177-188). Weights 1 / se^2 are taken relative to the largest of the
-- group, which leaves the formulas as they are and keeps sums within fixed-point numbers.
{{ by_cycle() }}
with
scores as (
    select * from {{ ref('shown_unit_scores') }}
    where cycle_id = '{{ cycle_id() }}' and component_type in ('index', 'service')
),

-- An error of 0 is an endless weight: such a unit stands for itself, and tells nothing of the rest.
estimated as (
    select
        *,
        se * se as variance,
        min(se * se) over (
            partition by weighting_mode, component_text, unit_level_id, unit_type
        ) as least_variance,
    from scores
    where se > 0
),

fixed_means as (
    select
        weighting_mode,
        component_text,
        unit_level_id,
        unit_type,
        {{ stable_sum('least_variance / variance * score') }} / {{ stable_sum('least_variance / variance') }}
            as fixed_mean,
    from estimated
    group by all
),

spreads as (
    select
        weighting_mode,
        component_text,
        unit_level_id,
        unit_type,
        greatest(
            0,
            (
                {{ stable_sum('least_variance / variance * pow(score - fixed_mean, 2)') }}
                - max(least_variance) * (count(*) - 1)
            ) / nullif(
                {{ stable_sum('least_variance / variance') }}
                - {{ stable_sum('pow(least_variance / variance, 2)') }} / {{ stable_sum('least_variance / variance') }},
                0
            )
        ) as tau_square,
    from estimated
    inner join fixed_means
        using (weighting_mode, component_text, unit_level_id, unit_type)
    group by all
    having count(*) > 1
),

means as (
    select
        weighting_mode,
        component_text,
        unit_level_id,
        unit_type,
        tau_square,
        {{ stable_sum('(tau_square + least_variance) / (tau_square + variance) * score') }}
            / {{ stable_sum('(tau_square + least_variance) / (tau_square + variance)') }} as mean_score,
    from estimated
    inner join spreads
        using (weighting_mode, component_text, unit_level_id, unit_type)
    group by all
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        weighting_mode,
        scores.domain_id,
        component_text,
        means.tau_square,
        means.mean_score,
        case
            when scores.se = 0 then scores.score
            else means.mean_score
                + means.tau_square / (means.tau_square + scores.se * scores.se)
                * (scores.score - means.mean_score)
        end as shrunken_score,
    from scores
    inner join means
        using (weighting_mode, component_text, unit_level_id, unit_type)
)

select * from final
