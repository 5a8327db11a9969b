{{ by_cycle() }}
with
export_files as (
    select * from {{ ref('stg_raw__export_files') }}
    where cycle_id = '{{ cycle_id() }}' and kind = 'survey_responses'
),

responses as (
    select * from {{ ref('weights_by_response') }}
    where cycle_id = '{{ cycle_id() }}'
),

read_files as (
    select
        cycle_id,
        profile_id,
        name,
        sha256,
        record_count,
    from export_files
),

judged as (
    select
        _file_sha256,
        is_accepted,
        rejection_reason,
        count(*) as response_count,
        sum(valid_count) as valid_count,
        sum(not_available_count) as not_available_count,
        sum(not_used_count) as not_used_count,
        sum(blank_count) as blank_count,
        sum(rejected_count) as rejected_count,
    from responses
    group by all
),

mapped as (
    select
        profile_id,
        count(*) as question_count,
    from {{ ref('stg_seeds__mapped_questions') }}
    where question_id in {{ asked_question_ids() }}
    group by profile_id
),

final as (
    select
        read_files.cycle_id,
        read_files.profile_id,
        read_files.name as file_name,
        read_files.sha256 as file_sha256,
        cast(read_files.record_count as bigint) as records_read,
        coalesce(judged.is_accepted, false) as is_accepted,
        judged.rejection_reason,
        cast(coalesce(judged.response_count, 0) as bigint) as response_count,
        cast(coalesce(judged.response_count, 0) * coalesce(mapped.question_count, 0) as bigint) as answers_read,
        cast(coalesce(judged.valid_count, 0) as bigint) as valid_count,
        cast(coalesce(judged.not_available_count, 0) as bigint) as not_available_count,
        cast(coalesce(judged.not_used_count, 0) as bigint) as not_used_count,
        cast(coalesce(judged.blank_count, 0) as bigint) as blank_count,
        cast(coalesce(judged.rejected_count, 0) as bigint) as rejected_count,
    from read_files
    left join judged
        on judged._file_sha256 = read_files.sha256
    left join mapped
        on mapped.profile_id = read_files.profile_id
)

select * from final
