{#
    What this cycle shares with the previous one, read from the warehouse when a model is compiled
    (as macros/instrument.sql reads what a cycle asks).
#}

{# The sides of the comparison (cycle ids) whose errors must be computed anew on the shared tree. #}
{% macro recomputed_sides() -%}
    {{ return(query_rows("
        select compared_cycle_id
        from " ~ ref('int_compared_cycles') ~ "
        where cycle_id = '" ~ cycle_id() ~ "' and not is_own_tree
        order by compared_cycle_id
    ") | map(attribute='compared_cycle_id') | list) }}
{%- endmacro %}

{# The components of the shared tree, with the number of questions that the side asks an item by. #}
{% macro shared_components(side) -%}
    {{ return(query_rows("
        select
            shared_components.component_number,
            shared_components.component_type,
            shared_components.service_id,
            shared_components.perspective_id,
            shared_components.item_id,
            side_items.question_count,
        from " ~ ref('int_shared_components') ~ " as shared_components
        left join " ~ ref('int_components') ~ " as side_items
            on side_items.cycle_id = '" ~ side ~ "'
            and side_items.item_id = shared_components.item_id
        where shared_components.cycle_id = '" ~ cycle_id() ~ "'
        order by shared_components.component_number
    ")) }}
{%- endmacro %}

{# The edges of the shared tree: edge_number, storey, parent_number, child_number. #}
{% macro shared_edges() -%}
    {{ return(query_rows("
        select edge_number, storey, parent_number, child_number
        from " ~ ref('int_shared_edges') ~ "
        where cycle_id = '" ~ cycle_id() ~ "'
        order by edge_number
    ")) }}
{%- endmacro %}
