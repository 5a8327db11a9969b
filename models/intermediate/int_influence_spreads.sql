-- Per weighting mode, domain, stratum and component: how much the influences of the stratum's
-- respondents differ (macros/influence.sql).
{{ by_cycle() }}
with
coefficients as (
    select * from {{ ref('int_influence_coefficients') }}
    where cycle_id = '{{ cycle_id() }}'
),

domain_sums as (
    select * from {{ ref('int_domain_sums') }}
    where cycle_id = '{{ cycle_id() }}'
),

stratum_weights as (
    select * from {{ ref('int_stratum_weights') }}
    where cycle_id = '{{ cycle_id() }}'
),

spreads as (
    {{ influence_spreads(
        'coefficients',
        ref('int_domain_answers'),
        'domain_sums',
        'stratum_weights',
        instrument_questions() | selectattr('asks', 'equalto', 'performance') | list,
        instrument_components(),
        instrument_edges(),
    ) }}
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        *,
    from spreads
)

select * from final
