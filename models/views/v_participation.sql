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

staff as (
    select
        cycle_id,
        unit_id,
        cast(sum(staff_count) as bigint) as staff_count
    from {{ ref('fct_participation') }}
    where role_id = 'penerima'
    group by cycle_id, unit_id
),

final as (
    select
        cycles.cycle_id,
        cycles.index_id,
        cycles.year,
        cycles.semester,
        cycles.opens_on,
        cycles.closes_on,
        units.unit_id,
        units.unit_name,
        units.unit_type,
        units.unit_level_id,
        units.unit_level_name_id,
        units.unit_level_name_en,
        units.region_id,
        units.region_name,
        staff.staff_count,
        days.respondent_count,
        cast(days.respondent_count as double precision) / nullif(staff.staff_count, 0) as response_rate,
        days.required_sample,
        days.required_sample_share,
        case
            when days.respondent_count < days.required_sample then days.required_sample - days.respondent_count
            when days.respondent_count >= days.required_sample then 0
        end as shortfall,
        days.respondent_count >= days.required_sample as is_sufficient,
        days.null_reason,
        null_reasons.name_id as null_reason_name_id,
        null_reasons.name_en as null_reason_name_en
    from days
    inner join cycles
        on cycles.cycle_id = days.cycle_id
        -- Counts are cumulated: the last day holds all that came.
        and cycles.closes_on = days.day_on
    inner join units
        on units.cycle_id = days.cycle_id
        and units.unit_id = days.unit_id
    inner join staff
        on staff.cycle_id = days.cycle_id
        and staff.unit_id = days.unit_id
    left join null_reasons
        on null_reasons.null_reason = days.null_reason
)

select * from final
