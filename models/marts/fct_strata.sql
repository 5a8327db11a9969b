with
final as (
    select * from {{ ref('int_strata') }}
)

select * from final
