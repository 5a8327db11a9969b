-- Each response and answer that does not count, and its cell: kept, since raw files alone hold texts.
{%- set instrument = instrument_questions() %}
{{ by_cycle() }}
with
responses as (
    select * from {{ ref('weights_by_response') }}
    where cycle_id = '{{ cycle_id() }}' and (not is_accepted or rejected_count > 0)
),

exported as (
    select exported.* from {{ ref('stg_raw__survey_responses') }} as exported
    inner join responses on responses.response_key = exported.response_key
),

questions as (
    select question_id, question_number from {{ ref('stg_seeds__questions') }}
    where instrument_id in (select instrument_id from {{ ref('survey_cycles') }} where cycle_id = '{{ cycle_id() }}')
),

export_files as (
    select * from {{ ref('stg_raw__export_files') }}
    where cycle_id = '{{ cycle_id() }}' and kind = 'survey_responses'
),

answers as (
    select
        responses.response_key,
        questions.question_id,
        {%- for source in ['codes', 'exported'] %}
        case questions.question_number
            {%- for question in instrument %}
            when {{ question.question_number }} then {{ source }}.answer_{{ question.question_number }}
            {%- else %}
            when null then null
            {%- endfor %}
        end as {{ 'code' if source == 'codes' else 'cell' }},
        {%- endfor %}
    from responses
    inner join {{ ref('responses_answered') }} as codes
        on codes.cycle_id = responses.cycle_id
        and codes.response_key = responses.response_key
    inner join exported
        on exported.response_key = responses.response_key
    cross join questions
    where responses.is_accepted
),

rejected as (
    select
        response_key,
        'answer' as rejected,
        {{ answer_rejection_reason('code') }} as rejection_reason,
        'question' as target_kind,
        question_id as target,
        cell,
    from answers
    where {{ answer_rejection_reason('code') }} is not null
    union all
    select
        responses.response_key,
        'response' as rejected,
        responses.rejection_reason,
        'attribute' as target_kind,
        {{ deciding_attribute('responses.rejection_reason') }} as target,
        case {{ deciding_attribute('responses.rejection_reason') }}
            {%- for attribute in ['is_test', 'submitted_at', 'unit_id', 'recipient_category_id', 'role_id'] %}
            when '{{ attribute }}' then exported.{{ attribute }}
            {%- endfor %}
        end as cell,
    from responses
    inner join exported
        on exported.response_key = responses.response_key
    where not responses.is_accepted
),

final as (
    select
        responses.cycle_id,
        rejected.response_key,
        rejected.rejected,
        rejected.rejection_reason,
        export_files.name as file_name,
        responses._file_sha256,
        responses._source_row,
        mapped_columns.source_column,
        rejected.target,
        {{ without_identifiers('rejected.cell') }} as value,
    from rejected
    inner join responses
        on responses.response_key = rejected.response_key
    inner join export_files
        on export_files.sha256 = responses._file_sha256
    left join {{ headings_by_target() }} as mapped_columns
        on mapped_columns.profile_id = responses.profile_id
        and mapped_columns.target_kind = rejected.target_kind
        and mapped_columns.target = rejected.target
)

select * from final
