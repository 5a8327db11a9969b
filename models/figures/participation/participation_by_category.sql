{{ by_cycle() }}
with
staff as (
    select
        cycle_id,
        unit_id,
        recipient_category_id,
        role_id,
        sum(staff_count) as staff_count,
    from {{ ref('design_staff') }}
    where cycle_id = '{{ cycle_id() }}'
    group by all
),

respondents as (
    select
        cycle_id,
        unit_id,
        recipient_category_id,
        role_id,
        sum(respondent_count) as respondent_count,
    from {{ ref('sums_participation') }}
    where cycle_id = '{{ cycle_id() }}'
    group by all
),

settings as (
    select * from {{ ref('design_settings') }}
),

counted as (
    select
        cycle_id,
        unit_id,
        recipient_category_id,
        role_id,
        staff.staff_count,
        coalesce(respondents.respondent_count, 0) as respondent_count,
    from staff
    full outer join respondents
        using (cycle_id, unit_id, recipient_category_id, role_id)
),

required as (
    select
        counted.*,
        settings.min_sample,
        {{ required_sample('counted.staff_count', 'settings') }} as required_sample,
    from counted
    inner join settings
        on settings.cycle_id = counted.cycle_id
),

final as (
    select
        cycle_id,
        unit_id,
        recipient_category_id,
        role_id,
        cast(staff_count as bigint) as staff_count,
        cast(respondent_count as bigint) as respondent_count,
        cast(respondent_count as double) / nullif(staff_count, 0) as response_rate,
        required_sample,
        case
            when required_sample is null then null
            when respondent_count >= required_sample then 'sufficient'
            when respondent_count >= min_sample then 'minimal'
            else 'short'
        end as status,
        {{ shortfall('required_sample', 'cast(respondent_count as bigint)') }} as shortfall,
        case when required_sample is null then 'no_staff_frame' end as null_reason,
    from required
)

select * from final
