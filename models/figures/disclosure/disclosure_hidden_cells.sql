-- The cells that no table may show a figure of, in any weighting mode.
{{ by_cycle() }}
with
verdicts as (
    select * from {{ ref('disclosure_cell_verdicts') }}
    where cycle_id = '{{ cycle_id() }}'
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        domain_type,
        domain_id,
        component_type,
        service_id,
        perspective_id,
        item_id,
        reason,
        is_exposed,
    from verdicts
    where is_hidden
)

select * from final
