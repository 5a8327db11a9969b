-- depends_on: {{ source('raw', 'staff_frame') }}
{%- set folder = env_var('ILK_RAW_DIR', 'raw') ~ '/staff_frame/cycle_id=' ~ cycle_id() %}
{%- set columns = staff_frame_columns() %}
{%- set files = current_staff_frames() %}
with
delivered as (
    {%- for file in files %}
    select
        {%- for column in columns %}
        {{ quote_heading(file[column]) if file[column] else "''" }} as {{ column }},
        {%- endfor %}
    from read_parquet('{{ folder }}/{{ file.sha256 }}.parquet', hive_partitioning = false)
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        {%- for column in columns %}
        null::varchar as {{ column }},
        {%- endfor %}
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
        cast({{ plain_count('staff_count') }} as integer) as staff_count,
    from delivered
)

select * from final
