-- Per domain, stratum and service (and all services): how many questions were rated, not used or not
-- available, and how many respondents said one of these (and how many one of the first two).
{%- set covered = covered_components() %}
{%- set statuses = ['rated', 'not_used', 'not_available'] %}
{{ by_cycle() }}
with
domain_answers as (
    select * from {{ ref('int_domain_answers') }}
),

sums as (
    select
        domain_number,
        stratum_number,
        {%- for component in covered %}
        {%- set number = component.component_number %}
        {%- for status in statuses %}
        sum({{ status }}_count_{{ number }}) as {{ status }}_count_{{ number }},
        {%- endfor %}
        count(*) filter (where rated_count_{{ number }} + not_used_count_{{ number }} > 0)
            as accessing_count_{{ number }},
        count(*) filter (
            where rated_count_{{ number }} + not_used_count_{{ number }} + not_available_count_{{ number }} > 0
        ) as respondent_count_{{ number }},
        {%- endfor %}
    from domain_answers
    group by domain_number, stratum_number
),

final as (
    {%- for component in covered %}
    {%- set number = component.component_number %}
    select
        '{{ cycle_id() }}' as cycle_id,
        domain_number,
        stratum_number,
        {{ number }} as component_number,
        {%- for column in ['rated', 'not_used', 'not_available', 'accessing', 'respondent'] %}
        cast({{ column }}_count_{{ number }} as bigint) as {{ column }}_count,
        {%- endfor %}
    from sums
    where respondent_count_{{ number }} > 0
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        null::varchar as cycle_id, null::integer as domain_number, null::integer as stratum_number,
        null::integer as component_number, null::bigint as rated_count, null::bigint as not_used_count,
        null::bigint as not_available_count, null::bigint as accessing_count,
        null::bigint as respondent_count
    where false
    {%- endfor %}
)

select * from final
