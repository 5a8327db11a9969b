-- The sampling variances of comparison_scores: the scores' own where the side's tree is the shared
-- one, else computed on the shared tree.
{{ by_cycle() }}
with
compared_cycles as (
    select * from {{ ref('design_compared_cycles') }}
    where cycle_id = '{{ cycle_id() }}'
),

linearised as (
    select * from {{ ref('comparison_linearised_variances') }}
    where cycle_id = '{{ cycle_id() }}'
),

bootstrapped as (
    select * from {{ ref('sums_compared_bootstrap_variances') }}
    where cycle_id = '{{ cycle_id() }}'
),

compared_strata as (
    select * from {{ ref('sums_compared_respondents') }}
    where cycle_id = '{{ cycle_id() }}'
),

variances as (
    select * from {{ ref('scores_variances') }}
),

-- Of both sides, in each of their modes; the cells of a stratum are one here.
strata as (
    select distinct
        cycle_id,
        weighting_mode,
        stratum_number,
        stratum_staff_count,
        stratum_respondent_count,
    from {{ ref('weights_by_cell') }}
),

bases as (
    select
        compared_strata.compared_cycle_id,
        strata.weighting_mode,
        compared_strata.domain_number,
        compared_strata.component_number,
        cast(sum(compared_strata.respondent_count) as bigint) - count(*) as df,
        {{ has_lone_respondent('strata') }} as has_lone_respondent,
    from compared_strata
    inner join strata
        on strata.cycle_id = compared_strata.compared_cycle_id
        and strata.stratum_number = compared_strata.stratum_number
    group by all
),

sampling_variances as (
    select * from linearised
    union all by name
    select * from bootstrapped
),

recomputed as (
    select
        bases.compared_cycle_id,
        bases.weighting_mode,
        bases.domain_number,
        bases.component_number,
        bases.df,
        case when not bases.has_lone_respondent then sampling_variances.variance end as variance,
    from bases
    left join sampling_variances
        using (compared_cycle_id, weighting_mode, domain_number, component_number)
),

-- The same tree has the same numbers, since components are numbered by what they are.
final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        variances.cycle_id as compared_cycle_id,
        variances.weighting_mode,
        variances.domain_number,
        variances.component_number,
        variances.df,
        variances.variance,
    from compared_cycles
    inner join variances
        on variances.cycle_id = compared_cycles.compared_cycle_id
    where compared_cycles.is_own_tree
    union all
    select '{{ cycle_id() }}' as cycle_id, * from recomputed
)

select * from final
