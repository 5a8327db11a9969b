with
final as (
    select * from {{ ref('weights_strata') }}
)

select * from final
