with
cycles as (
    select * from {{ ref('survey_cycles') }}
),

settings as (
    select * from {{ ref('design_settings') }}
),

computed as (
    select distinct cycle_id from {{ ref('sums_files') }}
    where response_count > 0
),

indexes as (
    select
        index_id,
        name_id,
        name_en,
        cast({{ optional_column(ref('indexes'), 'reported_scale', "'4'") }} as integer) as reported_scale,
    from {{ ref('indexes') }}
),

final as (
    select
        cycles.cycle_id,
        cycles.index_id,
        indexes.name_id as index_name_id,
        indexes.name_en as index_name_en,
        indexes.reported_scale,
        cycles.instrument_id,
        cycles.method_id,
        case
            when computed.cycle_id is null then settings.method_weighting_mode
            else settings.weighting_mode
        end as weighting_mode,
        case
            when computed.cycle_id is not null
                and settings.weighting_mode <> settings.method_weighting_mode
                then settings.method_weighting_mode
        end as absent_mode,
        case when absent_mode is not null then 'no_staff_frame' end as absent_mode_reason,
        settings.band_scheme_id,
        settings.ci_level,
        settings.min_cell_n,
        cast(cycles.year as integer) as year,
        cast(cycles.semester as varchar) as semester,
        cycles.opens_on,
        cycles.closes_on,
        cycles.previous_cycle_id,
        cycles.status,
        {{ optional_column(ref('survey_cycles'), 'reports', "'false'") }} = 'true' as reports,
    from cycles
    inner join settings
        on settings.cycle_id = cycles.cycle_id
    left join computed
        on computed.cycle_id = cycles.cycle_id
    left join indexes
        on indexes.index_id = cycles.index_id
)

select * from final
