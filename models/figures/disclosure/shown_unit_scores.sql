-- The scores by which units are compared with each other: of units of the same level and type, and as
-- they are shown, since a rank or a median over what isn't shown would tell on it.
{{ by_cycle() }}
with
scores as (
    select * from {{ ref('shown_scores') }}
    where
        cycle_id = '{{ cycle_id() }}'
        and domain_type = 'provider_unit'
        and component_type <> 'item'
        and score is not null
),

units as (
    select * from {{ ref('design_units') }}
    where cycle_id = '{{ cycle_id() }}'
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        scores.weighting_mode,
        scores.domain_type,
        scores.domain_id,
        scores.component_type,
        scores.service_id,
        scores.perspective_id,
        scores.component_type
            || ' ' || coalesce(scores.service_id, '')
            || ' ' || coalesce(scores.perspective_id, '') as component_text,
        units.unit_level_id,
        units.unit_type,
        scores.score,
        scores.se,
    from scores
    inner join units
        on units.unit_id = scores.domain_id
)

select * from final
