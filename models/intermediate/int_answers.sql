-- Each response's answers as codes, one column a question, and how many there are of each kind.
-- A blank is NULL; what is no rating is a sentinel (macros/answer_codes.sql).
-- depends_on: {{ ref('export_codes') }}
-- depends_on: {{ ref('export_profiles') }}
-- depends_on: {{ ref('survey_cycles') }}
{%- set questions = instrument_questions() %}
{%- set slots = answer_slots() %}
{%- set audiences = questions | map(attribute='audience_id') | unique | list %}
{%- set profiles = query_rows("
    select
        profile_id,
        " ~ optional_column(ref('export_profiles'), 'decimal', "'.'") ~ " as decimal_mark,
    from " ~ ref('export_profiles') ~ "
    where profile_id in (
        select profile_id from " ~ ref('stg_raw__export_files') ~ " where cycle_id = '" ~ cycle_id() ~ "'
    )
    order by profile_id
") %}
{%- set codes = answer_code_rows() %}
{%- set sentinels = answer_sentinels() %}
{{ by_cycle() }}
with
responses as (
    select
        response_key,
        cycle_id,
        profile_id,
        {%- for question in questions %}
        nullif({{ trim_blanks('answer_' ~ question.question_number) }}, '') as answer_{{ question.question_number }},
        {%- endfor %}
    from {{ ref('stg_raw__survey_responses') }}
),

routes as (
    select * from {{ ref('int_responses_routed') }}
    where cycle_id = '{{ cycle_id() }}'
),

unmapped as (
    select
        profiles.profile_id,
        {{ questions | length }} - count(mapped_questions.question_id) as unmapped_count,
    from {{ ref('export_profiles') }} as profiles
    left join {{ ref('stg_seeds__mapped_questions') }} as mapped_questions
        on mapped_questions.profile_id = profiles.profile_id
    group by profiles.profile_id
),

coded as (
    select
        response_key,
        cycle_id,
        profile_id,
        {%- for question in questions %}
        {%- set text = 'answer_' ~ question.question_number %}
        {%- set question_codes = codes | selectattr('question_number', 'equalto', question.question_number) | list %}
        cast(
            case profile_id
                {%- for profile in profiles %}
                when '{{ profile.profile_id }}' then
                    {{ answer_code(
                        text,
                        question,
                        question_codes | selectattr('profile_id', 'equalto', profile.profile_id) | list,
                        profile.decimal_mark,
                    ) }}
                {%- else %}
                when null then null
                {%- endfor %}
            end as smallint
        ) as answer_{{ question.question_number }},
        {%- endfor %}
    from responses
),

routed as (
    select
        coded.response_key,
        coded.cycle_id,
        unmapped.unmapped_count,
        {%- for question in questions %}
        cast(
            case
                when coded.answer_{{ question.question_number }} is null then null
                when not routes.hears_{{ audiences.index(question.audience_id) + 1 }}
                    then {{ sentinels.off_route }}
                when not routes.has_provider_{{ question.provider_level_rank }}
                    then {{ sentinels.no_provider }}
                else coded.answer_{{ question.question_number }}
            end as smallint
        ) as answer_{{ question.question_number }},
        {%- endfor %}
        {%- for question_number in range(questions | length + 1, slots + 1) %}
        null::smallint as answer_{{ question_number }},
        {%- endfor %}
    from coded
    inner join routes
        on routes.response_key = coded.response_key
    inner join unmapped
        on unmapped.profile_id = coded.profile_id
),

final as (
    select
        *,
        cast(
            {%- for question in questions %}
            ({{ is_rating('coalesce(answer_' ~ question.question_number ~ ', -32768)') }})::integer +
            {%- endfor %} 0 as smallint
        ) as valid_count,
        {%- for status in ['not_available', 'not_used'] %}
        cast(
            {%- for question in questions %}
            (coalesce(answer_{{ question.question_number }}, 0) = {{ sentinels[status] }})::integer +
            {%- endfor %} 0 as smallint
        ) as {{ status }}_count,
        {%- endfor %}
        cast(
            {%- for question in questions %}
            (answer_{{ question.question_number }} is null)::integer +
            {%- endfor %} -unmapped_count as smallint
        ) as blank_count,
        cast(
            {%- for question in questions %}
            (coalesce(answer_{{ question.question_number }}, 0) < {{ sentinels.not_used }})::integer +
            {%- endfor %} 0 as smallint
        ) as rejected_count,
        {%- for extreme in ['least', 'greatest'] %}
        cast({{ extreme }}(
            {%- for question in questions %}
            case when {{ is_rating('answer_' ~ question.question_number) }} then
                {{ score_from_code('answer_' ~ question.question_number, 1, question) }} end{{ ',' if not loop.last }}
            {%- else %} null::double
            {%- endfor %}
        ) as double) as {{ 'lowest' if extreme == 'least' else 'highest' }}_score,
        {%- endfor %}
    from routed
)

select * from final
