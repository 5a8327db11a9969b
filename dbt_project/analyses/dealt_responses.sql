-- The rows of a cycle's exports with the number by which they are dealt to shards. Compiled where a run is in
-- shards (orchestration/sharding), and never built.
-- depends_on: {{ ref('export_profiles') }}
with
exported as (
    select
        *,
        {{ own_identifier(profiles_as_read()) }} as own_identifier,
    from {{ ref('stg_raw__survey_responses') }}
),

final as (
    select
        * exclude (own_identifier),
        {{ deal_number(pseudonym('own_identifier'), 'response_key') }} as deal_number,
    from exported
)

select * from final
