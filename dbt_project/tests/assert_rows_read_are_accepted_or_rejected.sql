-- Nothing is lost (method.md 1.7): the responses of a file are as many as the records read from it.
-- A difference means that a join in staging or in the judgement dropped or doubled rows.
select
    cycle_id,
    file_name,
    max(records_read) as records_read,
    sum(response_count) as responses_judged,
from {{ ref('audit_reconciliation') }}
group by cycle_id, file_name, file_sha256
having max(records_read) <> sum(response_count)
