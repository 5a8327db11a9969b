{{ config(materialized='table') }}
-- What the accepted respondents of the previous cycle rated (macros/ratings.sql), for a comparison on a
-- tree that is not its own; empty where there is no previous cycle.
with
final as (
    {{ ratings(previous_cycle_id()) }}
)

select * from final
