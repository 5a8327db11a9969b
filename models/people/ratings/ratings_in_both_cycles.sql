{{ config(materialized='table') }}
-- Who answered both in this cycle and in the previous one: a pseudonym is the same in both as long as
-- its key is. Nobody where either has no identifiers.
with
responses as (
    select
        cycle_id,
        response_key,
        respondent_key,
        stratum_number,
    from {{ ref('weights_by_response') }}
    where is_accepted and respondent_key is not null
),

final as (
    select
        previous.response_key as previous_response_key,
        responses.response_key,
        previous.stratum_number as previous_stratum_number,
        responses.stratum_number,
    from responses
    inner join responses as previous
        on previous.respondent_key = responses.respondent_key
    where
        responses.cycle_id = '{{ cycle_id() }}'
        and previous.cycle_id = '{{ previous_cycle_id() }}'
)

select * from final
