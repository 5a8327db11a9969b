{{ config(materialized='table') }}
-- Exports are often cumulative: a response that lies in several of one source is one response, and its
-- last version counts (method.md 11). Of responses that have more than one version alone; of the whole
-- cycle, whatever part of its people the models after it are asked for.
with
responses as (
    select
        profile_id,
        source,
        response_key,
        nullif({{ trim_blanks('response_id') }}, '') as response_id,
    from {{ ref('stg_raw__survey_responses') }}
),

final as (
    select
        profile_id,
        source,
        {{ plain_response_id('response_id') }} as version_of,
        {{ last_pulled('response_key') }} as last_response_key,
    from responses
    where response_id is not null
    group by profile_id, source, version_of
    having count(*) > 1
)

select * from final
