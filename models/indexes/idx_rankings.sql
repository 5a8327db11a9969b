{{ by_cycle() }}
with
scores as (
    select * from {{ ref('shown_unit_scores') }}
    where cycle_id = '{{ cycle_id() }}' and component_type in ('index', 'service')
),

rank_intervals as (
    select * from {{ ref('ranks_intervals') }}
    where cycle_id = '{{ cycle_id() }}'
),

rank_sets as (
    select * from {{ ref('ranks_sets') }}
    where cycle_id = '{{ cycle_id() }}'
),

shrunken_scores as (
    select * from {{ ref('ranks_shrunken_scores') }}
    where cycle_id = '{{ cycle_id() }}'
),

ranked as (
    select
        *,
        -- Scores that are shown as equal share a rank.
        cast(rank() over (
            partition by weighting_mode, component_text, unit_level_id, unit_type
            order by score desc
        ) as bigint) as unit_rank,
        count(*) over (
            partition by weighting_mode, component_text, unit_level_id, unit_type
        ) as ranked_unit_count,
    from scores
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        ranked.weighting_mode,
        ranked.domain_type,
        ranked.domain_id,
        ranked.component_type,
        ranked.service_id,
        ranked.unit_level_id,
        ranked.unit_type,
        ranked.score,
        ranked.se,
        ranked.unit_rank,
        case when ranked.se is not null then rank_intervals.rank_draw_low end as rank_draw_low,
        case when ranked.se is not null then rank_intervals.rank_draw_high end as rank_draw_high,
        ranked.ranked_unit_count,
        shrunken_scores.shrunken_score,
        rank_sets.rank_set_low,
        rank_sets.rank_set_high,
        rank_sets.is_certainly_top,
        rank_sets.is_certainly_bottom,
    from ranked
    inner join rank_intervals
        on rank_intervals.weighting_mode = ranked.weighting_mode
        and rank_intervals.domain_id = ranked.domain_id
        and rank_intervals.component_text = ranked.component_text
    left join rank_sets
        on rank_sets.weighting_mode = ranked.weighting_mode
        and rank_sets.domain_id = ranked.domain_id
        and rank_sets.component_text = ranked.component_text
    left join shrunken_scores
        on shrunken_scores.weighting_mode = ranked.weighting_mode
        and shrunken_scores.domain_id = ranked.domain_id
        and shrunken_scores.component_text = ranked.component_text
)

select * from final
