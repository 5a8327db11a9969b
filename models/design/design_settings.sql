-- What a cycle computes with: its method's parameters where the seed gives them, else the defaults.
with
cycles as (
    select * from {{ ref('survey_cycles') }}
),

methods as (
    select * from {{ ref('methods') }}
),

method_parameters as (
    select * from {{ ref('method_parameters') }}
),

staffed as (
    -- Without a frame everybody weighs 1: no mode but none can be computed.
    select distinct cycle_id from {{ ref('design_staff') }}
    where role_id = {{ headline_role() }}
),

final as (
    select
        cycles.cycle_id,
        cycles.index_id,
        cycles.instrument_id,
        cycles.method_id,
        methods.weighting_mode as method_weighting_mode,
        case
            when staffed.cycle_id is null then 'none' else methods.weighting_mode
        end as weighting_mode,
        methods.band_scheme_id,
        {{ optional_column(ref('methods'), 'poststrata', "'region_level'") }} as poststrata,
        {{ optional_column(ref('methods'), 'interval_method', "'wald'") }} as interval_method,
        {{ optional_column(ref('methods'), 'change_test', "'z_independent'") }} as change_test,
        {{ optional_column(ref('methods'), 'importance', "'part_whole'") }} as importance,
        cycles.opens_on,
        cycles.closes_on,
        cycles.previous_cycle_id,
        {%- for parameter, default in var('method_parameter_defaults').items() %}
        cast(
            coalesce(
                max(method_parameters.value) filter (
                    where method_parameters.parameter = '{{ parameter }}'
                ),
                '{{ default }}'
            ) as double
        ) as {{ parameter }},
        {%- endfor %}
    from cycles
    inner join methods
        on methods.method_id = cycles.method_id
    left join staffed
        on staffed.cycle_id = cycles.cycle_id
    left join method_parameters
        on method_parameters.method_id = cycles.method_id
    group by all
)

select * from final
