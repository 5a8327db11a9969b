{#
    The cycle of this run. An environment variable and not a dbt var: each new `--vars` makes dbt
    parse the whole project again.
#}
{% macro cycle_id() -%}
    {{ env_var('ILK_CYCLE_ID', '') }}
{%- endmacro %}

{#
    Settings of a model that holds a part for each cycle and recomputes this run's part alone. The old
    part is deleted by a hook and not by dbt's delete+insert, which deletes the cycles that come: where
    a cycle's part has become empty, its old rows would stay.
#}
{% macro by_cycle() -%}
    {{ config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='append_new_columns',
        pre_hook="{{ forget_cycle() }}",
    ) }}
{%- endmacro %}

{# Takes away this cycle's part of the model, in the transaction that writes the new one. #}
{% macro forget_cycle() -%}
    {%- if is_incremental() -%}
    delete from {{ this }} where cycle_id = '{{ cycle_id() }}'
    {%- endif -%}
{%- endmacro %}

{#
    Takes away the tables through which Python models hand over their rows: dbt-duckdb leaves one in
    schema main each time such a model adds to its table.
#}
{% macro drop_leftovers() -%}
    {%- for row in query_rows("
        select table_name from information_schema.tables
        where table_schema = 'main' and table_name like '%dbt_tmp%'
    ") %}
    drop table main.{{ row.table_name }};
    {%- endfor %}
{%- endmacro %}

{# The role whose answers make the headline, as an SQL text. #}
{% macro headline_role() -%}
    '{{ var("headline_role") }}'
{%- endmacro %}

{# Rows of a query as dictionaries; none while dbt only parses. #}
{% macro query_rows(sql) -%}
    {% set rows = [] %}
    {% if execute %}
        {% for row in run_query(sql).rows %}
            {% do rows.append(row.dict()) %}
        {% endfor %}
    {% endif %}
    {{ return(rows) }}
{%- endmacro %}

{# A column that a seed may leave out: the column, blanks as NULL, or the default where it is absent. #}
{% macro optional_column(relation, column, default='null') -%}
    {% set present = [] %}
    {% if execute %}
        {% for found in adapter.get_columns_in_relation(relation) if found.name == column %}
            {% do present.append(column) %}
        {% endfor %}
    {% endif %}
    {{ return("coalesce(nullif(trim(" ~ column ~ "), ''), " ~ default ~ ")" if present else default) }}
{%- endmacro %}
