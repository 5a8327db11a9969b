-- How the items of each set were answered: of an audience, the answers to its own questions.
{{ by_cycle() }}
with
item_sets as (
    select * from {{ ref('design_item_sets') }}
    where cycle_id = '{{ cycle_id() }}'
),

answer_counts as (
    select * from {{ ref('sums_item_answers') }}
    where cycle_id = '{{ cycle_id() }}'
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        item_sets.set_type,
        item_sets.set_id,
        item_sets.component_number,
        cast(sum(answer_counts.asked_count) as bigint) as asked_count,
        cast(sum(answer_counts.blank_count) as bigint) as blank_count,
        cast(sum(answer_counts.rated_count) as bigint) as rated_count,
        cast(sum(answer_counts.ceiling_count) as bigint) as ceiling_count,
    from item_sets
    inner join answer_counts
        on answer_counts.component_number = item_sets.component_number
        and (item_sets.set_type <> 'audience' or answer_counts.audience_id = item_sets.set_id)
    group by all
)

select * from final
