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
    from regions
)

select * from final
