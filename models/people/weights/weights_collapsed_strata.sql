-- Which final stratum each base stratum ends in (method.md 2). A place is a region x unit level x category:
-- with strata by unit, a unit's stratum with fewer than min_stratum_n respondents joins the other sparse
-- ones of its place, and where these are still few, the place's largest. What is sparse then (a whole
-- place, by unit or not) joins the other sparse ones of its unit level and category; where that is still
-- sparse, or it is alone there, the largest stratum of its level, else of all.
with
base as (
    select
        strata.*,
        settings.min_stratum_n,
        coalesce(strata.region_id, '') || '|' || strata.unit_level_id || '|' || strata.recipient_category_id
            as place_id,
        strata.respondent_count < settings.min_stratum_n as is_sparse,
    from {{ ref('weights_base_strata') }} as strata
    inner join {{ ref('design_settings') }} as settings
        on settings.cycle_id = strata.cycle_id
),

-- Within a place. Where strata are not by unit, each is a place of its own.
within_places as (
    select
        *,
        case
            when not is_sparse or count(*) over place = 1 then base_stratum_id
            when bool_and(is_sparse) over place then place_id
            when sum(respondent_count) filter (is_sparse) over place >= min_stratum_n then place_id || '|joined'
            else first_value(base_stratum_id) over (
                partition by cycle_id, role_id, place_id
                order by respondent_count desc, base_stratum_id
            )
        end as place_stratum_id,
        sum(respondent_count) over place as place_count,
        is_sparse and place_count < min_stratum_n as is_place_sparse,
    from base
    window place as (partition by cycle_id, role_id, place_id)
),

-- The sparse places of a level and category, each of which is one stratum by now.
joined as (
    select
        *,
        is_place_sparse and count(distinct place_id) filter (is_place_sparse) over (
            partition by cycle_id, role_id, unit_level_id, recipient_category_id
        ) > 1 as is_joined,
        case
            when is_joined then unit_level_id || '|' || recipient_category_id || '|joined'
            else place_stratum_id
        end as joined_stratum_id,
    from within_places
),

counted as (
    select
        *,
        sum(respondent_count) over (partition by cycle_id, role_id, joined_stratum_id) as joined_count,
    from joined
),

-- A target that is itself sparse would only move the problem; of a role so small that every stratum is
-- sparse, the largest still takes in all the others.
with_targets as (
    select
        *,
        -- Those by unit have two steps more, within their place.
        case when unit_id is null then 0 else 2 end as first_steps,
        joined_count < min_stratum_n as is_still_sparse,
        max(joined_count) over (partition by cycle_id, role_id, unit_level_id) >= min_stratum_n as has_target_in_level,
        first_value(joined_stratum_id) over (
            partition by cycle_id, role_id, unit_level_id order by joined_count desc, joined_stratum_id
        ) as largest_of_level,
        first_value(joined_stratum_id) over (
            partition by cycle_id, role_id order by joined_count desc, joined_stratum_id
        ) as largest_of_all,
    from counted
),

final as (
    select
        cycle_id,
        role_id,
        base_stratum_id,
        case
            when not is_still_sparse then joined_stratum_id
            when has_target_in_level then largest_of_level
            else largest_of_all
        end as stratum_id,
        case
            when is_still_sparse and has_target_in_level then first_steps + 2
            when is_still_sparse and largest_of_all <> joined_stratum_id then first_steps + 3
            when is_joined then first_steps + 1
            when place_stratum_id = base_stratum_id then 0
            when place_stratum_id in (place_id, place_id || '|joined') then 1
            else 2
        end as collapse_step,
    from with_targets
)

select * from final
