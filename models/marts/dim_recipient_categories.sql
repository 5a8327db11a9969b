with
recipient_categories as (
    select * from {{ ref('recipient_categories') }}
),

final as (
    select
        recipient_category_id,
        name_id,
        name_en,
    from recipient_categories
)

select * from final
