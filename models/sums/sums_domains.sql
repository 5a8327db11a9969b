-- The domains of each cycle under their numbers.
with
domain_routes as (
    select * from {{ ref('sums_domain_routes') }}
),

final as (
    select distinct
        cycle_id,
        domain_number,
        domain_type,
        domain_id,
    from domain_routes
)

select * from final
