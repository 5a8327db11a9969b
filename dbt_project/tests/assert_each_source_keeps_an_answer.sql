-- Of a profile's responses at least one keeps an answer. A row means that a whole channel would be
-- published without its answers: its category or its units lead to no question that was asked of them.
select
    profile_id,
    count(*) as response_count,
    sum(rejected_count) as rejected_answer_count,
from {{ ref('fct_responses') }}
where cycle_id = '{{ cycle_id() }}'
group by profile_id
having sum(rejected_count) > 0 and sum(valid_count + not_available_count + not_used_count) = 0
