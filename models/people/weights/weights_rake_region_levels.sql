-- The categories of raking's margin region x level (method.md 9). One with fewer than min_stratum_n
-- respondents joins the other sparse ones of its level; where these are still few, the largest of its
-- level, and where that has none, the largest of all: the collapse of strata, on the margin.
with
base as (
    select * from {{ ref('weights_base_strata') }}
),

settings as (
    select cycle_id, min_stratum_n from {{ ref('design_settings') }}
    where weighting_mode = 'rake'
),

region_levels as (
    select
        base.cycle_id,
        base.role_id,
        base.region_id,
        base.unit_level_id,
        settings.min_stratum_n,
        sum(base.staff_count) as staff_count,
        sum(base.respondent_count) as respondent_count,
    from base
    inner join settings
        on settings.cycle_id = base.cycle_id
    group by all
),

joined as (
    select
        *,
        case
            when respondent_count < min_stratum_n then unit_level_id || '|joined'
            else coalesce(region_id, '') || '|' || unit_level_id
        end as joined_id,
    from region_levels
),

after_join as (
    select
        cycle_id,
        role_id,
        unit_level_id,
        joined_id,
        sum(respondent_count) as respondent_count,
        sum(respondent_count) < max(min_stratum_n) as is_sparse,
    from joined
    group by all
),

-- Of a role so small that all are sparse, the largest takes in all the others.
takers as (
    select
        sparse.cycle_id,
        sparse.role_id,
        sparse.joined_id,
        others.joined_id as taker_id,
    from after_join as sparse
    inner join after_join as others
        on others.cycle_id = sparse.cycle_id
        and others.role_id = sparse.role_id
    where sparse.is_sparse
    qualify row_number() over (
        partition by sparse.cycle_id, sparse.role_id, sparse.joined_id
        order by
            others.is_sparse,
            case when not others.is_sparse and others.unit_level_id = sparse.unit_level_id then 0 else 1 end,
            others.respondent_count desc,
            others.joined_id
    ) = 1
),

final as (
    select
        joined.cycle_id,
        joined.role_id,
        joined.region_id,
        joined.unit_level_id,
        coalesce(takers.taker_id, joined.joined_id) as region_level_id,
        cast(joined.staff_count as bigint) as staff_count,
        cast(joined.respondent_count as bigint) as respondent_count,
    from joined
    left join takers
        on takers.cycle_id = joined.cycle_id
        and takers.role_id = joined.role_id
        and takers.joined_id = joined.joined_id
)

select * from final
