-- The rows of fct_participation, without who answered where that would tell it of a few (method.md 10).
{{ by_cycle() }}
with
participation as (
    select * from {{ ref('participation_by_category') }}
    where cycle_id = '{{ cycle_id() }}'
),

verdicts as (
    select * from {{ ref('disclosure_participation_verdicts') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

final as (
    select
        participation.cycle_id,
        participation.unit_id,
        participation.recipient_category_id,
        participation.role_id,
        participation.staff_count,
        case when not verdicts.is_hidden then participation.respondent_count end as respondent_count,
        case when not verdicts.is_hidden then participation.response_rate end as response_rate,
        participation.required_sample,
        case when not verdicts.is_hidden then participation.status end as status,
        case when not verdicts.is_hidden then participation.shortfall end as shortfall,
        case
            when coalesce(verdicts.is_hidden, true) then {{ why_hidden('participation.staff_count', 'settings') }}
            else participation.null_reason
        end as null_reason,
        coalesce(verdicts.is_hidden, true) as is_suppressed,
    from participation
    cross join settings
    left join verdicts
        on verdicts.role_id = participation.role_id
        and verdicts.unit_id = participation.unit_id
        and verdicts.recipient_category_id = participation.recipient_category_id
)

select * from final
