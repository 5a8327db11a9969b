-- How many persons answered in both cycles, by the strata that they were in.
{{ by_cycle() }}
with
persons as (
    select * from {{ ref('ratings_in_both_cycles') }}
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        previous_stratum_number,
        stratum_number,
        count(*) as overlap_count,
    from persons
    group by all
)

select * from final
