-- Each response's answers as codes, one column a question, and how many there are of each kind.
-- What is no rating, a blank too, is a sentinel (macros/answer_codes.sql): never NULL.
-- depends_on: {{ ref('export_codes') }}
-- depends_on: {{ ref('export_profiles') }}
-- depends_on: {{ ref('stg_seeds__questions') }}
-- depends_on: {{ ref('survey_cycles') }}
{%- set questions = instrument_questions() %}
{%- set slots = answer_slots() %}
{%- set audiences = questions | map(attribute='audience_id') | unique | list %}
{%- set profiles = query_rows("
    select profile_id
    from " ~ ref('export_profiles') ~ "
    where profile_id in (
        select profile_id from " ~ ref('stg_raw__export_files') ~ " where cycle_id = '" ~ cycle_id() ~ "'
    )
    order by profile_id
") %}
{%- set codes = answer_codes() %}
{%- set sentinels = answer_sentinels() %}
{#- Questions whose codes mean the same: the extremes of their codes are those of their scores. #}
{%- set scales = dict() %}
{%- for question in questions %}
{%- set scale = (question.scale_min, question.scale_max, question.is_reverse_scored) %}
{%- do scales.setdefault(scale, []).append(question) %}
{%- endfor %}
{{ by_cycle() }}
with
routes as (
    select * from {{ ref('responses_routed') }}
    where cycle_id = '{{ cycle_id() }}'
),

unmapped as (
    select
        profiles.profile_id,
        {{ questions | length }} - count(mapped_questions.question_id)
            filter (where mapped_questions.question_id in {{ asked_question_ids() }}) as unmapped_count,
    from {{ ref('export_profiles') }} as profiles
    left join {{ ref('stg_seeds__mapped_questions') }} as mapped_questions
        on mapped_questions.profile_id = profiles.profile_id
    group by profiles.profile_id
),

coded as (
    {%- for profile in profiles %}
    {#- Questions whose texts mean the same are written once. #}
    {%- set alike = dict() %}
    {%- for question in questions %}
    {%- set meanings = codes.get((profile.profile_id, question.question_number), []) %}
    {%- do alike.setdefault((question.scale_min, question.scale_max, meanings | string), []).append(question) %}
    {%- endfor %}
    select
        response_key,
        cycle_id,
        profile_id,
        {%- for of_meaning in alike.values() %}
        {{ answer_code(
            answer_columns(of_meaning),
            of_meaning[0],
            codes.get((profile.profile_id, of_meaning[0].question_number), []),
        ) }},
        {%- endfor %}
    from {{ ref('stg_raw__survey_responses') }}
    where profile_id = '{{ profile.profile_id }}'
    {{ 'union all by name' if not loop.last }}
    {%- else %}
    select
        response_key,
        cycle_id,
        profile_id,
        cast({{ answer_columns(questions) }} as smallint),
    from {{ ref('stg_raw__survey_responses') }}
    where false
    {%- endfor %}
),

routed as (
    select
        coded.response_key,
        coded.cycle_id,
        unmapped.unmapped_count,
        {%- for audience, heard in questions | groupby('audience_id') %}
        {%- for rank, asked in heard | groupby('provider_level_rank') %}
        case
            when {{ answer_columns(asked) }} = {{ sentinels.blank }} then {{ sentinels.blank }}::smallint
            when not routes.hears_{{ audiences.index(audience) + 1 }} then {{ sentinels.off_route }}::smallint
            when not routes.has_provider_{{ rank }} then {{ sentinels.no_provider }}::smallint
            else {{ answer_columns(asked) }}
        end,
        {%- endfor %}
        {%- endfor %}
    from coded
    inner join routes
        on routes.response_key = coded.response_key
    inner join unmapped
        on unmapped.profile_id = coded.profile_id
),

counted as (
    select
        *,
        {%- for kind, condition in [
            ('blank', '= ' ~ sentinels.blank),
            ('not_available', '= ' ~ sentinels.not_available),
            ('not_used', '= ' ~ sentinels.not_used),
            ('rejected', '< ' ~ sentinels.not_used),
        ] %}
        {% for question in questions -%}
        (answer_{{ question.question_number }} {{ condition }})::smallint + {# -#}
        {%- endfor %}0::smallint as {{ kind }}_count,
        {%- endfor %}
        {%- for _, alike in scales.items() %}
        least(
            {%- for question in alike %}
            case when {{ is_rating('answer_' ~ question.question_number) }} then answer_{{ question.question_number }} end,
            {%- endfor %}
            null
        ) as lowest_code_{{ loop.index }},
        greatest(*{{ answer_columns(alike) }}, null) as highest_code_{{ loop.index }},
        {%- endfor %}
    from routed
),

final as (
    select
        response_key,
        cycle_id,
        {{ answer_columns(questions) }},
        {%- for question_number in range(questions | length + 1, slots + 1) %}
        {{ sentinels.blank }}::smallint as answer_{{ question_number }},
        {%- endfor %}
        unmapped_count,
        cast(
            {{ questions | length }} - blank_count - not_available_count - not_used_count - rejected_count as smallint
        ) as valid_count,
        not_available_count,
        not_used_count,
        cast(blank_count - unmapped_count as smallint) as blank_count,
        rejected_count,
        {#- A reversed scale's lowest score is that of its highest code. #}
        {%- for extreme, reversed in [('lowest', 'highest'), ('highest', 'lowest')] %}
        cast({{ 'least' if extreme == 'lowest' else 'greatest' }}(
            {%- for _, alike in scales.items() %}
            {%- set code = (reversed if alike[0].is_reverse_scored else extreme) ~ '_code_' ~ loop.index %}
            case when {{ is_rating(code) }} then {{ score_from_code(code, 1, alike[0]) }} end,
            {%- endfor %}
            null
        ) as double) as {{ extreme }}_score,
        {%- endfor %}
    from counted
)

select * from final
