-- How each item was answered where it was asked, by audience: of accepted respondents of the headline role whose
-- category hears the question, who have a provider for it, and whose tool asked it. Added up in columns,
-- one question each, for all who were asked the same, which is much faster than over one row an answer.
{%- set all_questions = instrument_questions() %}
{%- set questions = all_questions | selectattr('asks', 'equalto', 'performance') | list %}
{%- set audiences = all_questions | map(attribute='audience_id') | unique | list %}
{%- set items = instrument_components() | selectattr('component_type', 'equalto', 'item') | list %}
{%- set mapped = query_rows('select profile_id, question_id from ' ~ ref('stg_seeds__mapped_questions')) %}
{{ by_cycle() }}
with
responses as (
    select response_key, profile_id from {{ ref('weights_by_response') }}
    where cycle_id = '{{ cycle_id() }}' and is_accepted and role_id = {{ headline_role() }}
),

routes as (
    select * from {{ ref('responses_judged') }}
    where cycle_id = '{{ cycle_id() }}'
),

answers as (
    select * from {{ ref('responses_answered') }}
    where cycle_id = '{{ cycle_id() }}'
),

of_route as (
    select
        responses.profile_id,
        {%- for route in route_columns() %}
        routes.{{ route }},
        {%- endfor %}
        count(*) as respondent_count,
        {%- for question in questions %}
        {%- set answer = 'answers.answer_' ~ question.question_number %}
        sum(cast({{ answer }} <> {{ answer_sentinels().blank }} as smallint)) as answer_count_{{ question.question_number }},
        sum(cast({{ is_rating(answer) }} as smallint)) as rated_count_{{ question.question_number }},
        sum(cast(
            {{ answer }} = {{ question.scale_min if question.is_reverse_scored else question.scale_max }} as smallint
        )) as ceiling_count_{{ question.question_number }},
        {%- endfor %}
    from responses
    inner join routes using (response_key)
    inner join answers using (response_key)
    group by all
),

counts as (
    select
        {%- for question in questions %}
        {%- set number = question.question_number %}
        {%- set profiles = mapped | selectattr('question_id', 'equalto', question.question_id)
            | map(attribute='profile_id') | list %}
        {%- set is_asked %}
            hears_{{ audiences.index(question.audience_id) + 1 }}
            and has_provider_{{ question.provider_level_rank }}
            and profile_id in ('{{ profiles | join("', '") }}')
        {%- endset %}
        coalesce(sum(respondent_count) filter (where {{ is_asked }}), 0) as asked_count_{{ number }},
        coalesce(sum(respondent_count - answer_count_{{ number }}) filter (where {{ is_asked }}), 0)
            as blank_count_{{ number }},
        coalesce(sum(rated_count_{{ number }}), 0) as rated_count_{{ number }},
        coalesce(sum(ceiling_count_{{ number }}), 0) as ceiling_count_{{ number }},
        {%- endfor %}
    from of_route
),

final as (
    {%- for item in items %}
    {%- set last_item = loop.last %}
    {%- for audience, asked in questions | selectattr('item_id', 'equalto', item.item_id) | groupby('audience_id') %}
    select
        '{{ cycle_id() }}' as cycle_id,
        {{ item.component_number }} as component_number,
        '{{ item.item_id | replace("'", "''") }}' as item_id,
        '{{ audience | replace("'", "''") }}' as audience_id,
        {%- for count in ['asked_count', 'blank_count', 'rated_count', 'ceiling_count'] %}
        cast(
            {%- for question in asked %}
            {{ '' if loop.first else '+ ' }}{{ count }}_{{ question.question_number }}
            {%- endfor %} as bigint
        ) as {{ count }},
        {%- endfor %}
    from counts
    {{ 'union all' if not (last_item and loop.last) }}
    {%- endfor %}
    {%- else %}
    select null::varchar as cycle_id, null::integer as component_number, null::varchar as item_id,
        null::varchar as audience_id, null::bigint as asked_count, null::bigint as blank_count, null::bigint as rated_count,
        null::bigint as ceiling_count
    where false
    {%- endfor %}
)

select * from final
