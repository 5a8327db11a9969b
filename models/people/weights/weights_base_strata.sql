-- Staff and accepted respondents of each base stratum: role, region, unit level, recipient category of
-- the respondent's unit, and the unit where the method's post-strata are units. A stratum of the frame
-- in which nobody answered is there too.
{{ by_cycle() }}
with
settings as (
    select poststrata from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

counted as (
    select
        role_id,
        region_id,
        unit_level_id,
        unit_id,
        recipient_category_id,
        staff_count,
        0 as respondent_count,
    from {{ ref('design_staff') }}
    where cycle_id = '{{ cycle_id() }}'
    union all
    select
        role_id,
        region_id,
        unit_level_id,
        unit_id,
        recipient_category_id,
        0 as staff_count,
        1 as respondent_count,
    from {{ ref('responses_judged') }}
    where cycle_id = '{{ cycle_id() }}' and is_accepted
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        counted.role_id,
        {{ base_stratum_id('counted', 'settings') }} as base_stratum_id,
        counted.region_id,
        counted.unit_level_id,
        case when settings.poststrata = 'unit' then counted.unit_id end as unit_id,
        counted.recipient_category_id,
        cast(sum(counted.staff_count) as bigint) as staff_count,
        cast(sum(counted.respondent_count) as bigint) as respondent_count,
    from counted
    cross join settings
    group by all
)

select * from final
