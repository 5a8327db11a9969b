-- Groups of staff whose response rates follow from published counts, by what divides them: who answered
-- in each is told already, so that whatever is made of them tells nothing new (method.md 10).
{{ by_cycle() }}
with
rows_of_units as (
    select * from {{ ref('participation_by_category') }}
    where cycle_id = '{{ cycle_id() }}'
),

verdicts as (
    select * from {{ ref('disclosure_participation_verdicts') }}
    where cycle_id = '{{ cycle_id() }}' and is_told
),

units as (
    select * from {{ ref('design_units') }}
    where cycle_id = '{{ cycle_id() }}'
),

routes as (
    select distinct
        domain_type,
        domain_id,
        attribute_value as unit_id,
    from {{ ref('sums_domain_routes') }}
    where
        cycle_id = '{{ cycle_id() }}' and attribute_name = 'unit_id'
        and domain_type in ('provider_level', 'provider_region')
),

-- What is left of a unit once its shown rows are taken out is told with it, or with its group.
placed as (
    select
        rows_of_units.role_id,
        rows_of_units.unit_id,
        coalesce('together ' || verdicts.unit_group, 'unit ' || rows_of_units.unit_id) as told_id,
        case
            when verdicts.is_hidden then 'rest of ' || told_id
            else rows_of_units.unit_id || ' ' || rows_of_units.recipient_category_id
        end as row_id,
        case
            when verdicts.unit_group = '' then 'rest'
            else coalesce(units.region_id, '') || '|' || units.unit_level_id
        end as place,
        rows_of_units.staff_count,
        rows_of_units.respondent_count,
    from rows_of_units
    inner join verdicts
        on verdicts.role_id = rows_of_units.role_id
        and verdicts.unit_id = rows_of_units.unit_id
        and verdicts.recipient_category_id = rows_of_units.recipient_category_id
    inner join units
        on units.unit_id = rows_of_units.unit_id
),

told_units as (
    select distinct
        role_id,
        told_id,
        unit_id,
        count(distinct unit_id) over (partition by role_id, told_id) as unit_count,
    from placed
),

-- Units told together speak for a domain where all of them do.
spoken_for as (
    select
        told_units.role_id,
        told_units.told_id,
        routes.domain_type,
        routes.domain_id,
    from told_units
    inner join routes
        on routes.unit_id = told_units.unit_id
    where told_units.role_id = {{ headline_role() }}
    group by all
    having count(*) = max(told_units.unit_count)
    union all
    select distinct
        role_id,
        told_id,
        if(role_id = {{ headline_role() }}, 'national', 'role') as domain_type,
        if(role_id = {{ headline_role() }}, 'national', role_id) as domain_id,
    from told_units
),

divided as (
    {%- for variable, cell in {'all': 'row_id', 'unit': 'told_id', 'region_level': 'place'}.items() %}
    select
        spoken_for.role_id,
        spoken_for.domain_type,
        spoken_for.domain_id,
        '{{ variable }}' as variable,
        placed.{{ cell }} as cell_id,
        cast(sum(placed.staff_count) as bigint) as staff_count,
        cast(sum(placed.respondent_count) as bigint) as respondent_count,
    from placed
    inner join spoken_for
        on spoken_for.role_id = placed.role_id
        and spoken_for.told_id = placed.told_id
    group by all
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        *,
    from divided
    where staff_count > 0
)

select * from final
