-- Which questions a profile's exports hold.
with
export_columns as (
    select * from {{ ref('export_columns') }}
),

final as (
    select distinct
        profile_id,
        target as question_id,
    from export_columns
    where target_kind = 'question'
)

select * from final
