{{ by_cycle() }}
with
scores as (
    select * from {{ ref('shown_unit_scores') }}
    where cycle_id = '{{ cycle_id() }}'
),

peers as (
    select
        weighting_mode,
        component_text,
        unit_type,
        count(*) as peer_count,
        percentile_cont(0.5) within group (order by score) as median_score,
        percentile_cont(0.75) within group (order by score) as upper_quartile_score,
    from scores
    group by all
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        scores.weighting_mode,
        scores.domain_type,
        scores.domain_id,
        scores.component_type,
        scores.service_id,
        scores.perspective_id,
        scores.unit_type,
        scores.score,
        peers.peer_count,
        peers.median_score,
        peers.upper_quartile_score,
        scores.score - peers.median_score as difference_from_median,
        scores.score - peers.upper_quartile_score as difference_from_upper_quartile,
    from scores
    inner join peers
        on peers.weighting_mode = scores.weighting_mode
        and peers.component_text = scores.component_text
        and peers.unit_type = scores.unit_type
)

select * from final
