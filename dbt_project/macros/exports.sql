{#
    The border: raw files whose columns differ, as one relation with columns of our own names. Each
    export is read once, under the names its profile gives; what no profile maps is not read.
#}

{# Attributes a profile may map. #}
{% macro attribute_names() -%}
    {{ return(var('attributes') + coded_attribute_names()) }}
{%- endmacro %}

{# Attributes whose values export_codes may translate. #}
{% macro coded_attribute_names() -%}
    {% set names = var('coded_attributes') | list %}
    {% for name in demographic_names() if name not in names %}
        {% do names.append(name) %}
    {% endfor %}
    {{ return(names) }}
{%- endmacro %}

{# Attributes that make a domain of their own beside the providers', as the seed lists them. #}
{% macro demographic_names() -%}
    {{ return(query_rows("
        select demographic_id from " ~ ref('demographics') ~ " order by sort_order, demographic_id
    ") | map(attribute='demographic_id') | list) }}
{%- endmacro %}

{# A heading as a quoted identifier: exports' headings hold blanks, quotes and line breaks. #}
{% macro quote_heading(heading) -%}
    "{{ heading | replace('"', '""') }}"
{%- endmacro %}

{#
    This cycle's current files, those with the same profile and the same headings together:
    profile_id, paths, the file numbers by SHA-256, the first column, and the headings of each mapped target
    ({'unit_id': ['Unit kerja'], '12': ['Q12', 'Q12 (revisi)']}; questions by their number).
#}
{% macro current_exports() -%}
    {% set folder = env_var('ILK_RAW_DIR', 'raw') ~ '/survey_responses/cycle_id=' ~ cycle_id() %}
    {% set rows = query_rows("
        with export_files as (
            select
                profile_id,
                source,
                header || ['_profile_id'] as header,
                header_folded || ['_profile_id'] as header_folded,
                list(sha256 || ' ' || file_number order by file_number) as files,
            from " ~ ref('stg_raw__export_files') ~ "
            where kind = 'survey_responses' and cycle_id = '" ~ cycle_id() ~ "'
            group by profile_id, source, header, header_folded
        ),

        mapped as (
            select
                export_columns.profile_id,
                " ~ fold_blanks('export_columns.source_column') ~ " as heading,
                coalesce(cast(questions.question_number as varchar), export_columns.target) as target,
            from " ~ ref('export_columns') ~ " as export_columns
            left join " ~ ref('stg_seeds__questions') ~ " as questions
                on questions.question_id = export_columns.target
                and export_columns.target_kind = 'question'
                and questions.instrument_id = (
                    select instrument_id from " ~ ref('survey_cycles') ~ "
                    where cycle_id = '" ~ cycle_id() ~ "'
                )
            where export_columns.target_kind = 'attribute' or questions.question_number is not null
        )

        select
            export_files.profile_id,
            export_files.source,
            array_to_string(export_files.files, ',') as files,
            export_files.header[list_position(export_files.header_folded, mapped.heading)] as heading,
            export_files.header[1] as first_heading,
            mapped.target,
        from export_files
        inner join mapped
            on mapped.profile_id = export_files.profile_id
            and list_contains(export_files.header_folded, mapped.heading)
        order by export_files.profile_id, files, mapped.target,
            list_position(export_files.header_folded, mapped.heading)
    ") %}
    {% set exports = {} %}
    {% for row in rows %}
        {% set export = exports.setdefault(
            row.files,
            {
                'profile_id': row.profile_id, 'source': row.source, 'paths': [], 'numbers': {}, 'headings': {},
                'first': quote_heading(row.first_heading),
            },
        ) %}
        {% do export.headings.setdefault(row.target, []).append(quote_heading(row.heading)) %}
        {% if not export.paths %}
            {% for file in row.files.split(',') %}
                {% set sha256, number = file.split(' ') %}
                {% do export.paths.append("'" ~ folder ~ '/' ~ sha256 ~ ".parquet'") %}
                {% do export.numbers.update({sha256: number}) %}
            {% endfor %}
        {% endif %}
    {% endfor %}
    {{ return(exports.values() | list) }}
{%- endmacro %}

{# A relation: by profile, target_kind and target the headings that hold it; of a question there may be several. #}
{% macro headings_by_target() -%}
    (
        select
            profile_id,
            target_kind,
            target,
            string_agg(source_column, ' | ' order by source_column) as source_column,
        from {{ ref('export_columns') }}
        group by profile_id, target_kind, target
    )
{%- endmacro %}

{# Columns of a staff frame; all but gender must be there (expectations/file_profiles.py). #}
{% macro staff_frame_columns() -%}
    {{ return(['unit_id', 'recipient_category_id', 'role_id', 'gender', 'staff_count']) }}
{%- endmacro %}

{#
    This cycle's current staff frames: sha256 and, by column, the heading that names it, NULL for none.
    Blanks and capital letters make no other column, as at the border.
#}
{% macro current_staff_frames() -%}
    {% set headings = [] %}
    {% for column in staff_frame_columns() %}
        {% do headings.append("header[list_position(lower_headings, '" ~ column ~ "')] as " ~ column) %}
    {% endfor %}
    {{ return(query_rows("
        with frames as (
            select
                *,
                list_transform(header_folded, lambda heading: lower(heading)) as lower_headings,
            from " ~ ref('stg_raw__export_files') ~ "
            where kind = 'staff_frame' and cycle_id = '" ~ cycle_id() ~ "'
        )

        select sha256, " ~ headings | join(', ') ~ " from frames order by file_number
    ")) }}
{%- endmacro %}

{# The export profiles with what reading their rows takes: time zone, order of dates, kind of identifier. #}
{% macro profiles_as_read() -%}
    {{ return(query_rows("
        select
            profile_id,
            " ~ optional_column(ref('export_profiles'), 'written_timezone', 'timezone') ~ " as timezone,
            " ~ optional_column(ref('export_profiles'), 'identifier_kind', "''") ~ " as identifier_kind,
            " ~ optional_column(ref('export_profiles'), 'date_order', "'dmy'") ~ " as date_order,
        from " ~ ref('export_profiles') ~ "
        order by profile_id
    ")) }}
{%- endmacro %}

{# The identifier of a row of stg_raw__survey_responses as it is compared; NULL where it has none. #}
{% macro own_identifier(profiles) -%}
    nullif(
        case profile_id
            {%- for profile in profiles %}
            when '{{ profile.profile_id }}' then {{ normal_identifier('respondent_identifier', profile.identifier_kind) }}
            {%- else %}
            when null then null::varchar
            {%- endfor %}
        end,
        ''
    )
{%- endmacro %}

{#
    By what a response is dealt to a shard: all of one person's, in any cycle, have the same number, that of
    his pseudonym; who has none is dealt by his row.
#}
{% macro deal_number(respondent_key, response_key) -%}
    coalesce(cast('0x' || left({{ respondent_key }}, 8) as bigint), {{ response_key }})
{%- endmacro %}
