-- What evenness compares with what (method.md 7): the members of each comparison, the staff each stands
-- for, and the group in which Theil's index is taken apart. A unit is compared among all units, where
-- levels are the groups, and among those of its level, where island groups are.
{{ by_cycle() }}
with
staff as (
    select
        unit_id,
        region_id,
        sum(staff_count) as staff_count,
    from {{ ref('design_staff') }}
    where cycle_id = '{{ cycle_id() }}' and role_id = {{ headline_role() }}
    group by all
),

units as (
    select * from {{ ref('design_units') }}
    where cycle_id = '{{ cycle_id() }}'
),

unit_ancestors as (
    select * from {{ ref('design_unit_ancestors') }}
),

regions as (
    select region_id, island_group from {{ ref('regions') }}
),

groups as (
    select * from {{ ref('sums_group_weights') }}
    where cycle_id = '{{ cycle_id() }}'
),

-- Whoever has a unit above counts once for each level: the unit serves all of them.
unit_staff as (
    select
        providers.unit_id,
        providers.unit_level_id,
        coalesce(regions.island_group, '') as island_group,
        coalesce(sum(staff.staff_count), 0) as staff_count,
    from units as providers
    left join unit_ancestors
        on unit_ancestors.as_of_on = providers.opens_on
        and unit_ancestors.ancestor_unit_id = providers.unit_id
    left join staff
        on staff.unit_id = unit_ancestors.unit_id
    left join regions
        on regions.region_id = providers.region_id
    group by all
),

members as (
    select
        'regions' as between,
        'provider_region' as domain_type,
        regions.region_id as domain_id,
        coalesce(regions.island_group, '') as group_id,
        cast(coalesce(sum(staff.staff_count), 0) as double) as staff_count,
    from regions
    left join staff
        on staff.region_id = regions.region_id
    group by all
    union all
    {%- for between, group_id in {"'units'": 'unit_level_id', "'units_' || unit_level_id": 'island_group'}.items() %}
    select
        {{ between }} as between,
        'provider_unit' as domain_type,
        unit_id as domain_id,
        {{ group_id }} as group_id,
        cast(staff_count as double) as staff_count,
    from unit_staff
    union all
    {%- endfor %}
    select
        domain_type as between,
        domain_type,
        domain_id,
        null as group_id,
        staff_count,
    from groups
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        *,
    from members
)

select * from final
