-- Days of the units whose total may be shown: the last day is that total (method.md 10).
{{ by_cycle() }}
with
days as (
    select * from {{ ref('participation_by_day') }}
    where cycle_id = '{{ cycle_id() }}'
),

verdicts as (
    select distinct
        unit_id,
        unit_group is not null as is_hidden,
    from {{ ref('disclosure_participation_verdicts') }}
    where cycle_id = '{{ cycle_id() }}' and role_id = {{ headline_role() }}
),

units as (
    select * from {{ ref('participation_by_unit') }}
    where cycle_id = '{{ cycle_id() }}' and role_id = {{ headline_role() }}
),

settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

final as (
    select
        days.cycle_id,
        days.unit_id,
        days.day_on,
        case when not verdicts.is_hidden then days.new_respondent_count end as new_respondent_count,
        case when not verdicts.is_hidden then days.respondent_count end as respondent_count,
        days.required_sample,
        case when not verdicts.is_hidden then days.required_sample_share end as required_sample_share,
        case
            when coalesce(verdicts.is_hidden, true) then {{ why_hidden('units.staff_count', 'settings') }}
            else days.null_reason
        end as null_reason,
        coalesce(verdicts.is_hidden, true) as is_suppressed,
    from days
    cross join settings
    inner join units
        on units.unit_id = days.unit_id
    left join verdicts
        on verdicts.unit_id = days.unit_id
)

select * from final
