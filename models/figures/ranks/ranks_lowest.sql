-- Each unit's three lowest perspectives among those that are shown, and whether they are so beyond chance:
-- the rank itself tells on a score.
{{ by_cycle() }}
with
scores as (
    select * from {{ ref('shown_scores') }}
    where
        cycle_id = '{{ cycle_id() }}'
        and domain_type = 'provider_unit'
        and component_type = 'perspective'
        and score is not null
),

ranked as (
    select
        *,
        cast(row_number() over (
            partition by weighting_mode, domain_id
            order by score, perspective_id
        ) as integer) as lowest_rank,
    from scores
    -- One alone is the lowest of nothing.
    qualify count(*) over (partition by weighting_mode, domain_id) > 1
),

-- Where a perspective above has no error, nobody knows how low it may be; where none is above, there is nothing
-- to stand below.
above as (
    select
        weighting_mode,
        domain_id,
        min(ci_low) as ci_low,
        bool_and(se is not null) as is_every_error_known,
    from ranked
    where lowest_rank > 3
    group by all
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        ranked.weighting_mode,
        ranked.domain_id,
        ranked.perspective_id,
        ranked.score,
        ranked.lowest_rank,
        case when ranked.se is not null and above.is_every_error_known then ranked.ci_high < above.ci_low end
            as is_lowest_certain,
    from ranked
    left join above using (weighting_mode, domain_id)
    where ranked.lowest_rank <= 3
)

select * from final
