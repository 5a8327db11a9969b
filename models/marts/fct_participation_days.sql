{{ by_cycle() }}
with
final as (
    select * from {{ ref('participation_by_day') }}
    where cycle_id = '{{ cycle_id() }}'
)

select * from final
