-- What disclosure control judges: who stands behind each component of each domain, and how much each
-- class of equal weight counts in it. The weighting modes share a cell, since the same people stand
-- behind all of them; its score and weights are those of the method's own mode.
{{ by_cycle() }}
with
component_strata as (
    select * from {{ ref('sums_by_component') }}
    where cycle_id = '{{ cycle_id() }}' and respondent_count > 0
),

component_scores as (
    select * from {{ ref('scores_of_components') }}
    where cycle_id = '{{ cycle_id() }}'
),

components as (
    select * from {{ ref('design_components') }}
    where cycle_id = '{{ cycle_id() }}'
),

domains as (
    select * from {{ ref('sums_domains') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select * from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

own_weights as (
    select
        cell_weights.weighting_mode,
        cell_weights.weight_cell_number,
        cell_weights.weight,
    from {{ ref('weights_by_cell') }} as cell_weights
    inner join settings
        on settings.cycle_id = cell_weights.cycle_id
        and settings.weighting_mode = cell_weights.weighting_mode
),

own_scores as (
    select
        component_scores.domain_number,
        component_scores.component_number,
        component_scores.score,
        component_scores.weighted_rating_count,
    from component_scores
    inner join settings
        on settings.weighting_mode = component_scores.weighting_mode
),

-- Persons of one weight are one class: only classes can be told apart by two ways of weighting.
weight_classes as (
    select
        component_strata.domain_number,
        component_strata.component_number,
        own_weights.weight,
        cast(sum(component_strata.respondent_count) as bigint) as respondent_count,
        sum(component_strata.rating_count) as rating_count,
    from component_strata
    inner join own_weights
        on own_weights.weight_cell_number = component_strata.weight_cell_number
    group by all
),

respondents as (
    select
        weight_classes.domain_number,
        weight_classes.component_number,
        cast(sum(weight_classes.respondent_count) as bigint) as respondent_count,
        cast(sum(weight_classes.rating_count) as bigint) as answer_count,
        {{ stable_sum('weight_classes.respondent_count * weight_classes.weight', 10) }} as weight_of_persons,
        max(weight_classes.weight) as largest_weight,
        -- Ratings are whole: of one person a range of a point is two ratings, of ten it is eleven means.
        arg_max(
            struct_pack(
                count := weight_classes.respondent_count,
                weight := weight_classes.respondent_count * weight_classes.weight
            ),
            (weight_classes.respondent_count + 1) * weight_classes.weight
        ) filter (where weight_classes.respondent_count < settings.min_cell_n) as small_class,
        count(*) as class_count,
        {{ stable_sum('log2(1 + 3 * weight_classes.respondent_count)', 10) }} as split_bits,
    from weight_classes
    cross join settings
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
        respondents.answer_count,
        own_scores.score,
        coalesce(own_scores.weighted_rating_count, respondents.weight_of_persons) as weight_sum,
        respondents.largest_weight / respondents.weight_of_persons as person_share,
        coalesce(respondents.small_class.weight / respondents.weight_of_persons, 0) as small_class_share,
        coalesce(respondents.small_class.count, 0) as small_class_count,
        respondents.class_count,
        respondents.split_bits,
    from respondents
    inner join components
        on components.component_number = respondents.component_number
    inner join domains
        on domains.domain_number = respondents.domain_number
    left join own_scores
        on own_scores.domain_number = respondents.domain_number
        and own_scores.component_number = respondents.component_number
)

select * from final
