-- The domains of each cycle, with the unit, level, region, role or category that each is.
with
domains as (
    select * from {{ ref('sums_domains') }}
),

cycle_units as (
    select * from {{ ref('design_units') }}
),

unit_levels as (
    select * from {{ ref('unit_levels') }}
),

roles as (
    select * from {{ ref('roles') }}
),

cycles as (
    select distinct cycle_id from domains
),

-- Rated and verified units, levels with a target and roles with a level have a row, even where nobody answered.
listed as (
    select cycle_id, domain_type, domain_id from domains
    union
    select cycle_id, 'provider_unit' as domain_type, unit_id as domain_id from cycle_units
    where is_rated and cycle_id in (select cycle_id from cycles)
    union
    select cycle_id, 'provider_unit' as domain_type, unit_id as domain_id from {{ ref('scores_verified') }}
    union
    select cycle_id, 'equal_level' as domain_type, 'national' as domain_id from cycles
    union
    select cycle_id, 'unit_median' as domain_type, 'national' as domain_id from cycles
    union
    select cycle_id, 'provider_level' as domain_type, unit_level_id as domain_id from cycles cross join unit_levels
    union
    select cycle_id, 'role' as domain_type, role_id as domain_id from cycles cross join roles
),

taken_apart as (
    select
        *,
        case domain_type
            when 'direction' then split_part(domain_id, '>', 1)
            when 'provider_region_level' then split_part(domain_id, '|', 1)
            when 'role_provider_level' then split_part(domain_id, '|', 1)
            else domain_id
        end as first_part,
        case domain_type
            when 'direction' then split_part(domain_id, '>', 2)
            when 'provider_region_level' then split_part(domain_id, '|', 2)
            when 'role_provider_level' then split_part(domain_id, '|', 2)
            when 'provider_level' then domain_id
        end as level_part,
    from listed
),

final as (
    select
        taken_apart.cycle_id,
        taken_apart.domain_type,
        taken_apart.domain_id,
        cycle_units.unit_id,
        coalesce(cycle_units.unit_level_id, taken_apart.level_part) as unit_level_id,
        case
            when taken_apart.domain_type in ('provider_region', 'provider_region_level') then taken_apart.first_part
            else cycle_units.region_id
        end as region_id,
        case
            when taken_apart.domain_type in ('role', 'role_provider_level') then taken_apart.first_part
        end as role_id,
        case when taken_apart.domain_type = 'recipient_category' then taken_apart.domain_id end as recipient_category_id,
        case when taken_apart.domain_type = 'direction' then taken_apart.first_part end as rater_level_id,
        cycle_units.unit_name,
    from taken_apart
    left join cycle_units
        on taken_apart.domain_type = 'provider_unit'
        and cycle_units.cycle_id = taken_apart.cycle_id
        and cycle_units.unit_id = taken_apart.domain_id
)

select * from final
