-- Which final stratum each base stratum ends in (method.md 2 and 11, Strata). A stratum with fewer
-- than min_stratum_n respondents joins the other sparse ones of its unit level and category (step 1);
-- where that is still sparse, or it is alone there, the largest of its level (step 2), or of all (step 3).
with
base as (
    select * from {{ ref('weights_base_strata') }}
),

settings as (
    select cycle_id, min_stratum_n from {{ ref('design_settings') }}
),

sparse_groups as (
    select
        base.cycle_id,
        base.role_id,
        base.unit_level_id,
        base.recipient_category_id,
        count(*) as stratum_count,
    from base
    inner join settings
        on settings.cycle_id = base.cycle_id
    where base.respondent_count < settings.min_stratum_n
    group by all
),

joined as (
    select
        base.*,
        settings.min_stratum_n,
        base.respondent_count < settings.min_stratum_n
            and coalesce(sparse_groups.stratum_count, 0) > 1 as is_joined,
        case
            when base.respondent_count < settings.min_stratum_n and sparse_groups.stratum_count > 1
                then base.unit_level_id || '|' || base.recipient_category_id || '|joined'
            else base.base_stratum_id
        end as joined_stratum_id,
    from base
    inner join settings
        on settings.cycle_id = base.cycle_id
    left join sparse_groups
        on sparse_groups.cycle_id = base.cycle_id
        and sparse_groups.role_id = base.role_id
        and sparse_groups.unit_level_id = base.unit_level_id
        and sparse_groups.recipient_category_id = base.recipient_category_id
),

after_step_1 as (
    select
        cycle_id,
        role_id,
        unit_level_id,
        joined_stratum_id,
        sum(respondent_count) as respondent_count,
        sum(respondent_count) < max(min_stratum_n) as is_sparse,
    from joined
    group by all
),

largest_of_level as (
    select
        cycle_id,
        role_id,
        unit_level_id,
        joined_stratum_id,
    from after_step_1
    where not is_sparse
    qualify row_number() over (
        partition by cycle_id, role_id, unit_level_id
        order by respondent_count desc, joined_stratum_id
    ) = 1
),

-- Of a role so small that every stratum is sparse, the largest still takes in all the others.
largest_of_all as (
    select
        cycle_id,
        role_id,
        joined_stratum_id,
    from after_step_1
    qualify row_number() over (
        partition by cycle_id, role_id
        order by is_sparse, respondent_count desc, joined_stratum_id
    ) = 1
),

final as (
    select
        joined.cycle_id,
        joined.role_id,
        joined.base_stratum_id,
        case
            when not after_step_1.is_sparse then joined.joined_stratum_id
            else coalesce(largest_of_level.joined_stratum_id, largest_of_all.joined_stratum_id)
        end as stratum_id,
        case
            when after_step_1.is_sparse and largest_of_level.joined_stratum_id is not null then 2
            when after_step_1.is_sparse and largest_of_all.joined_stratum_id <> joined.joined_stratum_id
                then 3
            when joined.is_joined then 1
            else 0
        end as collapse_step,
    from joined
    inner join after_step_1
        on after_step_1.cycle_id = joined.cycle_id
        and after_step_1.role_id = joined.role_id
        and after_step_1.joined_stratum_id = joined.joined_stratum_id
    left join largest_of_level
        on largest_of_level.cycle_id = joined.cycle_id
        and largest_of_level.role_id = joined.role_id
        and largest_of_level.unit_level_id = joined.unit_level_id
    left join largest_of_all
        on largest_of_all.cycle_id = joined.cycle_id
        and largest_of_all.role_id = joined.role_id
)

select * from final
