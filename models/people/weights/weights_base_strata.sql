-- Staff and accepted respondents of each base stratum: role, region, unit level, recipient category
-- of the respondent's unit. A stratum of the frame in which nobody answered is there too.
{{ by_cycle() }}
with
staff as (
    select
        role_id,
        region_id,
        unit_level_id,
        recipient_category_id,
        sum(staff_count) as staff_count,
        0 as respondent_count,
    from {{ ref('design_staff') }}
    where cycle_id = '{{ cycle_id() }}'
    group by all
),

respondents as (
    select
        role_id,
        region_id,
        unit_level_id,
        recipient_category_id,
        0 as staff_count,
        count(*) as respondent_count,
    from {{ ref('responses_judged') }}
    where cycle_id = '{{ cycle_id() }}' and is_accepted
    group by all
),

counted as (
    select * from staff
    union all
    select * from respondents
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        role_id,
        coalesce(region_id, '') || '|' || unit_level_id || '|' || recipient_category_id as base_stratum_id,
        region_id,
        unit_level_id,
        recipient_category_id,
        cast(sum(staff_count) as bigint) as staff_count,
        cast(sum(respondent_count) as bigint) as respondent_count,
    from counted
    group by all
)

select * from final
