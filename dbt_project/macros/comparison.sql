{#
    What this cycle shares with the previous one, read from the warehouse when a model is compiled
    (as macros/instrument.sql reads what a cycle asks).
#}

{# The cycle before this one; empty where it is the first. #}
{% macro previous_cycle_id() -%}
    {%- set rows = query_rows("
        select previous_cycle_id
        from " ~ ref('design_settings') ~ "
        where cycle_id = '" ~ cycle_id() ~ "' and previous_cycle_id is not null
    ") -%}
    {{ return(rows[0].previous_cycle_id if rows else '') }}
{%- endmacro %}
