{{ by_cycle() }}
with
final as (
    select * from {{ ref('int_participation_units') }}
    where cycle_id = '{{ cycle_id() }}'
)

select * from final
