{{ config(materialized='view') }}
-- A view: the answers are stored once, as codes in one column a question (responses_answered); one row an
-- answer is made when somebody asks for it.
{%- set sentinels = answer_sentinels() %}
{%- set question_count = answer_slots() %}
with
answers as (
    select * from {{ ref('responses_answered') }}
),

responses as (
    select * from {{ ref('weights_by_response') }}
    where is_accepted
),

cycles as (
    select cycle_id, instrument_id, opens_on from {{ ref('survey_cycles') }}
),

questions as (
    select * from {{ ref('stg_seeds__questions') }}
),

unit_ancestors as (
    select * from {{ ref('design_unit_ancestors') }}
),

mapped_questions as (
    select * from {{ ref('stg_seeds__mapped_questions') }}
),

numbered as (
    {%- for question_number in range(1, question_count + 1) %}
    select
        response_key,
        cycle_id,
        {{ question_number }} as question_number,
        answer_{{ question_number }} as code,
    from answers
    {{ 'union all' if not loop.last }}
    {%- else %}
    select null::bigint as response_key, null::varchar as cycle_id, null::integer as question_number,
        null::smallint as code
    where false
    {%- endfor %}
),

final as (
    select
        numbered.response_key,
        numbered.cycle_id,
        questions.question_id,
        questions.item_id,
        unit_ancestors.ancestor_unit_id as provider_unit_id,
        case when {{ is_rating('numbered.code') }} then cast(numbered.code as integer) end as answer_code,
        case
            when {{ is_rating('numbered.code') }} then 'valid'
            when numbered.code = {{ sentinels.not_available }} then 'not_available'
            when numbered.code = {{ sentinels.not_used }} then 'not_used'
            when {{ answer_rejection_reason('numbered.code') }} is not null then 'rejected'
            else 'blank'
        end as answer_status,
        {{ answer_rejection_reason('numbered.code') }} as rejection_reason,
        case
            when {{ is_rating('numbered.code') }} then
                case
                    when questions.is_reverse_scored
                        then 4e0 - 3e0 * (numbered.code - questions.scale_min)
                            / (questions.scale_max - questions.scale_min)
                    else 1e0 + 3e0 * (numbered.code - questions.scale_min)
                        / (questions.scale_max - questions.scale_min)
                end
        end as score,
    from numbered
    inner join responses
        on responses.response_key = numbered.response_key
    inner join cycles
        on cycles.cycle_id = numbered.cycle_id
    inner join questions
        on questions.instrument_id = cycles.instrument_id
        and questions.question_number = numbered.question_number
    inner join mapped_questions
        on mapped_questions.profile_id = responses.profile_id
        and mapped_questions.question_id = questions.question_id
    left join unit_ancestors
        on unit_ancestors.as_of_on = cycles.opens_on
        and unit_ancestors.unit_id = responses.unit_id
        and unit_ancestors.ancestor_level_rank = questions.provider_level_rank
)

select * from final
