{{ config(materialized='table') }}
-- Until when a response of the headline role is of the first third of this cycle's, and since when of the
-- last. Those of one instant are of one third: where it would be cut, they are of none.
with
responses as (
    select submitted_at from {{ ref('weights_by_response') }}
    where
        cycle_id = '{{ cycle_id() }}' and is_accepted
        and role_id = {{ headline_role() }} and submitted_at is not null
),

instants as (
    select
        submitted_at,
        count(*) as response_count,
    from responses
    group by submitted_at
),

placed as (
    select
        submitted_at,
        sum(response_count) over (order by submitted_at) as until_count,
        sum(response_count) over (order by submitted_at desc) as since_count,
        sum(response_count) over () as response_count,
    from instants
),

final as (
    select
        max(submitted_at) filter (where 3 * until_count <= response_count) as early_until,
        min(submitted_at) filter (where 3 * since_count <= response_count) as late_since,
    from placed
)

select * from final
