-- Per domain, weight cell and component: how many respondents rated something under it.
{%- set components = instrument_components() %}
{{ by_cycle() }}
with
domain_sums as (
    select * from {{ ref('sums_by_domain') }}
    where cycle_id = '{{ cycle_id() }}'
),

final as (
    {%- for component in components %}
    select
        cycle_id,
        domain_number,
        stratum_number,
        weight_cell_number,
        {{ component.component_number }} as component_number,
        respondent_count_{{ component.component_number }} as respondent_count,
    from domain_sums
    where respondent_count_{{ component.component_number }} > 0
    {{ 'union all' if not loop.last }}
    {%- else %}
    select null::varchar as cycle_id, null::integer as domain_number, null::integer as stratum_number,
        null::integer as weight_cell_number, null::integer as component_number, null::bigint as respondent_count
    where false
    {%- endfor %}
)

select * from final
