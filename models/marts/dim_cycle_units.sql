with
units as (
    select * from {{ ref('design_units') }}
),

unit_levels as (
    select * from {{ ref('unit_levels') }}
),

regions as (
    select * from {{ ref('regions') }}
),

final as (
    select
        units.cycle_id,
        units.unit_id,
        units.unit_key,
        units.unit_name,
        units.unit_type,
        units.unit_level_id,
        unit_levels.name_id as unit_level_name_id,
        unit_levels.name_en as unit_level_name_en,
        unit_levels.rank as level_rank,
        units.is_rated,
        units.region_id,
        regions.name as region_name,
        regions.island_group,
        units.parent_unit_id,
    from units
    left join unit_levels
        on unit_levels.unit_level_id = units.unit_level_id
    left join regions
        on regions.region_id = units.region_id
)

select * from final
