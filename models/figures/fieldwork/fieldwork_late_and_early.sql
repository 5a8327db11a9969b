-- By how much the index of those who answered last lies above that of those who answered first, where
-- both could be shown, as coarsely as they would be (method.md 10). The difference alone: with the
-- domain's score, a third's own would tell what the others said.
{{ by_cycle() }}
with
thirds as (
    select * from {{ ref('scores_late_and_early') }}
    where cycle_id = '{{ cycle_id() }}'
),

domains as (
    select * from {{ ref('sums_domains') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

bases as (
    select scores_bases.*
    from {{ ref('scores_bases') }} as scores_bases
    inner join {{ ref('design_components') }} as components
        on components.cycle_id = scores_bases.cycle_id
        and components.component_number = scores_bases.component_number
        and components.component_type = 'index'
    inner join settings
        on settings.cycle_id = scores_bases.cycle_id
        and settings.weighting_mode = scores_bases.weighting_mode
),

scores as (
    select shown_scores.*
    from {{ ref('shown_scores') }} as shown_scores
    inner join settings
        on settings.cycle_id = shown_scores.cycle_id
        and settings.weighting_mode = shown_scores.weighting_mode
    where shown_scores.component_type = 'index'
),

-- A step moves a third's index by a point of its heaviest person at least (method.md 10, rounding).
weighed as (
    select
        domains.domain_type,
        domains.domain_id,
        scores.score,
        coalesce(scores.score_step, 0) as score_step,
        thirds.late_score - thirds.early_score as difference,
        sqrt(thirds.variance) as se,
        thirds.early_weight / bases.weight_sum as early_share,
        thirds.late_weight / bases.weight_sum as late_share,
        thirds.largest_weight / least(thirds.early_weight, thirds.late_weight) as person_share,
        bases.respondent_count - thirds.early_count - thirds.late_count as others,
        least(thirds.early_count, thirds.late_count, others) as fewest,
        settings.min_cell_n,
        settings.disclosure_interval,
    from thirds
    cross join settings
    inner join domains
        on domains.domain_number = thirds.domain_number
    inner join bases
        on bases.domain_number = thirds.domain_number
    inner join scores
        on scores.domain_type = domains.domain_type
        and scores.domain_id = domains.domain_id
),

stepped as (
    select
        *,
        case
            {%- for step in [0.01, 0.02, 0.05, 0.1, 0.2] %}
            when person_share <= {{ step }} then greatest(score_step, {{ step }}e0)
            {%- endfor %}
        end as step,
        -- How far from an end of the scale score and difference let either third's lie.
        least(4 - score, score - 1) - greatest(early_share, late_share) * abs(difference) as least_room,
        least_room / (early_share + late_share) as room,
        -- The most that fewer than min_cell_n persons can weigh in a third.
        least(1, (min_cell_n - 1) * person_share) as few_share,
    from weighed
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        domain_type,
        domain_id,
        {{ rounded_to('difference', 'step') }} as late_minus_early,
        case when se is not null then greatest({{ rounded_to('se', 'step / 2') }}, 2e0 * step) end as late_minus_early_se,
    from stepped
    where
        fewest >= min_cell_n and step is not null
        and room > few_share * disclosure_interval
)

select * from final
