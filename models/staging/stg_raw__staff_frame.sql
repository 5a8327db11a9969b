-- depends_on: {{ source('raw', 'staff_frame') }}
{%- set folder = env_var('ILK_RAW_DIR', 'raw') ~ '/staff_frame/cycle_id=' ~ cycle_id() %}
{%- set files = query_rows(
    "select sha256, list_contains(header_folded, 'gender') as has_gender from " ~ ref('stg_raw__export_files')
    ~ " where kind = 'staff_frame' and cycle_id = '" ~ cycle_id() ~ "' order by file_number"
) %}
with
delivered as (
    {%- for file in files %}
    select
        unit_id,
        recipient_category_id,
        role_id,
        {{ 'gender' if file.has_gender else "''" }} as gender,
        staff_count,
    from read_parquet('{{ folder }}/{{ file.sha256 }}.parquet', hive_partitioning = false)
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        null::varchar as unit_id,
        null::varchar as recipient_category_id,
        null::varchar as role_id,
        null::varchar as gender,
        null::varchar as staff_count,
    where false
    {%- endfor %}
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        {{ trim_blanks('unit_id') }} as unit_id,
        {{ trim_blanks('recipient_category_id') }} as recipient_category_id,
        {{ trim_blanks('role_id') }} as role_id,
        nullif({{ trim_blanks('gender') }}, '') as gender,
        cast({{ trim_blanks('staff_count') }} as integer) as staff_count,
    from delivered
)

select * from final
