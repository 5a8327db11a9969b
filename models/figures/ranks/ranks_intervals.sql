-- How far a unit's rank may lie from where its score puts it (method.md 6): rank_draws times, every
-- unit draws a score from N(score, se) and all are ranked anew. A score without a se stands still.
{{ by_cycle() }}
with
scores as (
    select * from {{ ref('shown_unit_scores') }}
    where cycle_id = '{{ cycle_id() }}' and component_type in ('index', 'service')
),

settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

draws as (
    select
        cast(random_seed as bigint) as random_seed,
        rank_draws,
        ci_level,
        {{ each_number('rank_draws') }} as draw_number,
    from settings
),

-- A unit has the same luck in both weighting modes, so that these differ by their scores alone.
chances as (
    select
        units.domain_id,
        units.component_text,
        draws.draw_number,
        {{ hash_uniform(
            "draws.random_seed || '|" ~ cycle_id() ~ "|' || units.domain_id || '|'"
            ~ " || units.component_text || '|' || draws.draw_number"
        ) }} as chance,
    from (select distinct domain_id, component_text from scores) as units
    cross join draws
),

deviates as (
    select
        domain_id,
        component_text,
        draw_number,
        {{ normal_quantile('chance') }} as deviate,
    from chances
),

ranked as (
    select
        scores.weighting_mode,
        scores.domain_id,
        scores.component_text,
        row_number() over (
            partition by
                scores.weighting_mode,
                scores.component_text,
                scores.unit_level_id,
                scores.unit_type,
                deviates.draw_number
            order by scores.score + coalesce(scores.se * deviates.deviate, 0) desc, scores.domain_id
        ) as drawn_rank,
    from scores
    inner join deviates
        on deviates.domain_id = scores.domain_id
        and deviates.component_text = scores.component_text
),

shares as (
    select
        weighting_mode,
        domain_id,
        component_text,
        drawn_rank,
        cast(sum(count(*)) over (
            partition by weighting_mode, domain_id, component_text order by drawn_rank
        ) as double) as draws_up_to,
    from ranked
    group by weighting_mode, domain_id, component_text, drawn_rank
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        shares.weighting_mode,
        shares.domain_id,
        shares.component_text,
        cast(min(shares.drawn_rank) filter (
            where shares.draws_up_to >= (1 - settings.ci_level) / 2 * settings.rank_draws
        ) as bigint) as rank_draw_low,
        cast(min(shares.drawn_rank) filter (
            where shares.draws_up_to >= (1 + settings.ci_level) / 2 * settings.rank_draws
        ) as bigint) as rank_draw_high,
    from shares
    cross join settings
    group by all
)

select * from final
