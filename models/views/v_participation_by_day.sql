with
cycles as (
    select * from {{ ref('dim_cycles') }}
),

units as (
    select * from {{ ref('dim_cycle_units') }}
),

days as (
    select * from {{ ref('fct_participation_days') }}
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
        units.unit_id,
        units.unit_name,
        units.unit_type,
        units.unit_level_id,
        units.unit_level_name_id,
        units.unit_level_name_en,
        units.region_id,
        units.region_name,
        days.day_on,
        days.new_respondent_count,
        days.respondent_count,
        days.required_sample,
        days.required_sample_share,
        days.null_reason,
        null_reasons.name_id as null_reason_name_id,
        null_reasons.name_en as null_reason_name_en
    from days
    inner join cycles
        on cycles.cycle_id = days.cycle_id
    inner join units
        on units.cycle_id = days.cycle_id
        and units.unit_id = days.unit_id
    left join null_reasons
        on null_reasons.null_reason = days.null_reason
)

select * from final
