with
services as (
    select * from {{ ref('services') }}
),

final as (
    select
        index_id,
        service_id,
        name_id,
        name_en,
        cast(sort_order as integer) as sort_order,
    from services
)

select * from final
