{{ config(materialized='view') }}
-- A view, so that a publication holds the record as it is when it is written, its own run included.
with
final as (
    select * from {{ ref('stg_audit__runs') }}
)

select * from final
