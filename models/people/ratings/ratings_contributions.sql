{{ config(materialized='view') }}
-- A view: it is read when something is published, to see by whom two publications differ
-- (orchestration/publishing/standing.py).
{%- set sentinels = answer_sentinels() %}
with
responses as (
    select * from {{ ref('weights_by_response') }}
    where is_accepted
),

answers as (
    select * from {{ ref('responses_answered') }}
),

final as (
    select
        responses.cycle_id,
        responses._file_sha256,
        responses._source_row,
        concat_ws(
            ' ',
            'unit=' || responses.unit_id,
            'category=' || responses.recipient_category_id,
            'role=' || responses.role_id,
            'gender=' || responses.gender,
            'age=' || responses.age_group,
            'rank=' || responses.rank_group,
            'tenure=' || responses.tenure_group
            {%- for number in range(1, answer_slots() + 1) %},
            '{{ number }}=' || nullif(answers.answer_{{ number }}, {{ sentinels.blank }})
            {%- endfor %}
        ) as answers,
    from responses
    inner join answers
        on answers.response_key = responses.response_key
        and answers.cycle_id = responses.cycle_id
)

select * from final
