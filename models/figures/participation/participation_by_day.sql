{{ by_cycle() }}
with
participation as (
    select * from {{ ref('participation_by_category') }}
    where cycle_id = '{{ cycle_id() }}' and role_id = {{ headline_role() }}
),

counts as (
    select
        unit_id,
        day_on,
        sum(respondent_count) as respondent_count,
    from {{ ref('sums_participation') }}
    where cycle_id = '{{ cycle_id() }}' and role_id = {{ headline_role() }}
    group by unit_id, day_on
),

settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

units as (
    select
        unit_id,
        sum(staff_count) as staff_count,
    from participation
    group by unit_id
),

unit_days as (
    select
        units.unit_id,
        {{ each_day('settings.opens_on', 'settings.closes_on') }} as day_on,
        {{ required_sample('units.staff_count', 'settings') }} as required_sample,
    from units
    cross join settings
),

cumulated as (
    select
        unit_days.unit_id,
        unit_days.day_on,
        unit_days.required_sample,
        coalesce(counts.respondent_count, 0) as new_respondent_count,
        sum(coalesce(counts.respondent_count, 0)) over (
            partition by unit_days.unit_id order by unit_days.day_on
        ) as respondent_count,
    from unit_days
    left join counts
        on counts.unit_id = unit_days.unit_id
        and counts.day_on = unit_days.day_on
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        unit_id,
        day_on,
        cast(new_respondent_count as bigint) as new_respondent_count,
        cast(respondent_count as bigint) as respondent_count,
        required_sample,
        cast(respondent_count as double) / required_sample as required_sample_share,
        case when required_sample is null then 'no_staff_frame' end as null_reason,
    from cumulated
)

select * from final
