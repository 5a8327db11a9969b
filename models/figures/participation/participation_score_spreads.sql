-- How far persons' views of a unit lie apart, pooled over the units of a level: what a sample's size is
-- planned with (method.md 9).
{{ by_cycle() }}
with
settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

units as (
    select * from {{ ref('design_units') }}
    where cycle_id = '{{ cycle_id() }}'
),

scores as (
    select scores_with_errors.*
    from {{ ref('scores_with_errors') }} as scores_with_errors
    inner join settings
        on settings.cycle_id = scores_with_errors.cycle_id
        and settings.weighting_mode = scores_with_errors.weighting_mode
    where
        scores_with_errors.domain_type = 'provider_unit'
        and scores_with_errors.component_type = 'index'
        and scores_with_errors.se is not null
),

-- Everybody whose provider the unit is.
staff as (
    select
        unit_ancestors.ancestor_unit_id as unit_id,
        sum(design_staff.staff_count) as staff_count,
    from {{ ref('design_staff') }} as design_staff
    inner join units
        on units.unit_id = design_staff.unit_id
    inner join {{ ref('design_unit_ancestors') }} as unit_ancestors
        on unit_ancestors.as_of_on = units.opens_on
        and unit_ancestors.unit_id = design_staff.unit_id
    where design_staff.cycle_id = '{{ cycle_id() }}' and design_staff.role_id = {{ headline_role() }}
    group by unit_ancestors.ancestor_unit_id
),

-- S^2 = n se^2 / (1 - f): where all answered nothing is told of it.
spreads as (
    select
        units.unit_level_id,
        scores.respondent_count,
        scores.respondent_count * scores.se * scores.se
        / (1 - scores.respondent_count / coalesce(staff.staff_count, 'infinity'::double)) as variance,
    from scores
    inner join units
        on units.unit_id = scores.domain_id
    left join staff
        on staff.unit_id = scores.domain_id
    where scores.respondent_count < coalesce(staff.staff_count, 'infinity'::double)
),

pooled as (
    select
        unit_level_id,
        cast(sum(respondent_count) as bigint) as respondent_count,
        sqrt({{ stable_sum('respondent_count * variance', 12) }} / sum(respondent_count)) as spread,
    from spreads
    group by grouping sets ((unit_level_id), ())
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        pooled.unit_level_id,
        pooled.respondent_count,
        ceil(100 * pooled.spread - 1e-6) / 100 as score_sd,
    from pooled
    cross join settings
    where pooled.respondent_count >= settings.min_sample and pooled.spread > 0
)

select * from final
