-- Nothing is lost (method.md 1.7): the answers of accepted responses are valid, not available, not
-- used, blank or rejected. A difference means that a code falls between the kinds.
select *
from {{ ref('audit_reconciliation') }}
where
    is_accepted
    and answers_read is distinct from
    valid_count + not_available_count + not_used_count + blank_count + rejected_count
