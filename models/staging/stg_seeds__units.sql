-- The versions of units, each with a key.
with
units as (
    select * from {{ ref('units') }}
),

final as (
    select
        md5(unit_id || '|' || cast(valid_from as varchar)) as unit_key,
        unit_id,
        unit_name,
        unit_level_id,
        unit_type,
        region_id,
        nullif(trim(parent_unit_id), '') as parent_unit_id,
        valid_from,
        valid_to,
    from units
)

select * from final
