-- What a cycle is planned with (method.md 9): each unit's staff, and what is published of the last cycle
-- before it. Of all cycles, however few have answered yet: of planned ones too.
with
cycles as (
    select * from {{ ref('survey_cycles') }}
),

spreads as (
    select * from {{ ref('participation_score_spreads') }}
),

units as (
    select * from {{ ref('design_units') }}
),

frames as (
    select
        cycle_id,
        unit_id,
        sum(staff_count) as staff_count,
    from {{ ref('design_staff') }}
    where role_id = {{ headline_role() }}
    group by cycle_id, unit_id
),

framed as (
    select distinct cycle_id from frames
),

told as (
    select * from {{ ref('shown_participation_units') }}
    where role_id = {{ headline_role() }} and staff_count > 0
),

-- The last cycle that had closed before this one opened, and is not held back from publication: people
-- are told what a plan stands on. Its frame serves until there is another.
planned as (
    select
        cycles.cycle_id,
        max_by(earlier.cycle_id, earlier.closes_on) as previous_cycle_id,
    from cycles
    left join cycles as earlier
        on earlier.index_id = cycles.index_id
        and earlier.closes_on < cycles.opens_on
        and earlier.status in ('closed', 'final')
        and earlier.cycle_id in (select cycle_id from framed)
        and not list_contains({{ held_cycles() }}, earlier.cycle_id)
    group by cycles.cycle_id
),

-- Of a unit that is told by itself, else of its region and level, of its level, of the nation.
rates as (
    select
        cycle_id,
        unit_id,
        region_id,
        unit_level_id,
        grouping_id(unit_id, region_id, unit_level_id) as grain,
        cast(sum(respondent_count) as double) / sum(staff_count) as response_rate,
    from told
    group by grouping sets (
        (cycle_id, unit_id, region_id, unit_level_id), (cycle_id, region_id, unit_level_id),
        (cycle_id, unit_level_id), (cycle_id)
    )
    having sum(respondent_count) > 0
),

nearest_rates as (
    select
        units.cycle_id,
        units.unit_id,
        min_by(rates.response_rate, rates.grain) as response_rate,
        min(rates.grain) as grain,
    from planned
    inner join units
        on units.cycle_id = planned.cycle_id
    inner join rates
        on rates.cycle_id = planned.previous_cycle_id
        and (rates.grain > 0 or rates.unit_id = units.unit_id)
        and (rates.grain <> 4 or rates.region_id is not distinct from units.region_id)
        and (rates.grain = 7 or rates.grain = 0 or rates.unit_level_id = units.unit_level_id)
    group by units.cycle_id, units.unit_id
),

final as (
    select
        planned.cycle_id,
        planned.previous_cycle_id,
        frames.cycle_id as frame_cycle_id,
        units.unit_id,
        units.region_id,
        units.unit_level_id,
        cast(frames.staff_count as bigint) as staff_count,
        coalesce(of_level.score_sd, of_all.score_sd) as score_sd,
        of_all.score_sd as score_sd_of_all,
        nearest_rates.response_rate,
        case nearest_rates.grain when 0 then 'unit' when 4 then 'region_level' when 6 then 'level' when 7 then 'national' end
            as rate_of,
    from planned
    inner join units
        on units.cycle_id = planned.cycle_id
    left join framed
        on framed.cycle_id = planned.cycle_id
    inner join frames
        on frames.unit_id = units.unit_id
        and frames.cycle_id = if(framed.cycle_id is null, planned.previous_cycle_id, planned.cycle_id)
    left join spreads as of_level
        on of_level.cycle_id = planned.previous_cycle_id
        and of_level.unit_level_id = units.unit_level_id
    left join spreads as of_all
        on of_all.cycle_id = planned.previous_cycle_id
        and of_all.unit_level_id is null
    left join nearest_rates
        on nearest_rates.cycle_id = planned.cycle_id
        and nearest_rates.unit_id = units.unit_id
)

select * from final
