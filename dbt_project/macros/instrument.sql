{#
    What this cycle asks, read from the warehouse when a model is compiled: answers lie in one column
    a question (`answer_<question_number>`), because arithmetic on columns is several times cheaper
    than a join and a GROUP BY over one row an answer (docs/performance.md).
#}

{# A cycle's questions: question_number, question_id, audience_id, provider_level_rank, scale, item. #}
{% macro instrument_questions(cycle=none) -%}
    {{ return(query_rows("
        select questions.*
        from " ~ ref('stg_seeds__questions') ~ " as questions
        inner join " ~ ref('survey_cycles') ~ " as cycles using (instrument_id)
        where cycles.cycle_id = '" ~ (cycle or cycle_id()) ~ "'
        order by questions.question_number
    ")) }}
{%- endmacro %}

{#
    The columns of these questions (answer_<question_number>): DuckDB writes out the expression of a
    select list that this stands in, once for each of them, under its name; in the order in which they
    lie in the relation, whatever this list's.
#}
{% macro answer_columns(questions) -%}
    columns([{% for question in questions %}'answer_{{ question.question_number }}'{{ ', ' if not loop.last }}{% endfor %}])
{%- endmacro %}

{# A relation: the ids of this cycle's questions. A profile may map those of other instruments too. #}
{% macro asked_question_ids() -%}
    (
        select question_id
        from {{ ref('stg_seeds__questions') }}
        where instrument_id in (
            select instrument_id from {{ ref('survey_cycles') }} where cycle_id = '{{ cycle_id() }}'
        )
    )
{%- endmacro %}

{# The ranks of the levels whose providers a cycle asks about. #}
{% macro provider_level_ranks(cycle=none) -%}
    {{ return(instrument_questions(cycle) | map(attribute='provider_level_rank') | unique | sort | list) }}
{%- endmacro %}

{# What responses_routed says of each response: which audiences it hears, where it has providers. #}
{% macro route_columns() -%}
    {%- set questions, columns = instrument_questions(), [] -%}
    {%- for _ in questions | map(attribute='audience_id') | unique -%}
        {%- do columns.append('hears_' ~ loop.index) -%}
    {%- endfor -%}
    {%- for rank in questions | map(attribute='provider_level_rank') | unique -%}
        {%- do columns.append('has_provider_' ~ rank) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{# This cycle's components, the parts of the score's tree. #}
{% macro instrument_components() -%}
    {{ return(query_rows("
        select *
        from " ~ ref('design_components') ~ "
        where cycle_id = '" ~ cycle_id() ~ "'
        order by component_number
    ")) }}
{%- endmacro %}

{#
    What each text of an export means for a question, as the SMALLINT stored (answer_codes.sql): by
    profile and question_number, rows source_value, folded_value, is_own (of the question, not of `*`),
    code. A row for the question wins over `*`.
#}
{% macro answer_codes() -%}
    {% set sentinels, codes = answer_sentinels(), {} %}
    {% for row in query_rows("
        with codes as (
            select
                questions.question_number,
                questions.scale_min,
                questions.scale_max,
                export_codes.profile_id,
                " ~ trim_blanks('export_codes.source_value') ~ " as source_value,
                trim(export_codes.code) as code,
                export_codes.target <> '*' as is_own,
                row_number() over (
                    partition by questions.question_number, export_codes.profile_id,
                        " ~ trim_blanks('export_codes.source_value') ~ "
                    order by case when export_codes.target = '*' then 1 else 0 end
                ) as precedence,
            from " ~ ref('stg_seeds__questions') ~ " as questions
            inner join " ~ ref('survey_cycles') ~ " as cycles using (instrument_id)
            inner join " ~ ref('export_codes') ~ " as export_codes
                on export_codes.target in ('*', questions.question_id)
            where
                cycles.cycle_id = '" ~ cycle_id() ~ "'
                and export_codes.profile_id in (
                    select profile_id from " ~ ref('stg_raw__export_files') ~ "
                    where cycle_id = cycles.cycle_id
                )
        )

        select
            question_number,
            profile_id,
            source_value,
            " ~ fold_value('source_value') ~ " as folded_value,
            is_own,
            case
                when code = 'blank' then " ~ sentinels.blank ~ "
                when code = 'not_available' then " ~ sentinels.not_available ~ "
                when code = 'not_used' then " ~ sentinels.not_used ~ "
                when try_cast(code as double) = floor(try_cast(code as double))
                    and try_cast(code as double) between scale_min and scale_max
                    then cast(try_cast(code as double) as smallint)
                else " ~ sentinels.off_scale ~ "
            end as code,
        from codes
        where precedence = 1 and source_value <> ''
        order by question_number, profile_id, is_own, source_value
    ") %}
        {#- Of what it means alone, so that questions whose texts mean the same are told by comparing. #}
        {% set place = (row.pop('profile_id'), row.pop('question_number')) %}
        {% do codes.setdefault(place, []).append(row) %}
    {% endfor %}
    {{ return(codes) }}
{%- endmacro %}

{#
    The code of one answer as the export has it, never NULL. A text without a row that is a whole number
    on the scale is itself. Cells are looked up as they stand, then folded, then as plain numbers, in the
    order of `codes_of_values`: nearly all are found at once, and an expression that is written once is
    not worked out for them (one that is written twice DuckDB computes for every row, asked for or not).
#}
{% macro answer_code(cell, question, codes) -%}
    {%- set blank, off_scale = answer_sentinels().blank, answer_sentinels().off_scale -%}
    {%- set is_listed = question.scale_max - question.scale_min <= 100 -%}
    {%- set known, folded = {'': blank}, {'': blank} -%}
    {%- if is_listed -%}
        {%- for code in range(question.scale_min, question.scale_max + 1) -%}
            {%- do known.update({code | string: code}) -%}
            {%- do folded.update({code | string: code}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for row in codes -%}
        {%- do known.update({row.source_value: row.code}) -%}
    {%- endfor -%}
    {#- Those of `*` first, so that the question's own win; what folds alike and differs is left out. -#}
    {%- for is_own in [false, true] -%}
        {%- for spelling, alike in (codes | selectattr('is_own', 'equalto', is_own) | groupby('folded_value')) -%}
            {%- if alike | map(attribute='code') | unique | list | length == 1 -%}
                {%- do folded.update({spelling: alike[0].code}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    coalesce(
            {{ looked_up(cell, known, 'smallint') }},
            {{ looked_up(fold_value(cell), folded, 'smallint') }},
            {{ looked_up(plain_number(cell), folded, 'smallint') }},
            {#- Bare numbers are INTEGER, and would make every answer one: twice the bytes. #}
            case
                when {{ cell }} is null then {{ blank }}::smallint
                {%- if not is_listed %}
                {%- set number = whole_number(cell) %}
                when {{ number }} between {{ question.scale_min }} and {{ question.scale_max }} then {{ number }}
                {%- endif %}
                else {{ off_scale }}::smallint
            end
        )
{%- endmacro %}

{# How many answer columns there are: as many as the longest instrument of all cycles has questions. #}
{% macro answer_slots() -%}
    {% set rows = query_rows(
        "select coalesce(max(question_number), 0) as question_count from " ~ ref('stg_seeds__questions')
        ~ " where instrument_id in (select instrument_id from " ~ ref('survey_cycles') ~ ")"
    ) %}
    {{ return(rows[0].question_count if rows else 0) }}
{%- endmacro %}
