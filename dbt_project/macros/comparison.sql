{#
    What this cycle shares with the previous one, read from the warehouse when a model is compiled
    (as macros/instrument.sql reads what a cycle asks).
#}

{# The sides of the comparison (cycle ids) whose errors must be computed anew on the shared tree. #}
{% macro recomputed_sides() -%}
    {{ return(query_rows("
        select compared_cycle_id
        from " ~ ref('design_compared_cycles') ~ "
        where cycle_id = '" ~ cycle_id() ~ "' and not is_own_tree
        order by compared_cycle_id
    ") | map(attribute='compared_cycle_id') | list) }}
{%- endmacro %}

{# The cycle before this one; empty where it is the first. #}
{% macro previous_cycle_id() -%}
    {%- set rows = query_rows("
        select previous_cycle_id
        from " ~ ref('design_settings') ~ "
        where cycle_id = '" ~ cycle_id() ~ "' and previous_cycle_id is not null
    ") -%}
    {{ return(rows[0].previous_cycle_id if rows else '') }}
{%- endmacro %}

{# The components of the tree that this cycle shares with the previous one. #}
{% macro shared_components() -%}
    {{ return(query_rows("
        select component_number, component_type, service_id, perspective_id, item_id
        from " ~ ref('design_shared_components') ~ "
        where cycle_id = '" ~ cycle_id() ~ "'
        order by component_number
    ")) }}
{%- endmacro %}
