with
unit_levels as (
    select * from {{ ref('unit_levels') }}
),

final as (
    select
        unit_level_id,
        name_id,
        name_en,
        rank as level_rank,
    from unit_levels
)

select * from final
