{{ by_cycle() }}
with
final as (
    select * from {{ ref('participation_by_category') }}
    where cycle_id = '{{ cycle_id() }}'
)

select * from final
