with
cycles as (
    select * from {{ ref('dim_cycles') }}
),

units as (
    select * from {{ ref('dim_cycle_units') }}
),

perspectives as (
    select * from {{ ref('dim_perspectives') }}
),

priorities as (
    select * from {{ ref('idx_priorities') }}
    where domain_type = 'provider_unit' and lowest_rank is not null
),

scores as (
    select * from {{ ref('idx_scores') }}
    where domain_type = 'provider_unit' and component_type = 'perspective'
),

bands as (
    select * from {{ ref('dim_bands') }}
),

final as (
    select
        cycles.cycle_id,
        cycles.index_id,
        cycles.year,
        cycles.semester,
        cycles.weighting_mode,
        units.unit_id,
        units.unit_name,
        units.unit_type,
        units.unit_level_id,
        units.unit_level_name_id,
        units.unit_level_name_en,
        units.region_id,
        units.region_name,
        priorities.lowest_rank,
        priorities.is_lowest_certain,
        priorities.perspective_id,
        perspectives.name_id as perspective_name_id,
        perspectives.name_en as perspective_name_en,
        scores.score,
        scores.se,
        cycles.ci_level,
        scores.ci_low,
        scores.ci_high,
        cycles.reported_scale,
        scores.score * (cycles.reported_scale / 4.0) as reported_score,
        scores.ci_low * (cycles.reported_scale / 4.0) as reported_ci_low,
        scores.ci_high * (cycles.reported_scale / 4.0) as reported_ci_high,
        scores.band,
        bands.label_id as band_name_id,
        bands.label_en as band_name_en,
        scores.is_band_certain,
        scores.respondent_count,
        scores.answer_count
    from priorities
    inner join cycles
        on cycles.cycle_id = priorities.cycle_id
        and cycles.weighting_mode = priorities.weighting_mode
    inner join units
        on units.cycle_id = priorities.cycle_id
        and units.unit_id = priorities.domain_id
    inner join scores
        on scores.cycle_id = priorities.cycle_id
        and scores.weighting_mode = priorities.weighting_mode
        and scores.domain_id = priorities.domain_id
        and scores.perspective_id = priorities.perspective_id
    left join perspectives
        on perspectives.index_id = cycles.index_id
        and perspectives.perspective_id = priorities.perspective_id
    left join bands
        on bands.band_scheme_id = cycles.band_scheme_id
        and bands.band = scores.band
)

select * from final
