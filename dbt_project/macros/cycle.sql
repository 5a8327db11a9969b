{#
    The cycle of this run. An environment variable and not a dbt var: each new `--vars` makes dbt
    parse the whole project again.
#}
{% macro cycle_id() -%}
    {{ env_var('ILK_CYCLE_ID', '') }}
{%- endmacro %}

{# Cycles that were rolled back and are in no publication (orchestration/auditing/held_cycles.py), as a list. #}
{% macro held_cycles() -%}
    string_split('{{ env_var('ILK_HELD_CYCLES', '') }}', ',')
{%- endmacro %}

{# Stops dbt by hand before it touches anything: without a cycle every model's part would be that of none. #}
{% macro demand_cycle() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test') and not env_var('ILK_CYCLE_ID', '') -%}
        {{ exceptions.raise_compiler_error(
            "Isi ILK_CYCLE_ID dengan cycle_id dari survey_cycles.csv, atau pakai `ilk run`. / Set ILK_CYCLE_ID to "
            "a cycle_id of survey_cycles.csv, or use `ilk run` (docs/operations.md)."
        ) }}
    {%- endif -%}
{%- endmacro %}

{# Settings of a model that holds a part for each cycle and recomputes this run's part alone. #}
{% macro by_cycle() -%}
    {{ config(materialized='cycle_part') }}
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

{# A column that a seed may leave out, as text: blanks are NULL, or the default where it is absent. #}
{% macro optional_column(relation, column, default='null') -%}
    {% set present = [] %}
    {% if execute %}
        {% for found in adapter.get_columns_in_relation(relation) if found.name == column %}
            {% do present.append(column) %}
        {% endfor %}
    {% endif %}
    {{ return("coalesce(nullif(trim(cast(" ~ column ~ " as varchar)), ''), " ~ default ~ ")" if present else default) }}
{%- endmacro %}
