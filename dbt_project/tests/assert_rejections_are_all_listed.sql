-- What was rejected is listed one by one: as many rows a file and reason as the reconciliation counts.
-- A difference means that somebody can't be told why his response or answer does not count. Of this
-- run's cycle alone: others may have been built before rejections were listed at all.
{{ config(meta={'dagster': {'ref': {'name': 'audit_rejections'}}}) }}
with
counted as (
    select
        cycle_id,
        file_sha256,
        sum(case when is_accepted then 0 else response_count end) as response_count,
        sum(case when is_accepted then rejected_count else 0 end) as answer_count,
    from {{ ref('audit_reconciliation') }}
    where cycle_id = '{{ cycle_id() }}'
    group by cycle_id, file_sha256
),

listed as (
    select
        cycle_id,
        _file_sha256,
        count(case when rejected = 'response' then 1 end) as response_count,
        count(case when rejected = 'answer' then 1 end) as answer_count,
    from {{ ref('audit_rejections') }}
    group by cycle_id, _file_sha256
)

select
    counted.*,
    listed.response_count as listed_response_count,
    listed.answer_count as listed_answer_count,
from counted
left join listed
    on listed.cycle_id = counted.cycle_id
    and listed._file_sha256 = counted.file_sha256
where
    counted.response_count <> coalesce(listed.response_count, 0)
    or counted.answer_count <> coalesce(listed.answer_count, 0)
