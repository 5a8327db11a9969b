with
cycles as (
    select * from {{ ref('dim_cycles') }}
    where cycle_id in (select cycle_id from {{ ref('idx_scores') }} where domain_type = 'national')
),

regions as (
    select distinct
        cycle_id,
        region_id,
        region_name,
        island_group
    from {{ ref('dim_cycle_units') }}
    where region_id is not null
),

scores as (
    select * from {{ ref('idx_scores') }}
    where domain_type = 'provider_region' and component_type = 'index'
),

bands as (
    select * from {{ ref('dim_bands') }}
),

null_reasons as (
    select * from {{ ref('dim_null_reasons') }}
),

final as (
    select
        cycles.cycle_id,
        cycles.index_id,
        cycles.year,
        cycles.semester,
        cycles.weighting_mode,
        regions.region_id,
        regions.region_name,
        regions.island_group,
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
        case when scores.cycle_id is null then 'no_answers' else scores.null_reason end as null_reason,
        null_reasons.name_id as null_reason_name_id,
        null_reasons.name_en as null_reason_name_en
    from cycles
    inner join regions
        on regions.cycle_id = cycles.cycle_id
    left join scores
        on scores.cycle_id = cycles.cycle_id
        and scores.weighting_mode = cycles.weighting_mode
        and scores.domain_id = regions.region_id
    left join bands
        on bands.band_scheme_id = cycles.band_scheme_id
        and bands.band = scores.band
    left join null_reasons
        on null_reasons.null_reason = case when scores.cycle_id is null then 'no_answers' else scores.null_reason end
)

select * from final
