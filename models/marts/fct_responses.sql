{{ config(materialized='view') }}
-- A view: responses are stored once (weights_by_response), and grow with those who answer. A contract names
-- its columns: what a survey asks of people beside these four lies in one of them.
{%- set asked = demographic_names() %}
{%- set columns = ['gender', 'age_group', 'rank_group', 'tenure_group'] %}
{%- set others = asked | reject('in', columns) | list %}
with
responses as (
    select * from {{ ref('weights_by_response') }}
),

final as (
    select
        response_key,
        cycle_id,
        profile_id,
        response_id,
        respondent_key,
        unit_id,
        recipient_category_id,
        role_id,
        {%- for name in columns %}
        {{ name if name in ['gender'] + asked else 'null::varchar' }} as {{ name }},
        {%- endfor %}
        map(
            cast([{% for name in others %}'{{ name }}'{{ ', ' if not loop.last }}{% endfor %}] as varchar[]),
            cast([{{ others | join(', ') }}] as varchar[])
        ) as other_demographics,
        submitted_at,
        started_at,
        is_accepted,
        rejection_reason,
        is_straight_lining,
        is_speeding,
        is_category_mismatch,
        stratum_id,
        stratum_number,
        weight_cell_number,
        respondent_weight,
        routed_question_count,
        valid_count,
        not_available_count,
        not_used_count,
        blank_count,
        rejected_count,
        _file_sha256,
        _source_row,
    from responses
)

select * from final
