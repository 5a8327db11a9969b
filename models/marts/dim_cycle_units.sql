with
cycle_units as (
    select * from {{ ref('int_cycle_units') }}
),

units as (
    select * from {{ ref('dim_units') }}
),

unit_levels as (
    select * from {{ ref('dim_unit_levels') }}
),

questions as (
    select * from {{ ref('dim_questions') }}
),

rated_levels as (
    select distinct
        cycles.cycle_id,
        questions.provider_level_id,
    from {{ ref('survey_cycles') }} as cycles
    inner join questions
        on questions.instrument_id = cycles.instrument_id
    where questions.asks = 'performance'
),

regions as (
    select * from {{ ref('dim_regions') }}
),

final as (
    select
        cycle_units.cycle_id,
        units.unit_id,
        units.unit_key,
        units.unit_name,
        units.unit_type,
        units.unit_level_id,
        unit_levels.name_id as unit_level_name_id,
        unit_levels.name_en as unit_level_name_en,
        unit_levels.level_rank,
        rated_levels.cycle_id is not null as is_rated,
        units.region_id,
        regions.name as region_name,
        regions.island_group,
        units.parent_unit_id,
    from cycle_units
    inner join units
        on units.unit_key = cycle_units.unit_key
    left join unit_levels
        on unit_levels.unit_level_id = units.unit_level_id
    left join rated_levels
        on rated_levels.cycle_id = cycle_units.cycle_id
        and rated_levels.provider_level_id = units.unit_level_id
    left join regions
        on regions.region_id = units.region_id
)

select * from final
