with
perspectives as (
    select * from {{ ref('perspectives') }}
),

final as (
    select
        index_id,
        perspective_id,
        name_id,
        name_en,
        cast(sort_order as integer) as sort_order,
    from perspectives
)

select * from final
