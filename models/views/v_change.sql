with
cycles as (
    select * from {{ ref('dim_cycles') }}
),

units as (
    select * from {{ ref('dim_cycle_units') }}
),

changes as (
    select * from {{ ref('idx_changes') }}
    where domain_type = 'provider_unit' and component_type = 'index'
),

verdicts as (
    select * from {{ ref('dim_verdicts') }}
),

null_reasons as (
    select * from {{ ref('dim_null_reasons') }}
),

final as (
    select
        cycles.cycle_id,
        changes.previous_cycle_id,
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
        changes.score_previous,
        changes.score,
        changes.delta,
        changes.se,
        cycles.reported_scale,
        changes.score_previous * (cycles.reported_scale / 4.0) as reported_score_previous,
        changes.score * (cycles.reported_scale / 4.0) as reported_score,
        changes.delta * (cycles.reported_scale / 4.0) as reported_delta,
        changes.p_value,
        changes.p_adjusted,
        changes.is_changed,
        changes.verdict,
        verdicts.name_id as verdict_name_id,
        verdicts.name_en as verdict_name_en,
        changes.minimum_detectable_change,
        changes.is_same_method,
        changes.shared_item_share,
        changes.null_reason,
        null_reasons.name_id as null_reason_name_id,
        null_reasons.name_en as null_reason_name_en
    from changes
    inner join cycles
        on cycles.cycle_id = changes.cycle_id
        and cycles.weighting_mode = changes.weighting_mode
    inner join units
        on units.cycle_id = changes.cycle_id
        and units.unit_id = changes.domain_id
    left join verdicts
        on verdicts.verdict = changes.verdict
    left join null_reasons
        on null_reasons.null_reason = changes.null_reason
)

select * from final
