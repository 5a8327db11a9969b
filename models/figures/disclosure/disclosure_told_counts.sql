-- How many can have spoken for a domain at most, by what is published of who answered: everybody who does
-- is of one of its units. NULL where a count of those units is hidden, or no units make the domain up.
{{ by_cycle() }}
with
routes as (
    select * from {{ ref('sums_domain_routes') }}
    where cycle_id = '{{ cycle_id() }}' and attribute_name = 'unit_id'
),

answered as (
    select
        role_id,
        unit_id,
        respondent_count,
    from {{ ref('participation_by_unit') }}
    where cycle_id = '{{ cycle_id() }}'
),

told as (
    select
        role_id,
        unit_id,
        respondent_count,
    from {{ ref('shown_participation_units') }}
    where cycle_id = '{{ cycle_id() }}' and unit_id is not null
),

-- A unit of which nobody answered and that has no staff has no row anywhere, which tells 0.
final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        routes.domain_type,
        routes.domain_id,
        case
            when count(answered.unit_id) = count(told.unit_id) then cast(coalesce(sum(told.respondent_count), 0) as bigint)
        end as most,
    from routes
    left join answered
        on answered.role_id = routes.role_id
        and answered.unit_id = routes.attribute_value
    left join told
        on told.role_id = routes.role_id
        and told.unit_id = routes.attribute_value
    group by all
)

select * from final
