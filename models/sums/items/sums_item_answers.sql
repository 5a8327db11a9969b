-- How each item was answered where it was asked, by audience: of accepted respondents of the headline role whose
-- category hears the question, who have a provider for it, and whose tool asked it. Counted in columns, one
-- question each, for all who were asked the same, which is much faster than over one row an answer.
{%- set all_questions = instrument_questions() %}
{%- set questions = all_questions | selectattr('asks', 'equalto', 'performance') | list %}
{%- set audiences = all_questions | map(attribute='audience_id') | unique | list %}
{%- set numbers = questions | map(attribute='question_number') | list %}
{%- set best = dict() %}
{%- for question in questions %}
{%- do best.setdefault(question.scale_min if question.is_reverse_scored else question.scale_max, []).append(question) %}
{%- endfor %}
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

questions as (
    select * from {{ ref('stg_seeds__questions') }}
    where
        asks = 'performance'
        and instrument_id = (select instrument_id from {{ ref('survey_cycles') }} where cycle_id = '{{ cycle_id() }}')
),

mapped_questions as (
    select * from {{ ref('stg_seeds__mapped_questions') }}
),

items as (
    select * from {{ ref('design_components') }}
    where cycle_id = '{{ cycle_id() }}' and component_type = 'item'
),

of_route as (
    select
        responses.profile_id,
        {%- for route in route_columns() %}
        routes.{{ route }},
        {%- endfor %}
        count(*) as respondent_count,
        {%- for best_code, alike in best.items() %}
        {%- set answer = answer_columns(alike) %}
        struct_pack(
            answered := sum(cast({{ answer }} <> {{ answer_sentinels().blank }} as smallint)),
            rated := sum(cast({{ is_rating(answer) }} as smallint)),
            best := sum(cast({{ answer }} = {{ best_code }} as smallint))
        ),
        {%- endfor %}
    from responses
    inner join routes using (response_key)
    inner join answers using (response_key)
    group by all
),

by_question as (
    select
        profile_id,
        {{ route_columns() | join(', ') }},
        respondent_count,
        {{ each_element('[' ~ numbers | join(', ') ~ ']') }} as question_number,
        {{ each_element('[answer_' ~ numbers | join(', answer_') ~ ']') }} as counts,
    from of_route
),

asked as (
    select
        by_question.*,
        questions.audience_id,
        questions.item_id,
        mapped_questions.question_id is not null
        and case questions.audience_id
            {%- for audience in audiences %}
            when '{{ audience }}' then by_question.hears_{{ loop.index }}
            {%- endfor %}
        end
        and case questions.provider_level_rank
            {%- for rank in all_questions | map(attribute='provider_level_rank') | unique %}
            when {{ rank }} then by_question.has_provider_{{ rank }}
            {%- endfor %}
        end as is_asked,
    from by_question
    inner join questions
        on questions.question_number = by_question.question_number
    left join mapped_questions
        on mapped_questions.profile_id = by_question.profile_id
        and mapped_questions.question_id = questions.question_id
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        items.component_number,
        items.item_id,
        asked.audience_id,
        cast(coalesce(sum(asked.respondent_count) filter (where asked.is_asked), 0) as bigint) as asked_count,
        cast(coalesce(sum(asked.respondent_count - asked.counts.answered) filter (where asked.is_asked), 0) as bigint)
            as blank_count,
        cast(sum(asked.counts.rated) as bigint) as rated_count,
        cast(sum(asked.counts.best) as bigint) as ceiling_count,
    from asked
    inner join items
        on items.item_id = asked.item_id
    group by all
)

select * from final
