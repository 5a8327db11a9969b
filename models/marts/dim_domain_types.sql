with
final as (
    select
        domain_types.domain_type,
        domain_types.name_id,
        domain_types.name_en,
        domain_types.sort_order,
    from {{ domain_types() }}
)

select * from final
