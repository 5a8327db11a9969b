-- The scores by which units are compared with each other: of units of the same level and type, and of
-- shown ones alone, since a rank or a median over hidden ones would tell on them.
{{ by_cycle() }}
with
scores as (
    select * from {{ ref('idx_scores') }}
    where
        cycle_id = '{{ cycle_id() }}'
        and domain_type = 'provider_unit'
        and component_type <> 'item'
        and score is not null
),

hidden_cells as (
    select * from {{ ref('int_hidden_cells') }}
    where cycle_id = '{{ cycle_id() }}'
),

units as (
    select * from {{ ref('int_cycle_units') }}
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
    left join hidden_cells
        on hidden_cells.domain_type = scores.domain_type
        and hidden_cells.domain_id = scores.domain_id
        and hidden_cells.component_type = scores.component_type
        and hidden_cells.service_id is not distinct from scores.service_id
        and hidden_cells.perspective_id is not distinct from scores.perspective_id
    where hidden_cells.cycle_id is null
)

select * from final
