{{ config(materialized='table') }}
-- What this cycle's accepted respondents rated (macros/ratings.sql). Of this cycle alone: nobody needs
-- to keep it.
with
final as (
    {{ ratings(
        cycle_id(),
        instrument_components() | selectattr('component_type', 'equalto', 'service') | list,
    ) }}
)

select * from final
