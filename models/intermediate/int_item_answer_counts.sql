-- How each item was answered where it was asked: accepted respondents of the headline role whose
-- category hears the question and who have a provider for it. Other answers are off their route.
{{ by_cycle() }}
with
answers as (
    select * from {{ ref('fct_answers') }}
    where cycle_id = '{{ cycle_id() }}' and provider_unit_id is not null
),

responses as (
    select response_key, recipient_category_id from {{ ref('fct_responses') }}
    where cycle_id = '{{ cycle_id() }}' and is_accepted and role_id = {{ headline_role() }}
),

settings as (
    select instrument_id from {{ ref('int_cycle_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

questions as (
    select * from {{ ref('dim_questions') }}
    where asks = 'performance' and instrument_id in (select instrument_id from settings)
),

category_audiences as (
    select recipient_category_id, audience_id from {{ ref('category_audiences') }}
),

items as (
    select * from {{ ref('int_components') }}
    where cycle_id = '{{ cycle_id() }}' and component_type = 'item'
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        items.component_number,
        items.item_id,
        count(*) as asked_count,
        count(*) filter (where answers.answer_status = 'blank') as blank_count,
        count(*) filter (where answers.answer_status = 'valid') as rated_count,
        count(*) filter (where answers.score >= 4 - 1e-9) as ceiling_count,
    from answers
    inner join responses using (response_key)
    inner join questions using (question_id)
    inner join category_audiences using (recipient_category_id, audience_id)
    inner join items
        on items.item_id = questions.item_id
        and items.service_id = questions.service_id
        and items.perspective_id = questions.perspective_id
    group by all
)

select * from final
