-- Theil's index between groups and within them is Theil's index, exactly. A difference means that a
-- member has no group, and its share of the unevenness is in neither part.
select
    whole.cycle_id,
    whole.weighting_mode,
    whole.between,
    whole.value,
    sum(parts.value) as value_of_parts,
from {{ ref('idx_evenness') }} as whole
inner join {{ ref('idx_evenness') }} as parts
    on parts.cycle_id = whole.cycle_id
    and parts.weighting_mode = whole.weighting_mode
    and parts.between = whole.between
    and parts.measure in ('theil_between', 'theil_within')
where whole.measure = 'theil'
group by all
having abs(whole.value - sum(parts.value)) > 1e-12 or count(*) <> 2
