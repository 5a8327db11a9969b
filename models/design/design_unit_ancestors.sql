-- The nearest unit of every level above a unit (the unit itself included), on each date that
-- somebody asks about: the day a cycle opens, and the last day of each unit version.
with recursive
units as (
    select
        unit_id,
        unit_level_id,
        parent_unit_id,
        valid_from,
        coalesce(valid_to, date '9999-12-31') as valid_to,
    from {{ ref('stg_seeds__units') }}
),

unit_levels as (
    select * from {{ ref('unit_levels') }}
),

dates as (
    select opens_on as as_of_on from {{ ref('survey_cycles') }}
    union
    select valid_to as as_of_on from units
),

units_on_date as (
    select
        dates.as_of_on,
        units.unit_id,
        units.unit_level_id,
        units.parent_unit_id,
    from dates
    inner join units
        on dates.as_of_on between units.valid_from and units.valid_to
),

chains as (
    select
        as_of_on,
        unit_id,
        unit_id as ancestor_unit_id,
        unit_level_id as ancestor_level_id,
        parent_unit_id as next_unit_id,
        0 as distance,
    from units_on_date
    union all
    select
        chains.as_of_on,
        chains.unit_id,
        parents.unit_id as ancestor_unit_id,
        parents.unit_level_id as ancestor_level_id,
        parents.parent_unit_id as next_unit_id,
        chains.distance + 1 as distance,
    from chains
    inner join units_on_date as parents
        on parents.as_of_on = chains.as_of_on
        and parents.unit_id = chains.next_unit_id
    -- A parent cycle is refused with the seeds; this only keeps it from running for ever here.
    where chains.distance < 20
),

final as (
    select
        chains.as_of_on,
        chains.unit_id,
        cast(unit_levels.rank as integer) as ancestor_level_rank,
        chains.ancestor_level_id,
        min_by(chains.ancestor_unit_id, chains.distance) as ancestor_unit_id,
    from chains
    inner join unit_levels
        on unit_levels.unit_level_id = chains.ancestor_level_id
    group by all
)

select * from final
