-- Per weighting mode, domain, stratum and component: the sum of squares of the influences of all the
-- stratum's respondents around their mean (the inner sum of method.md 5, unweighted and divided by
-- the bound squared). Those who rated nothing in the domain have influence 0 and count in the mean.
{%- set questions = instrument_questions() | selectattr('asks', 'equalto', 'performance') | list %}
{%- set components = instrument_components() %}
{%- set edges = instrument_edges() %}
{{ by_cycle() }}
with
coefficients as (
    select * from {{ ref('int_influence_coefficients') }}
    where cycle_id = '{{ cycle_id() }}'
),

stratum_weights as (
    select * from {{ ref('int_stratum_weights') }}
    where cycle_id = '{{ cycle_id() }}'
),

answers_with_coefficients as (
    select *
    from {{ ref('int_domain_answers') }} as domain_answers
    inner join coefficients
        on coefficients.domain_number = domain_answers.domain_number
),

sums_with_coefficients as (
    select *
    from {{ ref('int_domain_sums') }} as domain_sums
    inner join coefficients
        on coefficients.domain_number = domain_sums.domain_number
    where domain_sums.cycle_id = '{{ cycle_id() }}'
),

{{ influence_network(
    'one', 'answers_with_coefficients', ['weighting_mode', 'domain_number', 'stratum_number'],
    questions, components, edges, 'rating_', none
) }},

{{ influence_network(
    'all', 'sums_with_coefficients', ['weighting_mode', 'domain_number', 'stratum_number'],
    questions, components, edges, 'code_sum_', 'rating_count_'
) }},

squares as (
    select
        weighting_mode,
        domain_number,
        stratum_number,
        {%- for component in components %}
        sum(cast(
            influence_{{ component.component_number }} * influence_{{ component.component_number }}
            as decimal(18, 17)
        )) as square_sum_{{ component.component_number }},
        {%- endfor %}
    from one_storey_3
    group by weighting_mode, domain_number, stratum_number
),

spreads as (
    select
        squares.weighting_mode,
        squares.domain_number,
        squares.stratum_number,
        {%- for component in components %}
        cast(squares.square_sum_{{ component.component_number }} as double)
            as square_sum_{{ component.component_number }},
        cast(squares.square_sum_{{ component.component_number }} as double)
            - all_storey_3.influence_{{ component.component_number }}
            * all_storey_3.influence_{{ component.component_number }}
            / stratum_weights.stratum_respondent_count as spread_{{ component.component_number }},
        {%- endfor %}
    from squares
    inner join all_storey_3
        on all_storey_3.weighting_mode = squares.weighting_mode
        and all_storey_3.domain_number = squares.domain_number
        and all_storey_3.stratum_number = squares.stratum_number
    inner join stratum_weights
        on stratum_weights.weighting_mode = squares.weighting_mode
        and stratum_weights.stratum_number = squares.stratum_number
),

final as (
    {%- for component in components %}
    select
        '{{ cycle_id() }}' as cycle_id,
        weighting_mode,
        domain_number,
        stratum_number,
        {{ component.component_number }} as component_number,
        spread_{{ component.component_number }} as spread,
    from spreads
    -- Where everybody's influence is the same, what is left of the difference is rounding.
    where spread_{{ component.component_number }} > 1e-12 * square_sum_{{ component.component_number }}
    {{ 'union all' if not loop.last }}
    {%- else %}
    select null::varchar as cycle_id, null::varchar as weighting_mode, null::integer as domain_number,
        null::integer as stratum_number, null::integer as component_number, null::double as spread
    where false
    {%- endfor %}
)

select * from final
