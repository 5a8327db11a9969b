with
regions as (
    select * from {{ ref('regions') }}
),

final as (
    select
        region_id,
        iso_3166_2,
        name,
        island_group,
        cast({{ optional_column(ref('regions'), 'tile_row') }} as integer) as tile_row,
        cast({{ optional_column(ref('regions'), 'tile_column') }} as integer) as tile_column,
    from regions
)

select * from final
