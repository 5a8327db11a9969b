-- The scores by which units are compared with each other: of units of the same level and type, and of
-- shown ones alone, since a rank or a median over hidden ones would tell on them.
{{ by_cycle() }}
with
component_scores as (
    select * from {{ ref('int_component_scores') }}
    where cycle_id = '{{ cycle_id() }}' and score is not null
),

variances as (
    select * from {{ ref('int_component_variances') }}
    where cycle_id = '{{ cycle_id() }}'
),

domains as (
    select * from {{ ref('int_domains') }}
    where cycle_id = '{{ cycle_id() }}' and domain_type = 'provider_unit'
),

components as (
    select * from {{ ref('int_components') }}
    where cycle_id = '{{ cycle_id() }}' and component_type <> 'item'
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
        component_scores.weighting_mode,
        domains.domain_type,
        domains.domain_id,
        components.component_type,
        components.service_id,
        components.perspective_id,
        components.component_type
            || ' ' || coalesce(components.service_id, '')
            || ' ' || coalesce(components.perspective_id, '') as component_text,
        units.unit_level_id,
        units.unit_type,
        component_scores.score,
        case when variances.df >= 1 then sqrt(variances.variance) end as se,
    from component_scores
    inner join variances
        on variances.weighting_mode = component_scores.weighting_mode
        and variances.domain_number = component_scores.domain_number
        and variances.component_number = component_scores.component_number
    inner join domains
        on domains.domain_number = component_scores.domain_number
    inner join components
        on components.component_number = component_scores.component_number
    inner join units
        on units.unit_id = domains.domain_id
    left join hidden_cells
        on hidden_cells.domain_type = domains.domain_type
        and hidden_cells.domain_id = domains.domain_id
        and hidden_cells.component_type = components.component_type
        and hidden_cells.service_id is not distinct from components.service_id
        and hidden_cells.perspective_id is not distinct from components.perspective_id
    where hidden_cells.cycle_id is null
)

select * from final
