-- The units a cycle knows: the version that holds on the day the cycle opens.
with
cycles as (
    select * from {{ ref('survey_cycles') }}
),

units as (
    select * from {{ ref('dim_units') }}
),

final as (
    select
        cycles.cycle_id,
        cycles.opens_on,
        units.unit_key,
        units.unit_id,
        units.unit_level_id,
        units.unit_type,
        units.region_id,
    from cycles
    inner join units
        on cycles.opens_on between units.valid_from and coalesce(units.valid_to, date '9999-12-31')
)

select * from final
