-- What this cycle's accepted respondents rated (macros/ratings.sql). A view: it costs less to make
-- than to store, and is read by few.
{{ config(materialized='view') }}
with
final as (
    {{ ratings(
        cycle_id(),
        instrument_components() | selectattr('component_type', 'equalto', 'service') | list,
    ) }}
)

select * from final
