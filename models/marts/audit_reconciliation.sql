{{ by_cycle() }}
with
final as (
    select * from {{ ref('int_file_counts') }}
    where cycle_id = '{{ cycle_id() }}'
)

select * from final
