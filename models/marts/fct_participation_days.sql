{{ by_cycle() }}
with
final as (
    select * from {{ ref('int_participation_days') }}
    where cycle_id = '{{ cycle_id() }}'
)

select * from final
