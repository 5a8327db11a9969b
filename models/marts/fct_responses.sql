{{ config(materialized='view') }}
-- A view: responses are stored once (int_responses), and grow with those who answer.
with
final as (
    select * from {{ ref('int_responses') }}
)

select * from final
