with
cycles as (
    select * from {{ ref('dim_cycles') }}
),

scores as (
    select * from {{ ref('idx_scores') }}
    where domain_type = 'national' and component_type = 'index'
),

targets as (
    select * from {{ ref('idx_targets') }}
    where domain_type = 'national'
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
        cycles.index_name_id,
        cycles.index_name_en,
        cycles.year,
        cycles.semester,
        cycles.opens_on,
        cycles.closes_on,
        cycles.weighting_mode,
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
        targets.target_score,
        targets.difference as target_difference,
        targets.is_reached,
        targets.is_certainly_reached,
        scores.respondent_count,
        scores.answer_count,
        scores.null_reason,
        null_reasons.name_id as null_reason_name_id,
        null_reasons.name_en as null_reason_name_en
    from cycles
    inner join scores
        on scores.cycle_id = cycles.cycle_id
        and scores.weighting_mode = cycles.weighting_mode
    left join targets
        on targets.cycle_id = cycles.cycle_id
        and targets.weighting_mode = cycles.weighting_mode
    left join bands
        on bands.band_scheme_id = cycles.band_scheme_id
        and bands.band = scores.band
    left join null_reasons
        on null_reasons.null_reason = scores.null_reason
)

select * from final
