-- The units a cycle knows: the version that holds on the day the cycle opens.
with
cycles as (
    select * from {{ ref('survey_cycles') }}
),

units as (
    select * from {{ ref('stg_seeds__units') }}
),

rated_levels as (
    select distinct
        instrument_id,
        provider_level_id,
    from {{ ref('stg_seeds__questions') }}
    where asks = 'performance'
),

final as (
    select
        cycles.cycle_id,
        cycles.opens_on,
        units.unit_key,
        units.unit_id,
        units.unit_name,
        units.unit_level_id,
        units.unit_type,
        units.region_id,
        units.parent_unit_id,
        rated_levels.instrument_id is not null as is_rated,
    from cycles
    inner join units
        on cycles.opens_on between units.valid_from and coalesce(units.valid_to, date '9999-12-31')
    left join rated_levels
        on rated_levels.instrument_id = cycles.instrument_id
        and rated_levels.provider_level_id = units.unit_level_id
)

select * from final
