with
questions as (
    select * from {{ ref('stg_seeds__questions') }}
),

final as (
    select
        instrument_id,
        question_id,
        question_number,
        item_id,
        service_id,
        perspective_id,
        audience_id,
        provider_level_id,
        provider_level_rank,
        scale_min,
        scale_max,
        is_reverse_scored,
        asks,
        question_text,
    from questions
)

select * from final
