-- Per weighting mode, domain, stratum and service: how much the stratum's respondents differ in their
-- influence on availability, accessibility and effective coverage, as the sum of squares around the
-- mean (the inner sum of method.md 5). Influences are whole shares of their bound, as in
-- int_influence_spreads: those on a ratio of its questions over its total, effective coverage's by the
-- product rule of share_rated and of the score's own influence (macros/influence.sql).
{%- set questions = instrument_questions() | selectattr('asks', 'equalto', 'performance') | list %}
{%- set components = instrument_components() %}
{%- set covered = covered_components() %}
{%- set measures = ['availability', 'accessibility', 'effective_coverage'] %}
{%- set figures = ['availability', 'accessibility', 'share_rated', 'share_part', 'score_part'] %}
{%- set keys = ['weighting_mode', 'domain_number', 'stratum_number'] %}
{%- set carried = [] %}
{%- for component in covered %}
{%- for column in ['rated_count', 'not_used_count', 'not_available_count'] + figures %}
{%- do carried.append(column ~ '_' ~ component.component_number) %}
{%- endfor %}
{%- endfor %}
{{ by_cycle() }}
with
ratios as (
    select * from {{ ref('int_coverage_ratios') }}
    where cycle_id = '{{ cycle_id() }}'
),

stratum_weights as (
    select * from {{ ref('int_stratum_weights') }}
    where cycle_id = '{{ cycle_id() }}'
),

coefficients as (
    select * from {{ ref('int_influence_coefficients') }}
    where cycle_id = '{{ cycle_id() }}'
),

wide_ratios as (
    select
        weighting_mode,
        domain_number,
        {%- for component in covered %}
        {%- for figure in figures %}
        max({{ figure }}) filter (where component_number = {{ component.component_number }})
            as {{ figure }}_{{ component.component_number }},
        {%- endfor %}
        {%- endfor %}
    from ratios
    group by weighting_mode, domain_number
),

answers as (
    select *
    from {{ ref('int_domain_answers') }}
    inner join coefficients using (domain_number)
    inner join wide_ratios using (weighting_mode, domain_number)
),

{{ influence_network(
    'one', 'answers', keys + carried, questions, components, instrument_edges(), 'rating_', none
) }},

influences as (
    select
        {{ keys | join(', ') }},
        {%- for component in covered %}
        {%- set number = component.component_number %}
        {%- set rated = 'rated_count_' ~ number %}
        {%- set available = '(rated_count_' ~ number ~ ' + not_used_count_' ~ number ~ ')' %}
        {%- set answered = '(' ~ available ~ ' + not_available_count_' ~ number ~ ')' %}
        ({{ available }} - availability_{{ number }} * {{ answered }})
            / {{ component.question_count }} as availability_influence_{{ number }},
        ({{ rated }} - accessibility_{{ number }} * {{ available }})
            / {{ component.question_count }} as accessibility_influence_{{ number }},
        share_part_{{ number }} * ({{ rated }} - share_rated_{{ number }} * {{ answered }})
            / {{ component.question_count }}
            + score_part_{{ number }} * influence_{{ number }} as effective_coverage_influence_{{ number }},
        {%- endfor %}
    from one_storey_3
),

sums as (
    select
        {{ keys | join(', ') }},
        {%- for component in covered %}
        {%- for measure in measures %}
        {%- set influence = measure ~ '_influence_' ~ component.component_number %}
        cast(sum(cast({{ influence }} as decimal(18, 17))) as double) as sum_{{ influence }},
        cast(sum(cast({{ influence }} * {{ influence }} as decimal(18, 17))) as double) as square_sum_{{ influence }},
        {%- endfor %}
        {%- endfor %}
    from influences
    group by all
),

spreads as (
    {%- for component in covered %}
    {%- for measure in measures %}
    {%- set influence = measure ~ '_influence_' ~ component.component_number %}
    select
        sums.weighting_mode,
        sums.domain_number,
        sums.stratum_number,
        {{ component.component_number }} as component_number,
        '{{ measure }}' as measure,
        sums.square_sum_{{ influence }} as square_sum,
        sums.square_sum_{{ influence }} - sums.sum_{{ influence }} * sums.sum_{{ influence }}
            / stratum_weights.stratum_respondent_count as spread,
    from sums
    inner join stratum_weights using (weighting_mode, stratum_number)
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {{ 'union all' if not loop.last }}
    {%- else %}
    select null::varchar as weighting_mode, null::integer as domain_number, null::integer as stratum_number,
        null::integer as component_number, null::varchar as measure, null::double as square_sum,
        null::double as spread
    where false
    {%- endfor %}
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        * exclude (square_sum),
    from spreads
    -- Where everybody's influence is the same, what is left of the difference is rounding.
    where spread > 1e-12 * square_sum
)

select * from final
