-- What those who did not answer could change, of published counts and shown scores (method.md 9).
{{ by_cycle() }}
with
representativeness as (
    select *, nullif(greatest(1 - response_rate, 0), 0) as stayed_away from {{ ref('fieldwork_representativeness') }}
    where cycle_id = '{{ cycle_id() }}'
),

late_and_early as (
    select * from {{ ref('fieldwork_late_and_early') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

scores as (
    select shown_scores.*
    from {{ ref('shown_scores') }} as shown_scores
    inner join settings
        on settings.cycle_id = shown_scores.cycle_id
        and settings.weighting_mode = shown_scores.weighting_mode
    where shown_scores.component_type = 'index'
),

-- Where one band ends and the next begins.
edges as (
    select band_schemes.lower_100 / 25e0 as edge
    from {{ ref('band_schemes') }} as band_schemes
    inner join settings
        on settings.band_scheme_id = band_schemes.band_scheme_id
    qualify band_schemes.lower_100 > min(band_schemes.lower_100) over ()
),

nearest_edges as (
    select
        scores.domain_type,
        scores.domain_id,
        edges.edge as nearest_band_edge,
    from scores
    cross join edges
    where scores.score is not null
    qualify
        row_number() over (
            partition by scores.domain_type, scores.domain_id
            order by abs(scores.score - edges.edge), edges.edge
        ) = 1
),

targets as (
    select
        if(nullif(trim(targets.unit_level_id), '') is null, 'national', 'provider_level') as domain_type,
        coalesce(nullif(trim(targets.unit_level_id), ''), 'national') as domain_id,
        targets.target_score,
    from {{ ref('targets') }} as targets
    inner join {{ ref('survey_cycles') }} as cycles
        on cycles.index_id = targets.index_id
        and cycles.year = targets.year
    where cycles.cycle_id = '{{ cycle_id() }}'
),

-- These speak of everybody, whatever divides the staff.
told_of_all as (
    select
        scores.domain_type,
        scores.domain_id,
        'all' as variable,
        scores.score,
        scores.null_reason,
        nearest_edges.nearest_band_edge,
        targets.target_score,
        late_and_early.* exclude (cycle_id, domain_type, domain_id),
    from scores
    left join nearest_edges using (domain_type, domain_id)
    left join targets using (domain_type, domain_id)
    left join late_and_early using (domain_type, domain_id)
),

final as (
    select
        representativeness.* exclude (stayed_away),
        told_of_all.score,
        told_of_all.nearest_band_edge,
        (told_of_all.score - told_of_all.nearest_band_edge) / representativeness.stayed_away as tipping_difference,
        told_of_all.target_score,
        (told_of_all.score - told_of_all.target_score) / representativeness.stayed_away as tipping_difference_to_target,
        told_of_all.late_minus_early,
        told_of_all.late_minus_early_se,
        told_of_all.null_reason,
    from representativeness
    left join told_of_all
        on told_of_all.domain_type = representativeness.domain_type
        and told_of_all.domain_id = representativeness.domain_id
        and told_of_all.variable = representativeness.variable
)

select * from final
