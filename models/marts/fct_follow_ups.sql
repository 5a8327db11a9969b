with
follow_ups as (
    select * from {{ ref('follow_ups') }}
),

final as (
    select
        cycle_id,
        unit_id,
        perspective_id,
        action,
        owner,
        due_on,
        status,
    from follow_ups
)

select * from final
