-- Who weighs the same. Where the method rakes, a weight cell is base stratum x gender, since raking
-- tells no more apart; elsewhere it is the final stratum, so that sums over cells cost nothing more.
{{ by_cycle() }}
with
responses as (
    select * from {{ ref('responses_judged') }}
    where cycle_id = '{{ cycle_id() }}' and is_accepted
),

strata as (
    select * from {{ ref('weights_strata') }}
    where cycle_id = '{{ cycle_id() }}'
),

region_levels as (
    select * from {{ ref('weights_rake_region_levels') }}
    where cycle_id = '{{ cycle_id() }}'
),

settings as (
    select weighting_mode, poststrata from {{ ref('design_settings') }}
    where cycle_id = '{{ cycle_id() }}'
),

counted as (
    select
        responses.role_id,
        {{ base_stratum_id('responses', 'settings') }} as base_stratum_id,
        responses.gender,
        count(*) as respondent_count,
    from responses
    cross join settings
    group by all
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        counted.role_id,
        counted.base_stratum_id,
        strata.region_id,
        strata.unit_level_id,
        strata.recipient_category_id,
        counted.gender,
        counted.respondent_count,
        strata.stratum_number,
        cast(
            case
                when settings.weighting_mode = 'rake' then row_number() over (
                    order by counted.role_id, counted.base_stratum_id, coalesce(counted.gender, '')
                )
                else strata.stratum_number
            end as integer
        ) as weight_cell_number,
        region_levels.region_level_id,
        strata.stratum_staff_count,
        strata.stratum_respondent_count,
        strata.weight as stratum_weight,
    from counted
    cross join settings
    inner join strata
        on strata.role_id = counted.role_id
        and strata.base_stratum_id = counted.base_stratum_id
    left join region_levels
        on region_levels.role_id = counted.role_id
        and region_levels.unit_level_id = strata.unit_level_id
        and coalesce(region_levels.region_id, '') = coalesce(strata.region_id, '')
)

select * from final
