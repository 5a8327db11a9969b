-- Is a response accepted, and if not, for which first reason (method.md 1.6, in its order)?
-- Of its texts only those that strata and weights tell apart: all are in fct_responses.
{{ by_cycle() }}
with
responses as (
    select * from {{ ref('responses_routed') }}
    where cycle_id = '{{ cycle_id() }}'
),

answers as (
    select
        response_key,
        valid_count,
        not_available_count,
        not_used_count,
        blank_count,
        rejected_count,
        lowest_score,
        highest_score,
    from {{ ref('responses_answered') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

rejecting_flags as (
    select
        method_id,
        bool_or(reason = 'straight_lining') as rejects_straight_lining,
        bool_or(reason = 'speeding') as rejects_speeding,
        bool_or(reason = 'category_mismatch') as rejects_category_mismatch,
    from {{ ref('response_rules') }}
    where action = 'reject'
    group by method_id
),

versions as (
    select * from {{ ref('responses_versions') }}
),

frame as (
    select
        unit_id,
        role_id,
        recipient_category_id,
        sum(staff_count) as staff_count,
    from {{ ref('design_staff') }}
    where cycle_id = '{{ cycle_id() }}'
    group by all
),

frame_units as (
    select distinct unit_id, role_id from frame
),

flagged as (
    select
        responses.response_key,
        responses.respondent_key,
        responses.profile_id,
        responses.source,
        responses.response_id,
        responses.submitted_at,
        responses.role_id,
        responses.unit_id,
        responses.unit_level_id,
        responses.region_id,
        responses.recipient_category_id,
        responses.gender,
        responses.is_test,
        responses.is_complete,
        responses.is_date_unknown,
        responses.is_summary_row,
        versions.last_response_key,
        responses.is_unit_known,
        responses.is_category_known,
        responses.is_role_known,
        {%- for route in route_columns() %}
        responses.{{ route }},
        {%- endfor %}
        responses.routed_question_count,
        answers.valid_count,
        answers.not_available_count,
        answers.not_used_count,
        answers.blank_count,
        answers.rejected_count,
        answers.valid_count + answers.not_available_count + answers.not_used_count as answered_count,
        cast({{ utc_to_local('responses.submitted_at', 'responses.timezone') }} as date) as submitted_on,
        answers.valid_count >= settings.straight_lining_min_answers
            and answers.lowest_score = answers.highest_score as is_straight_lining,
        coalesce(
            answers.valid_count > 0
            and not responses.is_date_unknown
            and epoch(responses.submitted_at) - epoch(responses.started_at)
            < settings.min_seconds_per_answer * answers.valid_count,
            false
        ) as is_speeding,
        -- The roster is the frame: its unit and role are there, but nobody of this category.
        frame_units.unit_id is not null and frame.staff_count is null as is_category_mismatch,
        settings.opens_on,
        settings.closes_on,
        settings.min_answered_share,
        coalesce(rejecting_flags.rejects_straight_lining, false) as rejects_straight_lining,
        coalesce(rejecting_flags.rejects_speeding, false) as rejects_speeding,
        coalesce(rejecting_flags.rejects_category_mismatch, false) as rejects_category_mismatch,
    from responses
    inner join answers
        on answers.response_key = responses.response_key
    cross join settings
    left join rejecting_flags
        on rejecting_flags.method_id = settings.method_id
    left join versions
        on versions.profile_id = responses.profile_id
        and versions.source = responses.source
        and versions.version_of = {{ plain_response_id('responses.response_id') }}
    left join frame_units
        on frame_units.unit_id = responses.unit_id
        and frame_units.role_id = responses.role_id
    left join frame
        on frame.unit_id = responses.unit_id
        and frame.role_id = responses.role_id
        and frame.recipient_category_id = responses.recipient_category_id
),

judged as (
    select
        *,
        case
            when is_summary_row then 'summary_row'
            when response_key < last_response_key then 'superseded'
            when is_test then 'test_response'
            when not is_complete then 'incomplete'
            -- A time that can't be read can't be shown to lie in the window.
            when not is_date_unknown and not coalesce(submitted_on between opens_on and closes_on, false)
                then 'out_of_window'
            when not is_unit_known then 'unknown_unit'
            when not is_category_known then 'unknown_category'
            when not is_role_known then 'unknown_role'
            when answered_count < min_answered_share * routed_question_count then 'incomplete'
            when is_straight_lining and rejects_straight_lining then 'straight_lining'
            when is_speeding and rejects_speeding then 'speeding'
            when is_category_mismatch and rejects_category_mismatch then 'category_mismatch'
        end as own_rejection_reason,
    from flagged
),

sent_again as (
    select respondent_key
    from judged
    where own_rejection_reason is null and respondent_key is not null
    group by respondent_key
    having count(*) > 1
),

submissions as (
    select judged.*
    from judged
    inner join sent_again
        on sent_again.respondent_key = judged.respondent_key
    where judged.own_rejection_reason is null
),

last_submissions as (
    select * from {{ last_submissions('submissions') }}
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        judged.* exclude (
            own_rejection_reason, respondent_key, profile_id, source, response_id, submitted_at,
            is_summary_row, last_response_key, opens_on, closes_on, min_answered_share,
            rejects_straight_lining, rejects_speeding, rejects_category_mismatch
        ),
        coalesce(
            judged.own_rejection_reason,
            case when judged.response_key <> last_submissions.response_key then 'superseded' end
        ) as rejection_reason,
        rejection_reason is null as is_accepted,
    from judged
    left join last_submissions
        on last_submissions.respondent_key = judged.respondent_key
)

select * from final
