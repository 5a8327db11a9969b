{{ by_cycle() }}
with
final as (
    select * from {{ ref('sums_files') }}
    where cycle_id = '{{ cycle_id() }}'
)

select * from final
