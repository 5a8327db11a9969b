-- Every draw puts a unit into one band of its scheme. A difference means that a score fell between two
-- bands, or that draws of a unit were lost on the way.
select
    cycle_id,
    domain_id,
    sum(probability) as probability,
from {{ ref('idx_robustness') }}
group by cycle_id, domain_id
having abs(sum(probability) - 1) > 1e-9
