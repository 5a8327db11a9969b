with
roles as (
    select * from {{ ref('roles') }}
),

final as (
    select
        role_id,
        name_id,
        name_en,
    from roles
)

select * from final
