with
cycles as (
    select * from {{ ref('dim_cycles') }}
    where cycle_id in (select cycle_id from {{ ref('idx_scores') }} where domain_type = 'national')
),

units as (
    select * from {{ ref('dim_cycle_units') }}
),

services as (
    select * from {{ ref('dim_services') }}
),

perspectives as (
    select * from {{ ref('dim_perspectives') }}
),

scores as (
    select * from {{ ref('idx_scores') }}
    where domain_type = 'provider_unit' and component_type = 'service_perspective'
),

bands as (
    select * from {{ ref('dim_bands') }}
),

null_reasons as (
    select * from {{ ref('dim_null_reasons') }}
),

asked as (
    select distinct
        instrument_id,
        service_id,
        perspective_id,
        provider_level_id
    from {{ ref('dim_questions') }}
    where asks = 'performance'
),

-- The full grid: what the instrument asks of any level, for every unit.
grid as (
    select distinct
        instrument_id,
        service_id,
        perspective_id
    from {{ ref('dim_questions') }}
    where asks = 'performance'
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
        grid.service_id,
        services.name_id as service_name_id,
        services.name_en as service_name_en,
        services.sort_order as service_sort_order,
        grid.perspective_id,
        perspectives.name_id as perspective_name_id,
        perspectives.name_en as perspective_name_en,
        perspectives.sort_order as perspective_sort_order,
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
        scores.answer_count,
        case
            when scores.cycle_id is not null then scores.null_reason
            when asked.instrument_id is not null then 'no_answers'
            else 'not_asked'
        end as null_reason,
        null_reasons.name_id as null_reason_name_id,
        null_reasons.name_en as null_reason_name_en
    from cycles
    inner join units
        on units.cycle_id = cycles.cycle_id
    inner join grid
        on grid.instrument_id = cycles.instrument_id
    left join asked
        on asked.instrument_id = cycles.instrument_id
        and asked.provider_level_id = units.unit_level_id
        and asked.service_id = grid.service_id
        and asked.perspective_id = grid.perspective_id
    left join services
        on services.index_id = cycles.index_id
        and services.service_id = grid.service_id
    left join perspectives
        on perspectives.index_id = cycles.index_id
        and perspectives.perspective_id = grid.perspective_id
    left join scores
        on scores.cycle_id = cycles.cycle_id
        and scores.weighting_mode = cycles.weighting_mode
        and scores.domain_id = units.unit_id
        and scores.service_id = grid.service_id
        and scores.perspective_id = grid.perspective_id
    left join bands
        on bands.band_scheme_id = cycles.band_scheme_id
        and bands.band = scores.band
    left join null_reasons
        on null_reasons.null_reason = case
            when scores.cycle_id is not null then scores.null_reason
            when asked.instrument_id is not null then 'no_answers'
            else 'not_asked'
        end
)

select * from final
