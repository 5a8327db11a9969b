-- What disclosure control judges: how many persons and answers stand behind each component of each
-- domain. The weighting modes share a cell, since the same people stand behind all of them.
{{ by_cycle() }}
with
component_strata as (
    select * from {{ ref('int_component_strata') }}
    where cycle_id = '{{ cycle_id() }}'
),

rating_counts as (
    select * from {{ ref('int_component_rating_counts') }}
    where cycle_id = '{{ cycle_id() }}'
),

component_scores as (
    select * from {{ ref('int_component_scores') }}
    where cycle_id = '{{ cycle_id() }}'
),

components as (
    select * from {{ ref('int_components') }}
    where cycle_id = '{{ cycle_id() }}'
),

domains as (
    select * from {{ ref('int_domains') }}
    where cycle_id = '{{ cycle_id() }}'
),

respondents as (
    select
        domain_number,
        component_number,
        cast(sum(respondent_count) as bigint) as respondent_count,
    from component_strata
    group by all
),

scores as (
    select
        domain_number,
        component_number,
        max(score) as score,
    from component_scores
    group by all
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        domains.domain_type,
        domains.domain_id,
        components.component_type,
        components.service_id,
        components.perspective_id,
        components.item_id,
        respondents.respondent_count,
        rating_counts.answer_count,
        scores.score,
    from respondents
    inner join rating_counts
        on rating_counts.domain_number = respondents.domain_number
        and rating_counts.component_number = respondents.component_number
    inner join components
        on components.component_number = respondents.component_number
    inner join domains
        on domains.domain_number = respondents.domain_number
    left join scores
        on scores.domain_number = respondents.domain_number
        and scores.component_number = respondents.component_number
)

select * from final
