-- Accepted responses by who sent them and on which day of their tool's own zone.
{{ by_cycle() }}
with
responses as (
    select * from {{ ref('weights_by_response') }}
    where cycle_id = '{{ cycle_id() }}' and is_accepted
),

profiles as (
    select profile_id, timezone from {{ ref('export_profiles') }}
),

settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

-- A response whose date its tool has lost counts when the window closes: it came in by then.
final as (
    select
        responses.cycle_id,
        responses.unit_id,
        responses.recipient_category_id,
        responses.role_id,
        coalesce(
            cast({{ utc_to_local('responses.submitted_at', 'profiles.timezone') }} as date),
            settings.closes_on
        ) as day_on,
        count(*) as respondent_count,
    from responses
    inner join profiles
        on profiles.profile_id = responses.profile_id
    cross join settings
    group by all
)

select * from final
