-- Which number the previous cycle's responses were dealt by, or would have been: whoever answered both is in
-- one shard. Compiled where a run is in shards (orchestration/sharding), and never built.
select
    response_key,
    {{ deal_number('respondent_key', 'response_key') }} as deal_number,
from {{ ref('weights_by_response') }}
where cycle_id = '{{ previous_cycle_id() }}' and is_accepted
