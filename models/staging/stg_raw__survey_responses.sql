-- depends_on: {{ source('raw', 'survey_responses') }}
-- depends_on: {{ ref('export_columns') }}
-- depends_on: {{ ref('stg_seeds__questions') }}
-- depends_on: {{ ref('survey_cycles') }}
{%- set questions = instrument_questions() %}
{%- set exports = current_exports() %}
with
exported as (
    {%- for export in exports %}
    select
        {{ looked_up('_file_sha256', export.numbers, 'bigint') }} as file_number,
        _profile_id as profile_id,
        '{{ export.source | replace("'", "''") }}' as source,
        _file_sha256,
        _source_row,
        {{ is_summary_word(trim_blanks(export.first)) }} as is_labelled_total,
        {%- for attribute in attribute_names() %}
        {{ export.headings[attribute][0] if attribute in export.headings else 'null::varchar' }} as {{ attribute }},
        {%- endfor %}
        {%- for question in questions %}
        {%- set cells = export.headings.get(question.question_number | string, ['null::varchar']) %}
        {{ one_answer(cells) }} as answer_{{ question.question_number }},
        {%- endfor %}
    from read_parquet([{{ export.paths | join(', ') }}], hive_partitioning = false)
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        null::bigint as file_number,
        null::varchar as profile_id,
        null::varchar as source,
        null::varchar as _file_sha256,
        null::bigint as _source_row,
        null::boolean as is_labelled_total,
        {%- for attribute in attribute_names() %}
        null::varchar as {{ attribute }},
        {%- endfor %}
        {%- for question in questions %}
        null::varchar as answer_{{ question.question_number }},
        {%- endfor %}
    where false
    {%- endfor %}
),

final as (
    select
        file_number * 1000000000 + _source_row as response_key,
        '{{ cycle_id() }}' as cycle_id,
        * exclude (file_number),
    from exported
)

select * from final
