-- Questions numbered within their instrument: the number names the answer columns downstream.
with
questions as (
    select * from {{ ref('questions') }}
),

unit_levels as (
    select * from {{ ref('unit_levels') }}
),

final as (
    select
        questions.instrument_id,
        cast(
            row_number() over (
                partition by questions.instrument_id order by questions.question_id
            ) as integer
        ) as question_number,
        questions.question_id,
        questions.item_id,
        questions.service_id,
        questions.perspective_id,
        questions.audience_id,
        questions.provider_level_id,
        cast(unit_levels.rank as integer) as provider_level_rank,
        cast(questions.scale_min as integer) as scale_min,
        cast(questions.scale_max as integer) as scale_max,
        lower(trim(coalesce(cast(questions.is_reverse_scored as varchar), ''))) in ('true', '1', 't')
            as is_reverse_scored,
        {{ optional_column(ref('questions'), 'asks', "'performance'") }} as asks,
        questions.question_text,
    from questions
    left join unit_levels
        on unit_levels.unit_level_id = questions.provider_level_id
)

select * from final
