-- What each component of a domain stands on: respondents, final strata, Kish's sums of weights, and
-- whether a stratum holds a lone respondent.
{{ by_cycle() }}
with
component_strata as (
    select * from {{ ref('sums_by_component') }}
    where cycle_id = '{{ cycle_id() }}' and respondent_count > 0
),

cell_weights as (
    select * from {{ ref('weights_by_cell') }}
    where cycle_id = '{{ cycle_id() }}'
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        cell_weights.weighting_mode,
        component_strata.domain_number,
        component_strata.component_number,
        cast(sum(component_strata.respondent_count) as bigint) as respondent_count,
        count(distinct component_strata.stratum_number) as stratum_count,
        {{ stable_sum('cell_weights.weight * component_strata.respondent_count', 15) }} as weight_sum,
        {{ stable_sum('cell_weights.weight * cell_weights.weight
            * component_strata.respondent_count', 12) }} as weight_square_sum,
        {{ has_lone_respondent('cell_weights') }} as has_lone_respondent,
    from component_strata
    inner join cell_weights
        on cell_weights.weight_cell_number = component_strata.weight_cell_number
    group by all
)

select * from final
