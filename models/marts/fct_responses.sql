{{ config(materialized='view') }}
-- A view: responses are stored once (weights_by_response), and grow with those who answer.
with
final as (
    select * from {{ ref('weights_by_response') }}
)

select * from final
