{{ config(materialized='view') }}
-- A view: it is read when something is published, to see by whom two publications differ
-- (orchestration/publishing/standing.py).
{%- set sentinels = answer_sentinels() %}
{%- set asked = demographic_names() %}
{#- As their hashes are remembered from publications before there were others. #}
{%- set labels = {'gender': 'gender', 'age_group': 'age', 'rank_group': 'rank', 'tenure_group': 'tenure'} %}
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
            'role=' || responses.role_id
            {%- for name, label in labels.items() if name == 'gender' or name in asked %},
            '{{ label }}=' || responses.{{ name }}
            {%- endfor %}
            {%- for number in range(1, answer_slots() + 1) %},
            '{{ number }}=' || nullif(answers.answer_{{ number }}, {{ sentinels.blank }})
            {%- endfor %}
        ) as answers,
        concat_ws(
            ' ',
            ''
            {%- for name in asked if name not in labels %},
            '{{ name }}=' || responses.{{ name }}
            {%- endfor %}
        ) as other_demographics,
    from responses
    inner join answers
        on answers.response_key = responses.response_key
        and answers.cycle_id = responses.cycle_id
)

select * from final
