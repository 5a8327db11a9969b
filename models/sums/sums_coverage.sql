-- Per domain, weight cell and service (and all services): how many questions were rated, not used or not
-- available, and how many respondents said one of these (and how many one of the first two).
{%- set items = instrument_components() | selectattr('component_type', 'equalto', 'item') | list %}
{{ by_cycle() }}
with
domain_sums as (
    select * from {{ ref('sums_by_domain') }}
    where cycle_id = '{{ cycle_id() }}'
),

final as (
    {%- for component in covered_components() %}
    {%- set number = component.component_number %}
    select
        cycle_id,
        domain_number,
        stratum_number,
        weight_cell_number,
        {{ number }} as component_number,
        cast(sum(
            {%- for item in items if component.service_id in (none, item.service_id) %}
            {{ '+ ' if not loop.first }}rating_count_{{ item.component_number }}
            {%- endfor %}
        ) as bigint) as rated_count,
        cast(sum(not_used_count_{{ number }}) as bigint) as not_used_count,
        cast(sum(not_available_count_{{ number }}) as bigint) as not_available_count,
        cast(sum(accessing_count_{{ number }}) as bigint) as accessing_count,
        cast(sum(answering_count_{{ number }}) as bigint) as respondent_count,
    from domain_sums
    where answering_count_{{ number }} > 0
    group by cycle_id, domain_number, stratum_number, weight_cell_number
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        null::varchar as cycle_id, null::integer as domain_number, null::integer as stratum_number,
        null::integer as weight_cell_number, null::integer as component_number, null::bigint as rated_count, null::bigint as not_used_count,
        null::bigint as not_available_count, null::bigint as accessing_count,
        null::bigint as respondent_count
    where false
    {%- endfor %}
)

select * from final
