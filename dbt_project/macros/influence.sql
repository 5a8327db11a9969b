{#
    Taylor linearisation as arithmetic on columns (method.md 5). A respondent's influence on a score is
    a weighted sum over the score's tree, so it is computed as the tree is drawn: items from their
    questions, then storey by storey. Each node is divided by its bound, the largest influence it can
    have, so that every value lies in [-1, 1] and sums of fixed-point numbers keep 17 decimals.

    `source` has one row a respondent or a stratum, with the columns of int_influence_coefficients;
    `code` and `count` name a question's code (sum) and rating count there. The influence is linear, so
    the same network over a stratum's sums gives the stratum's sum of influences.
    Yields CTEs ending in `<name>_storey_3` with influence_<component_number>.
#}
{% macro influence_network(name, source, keys, questions, components, edges, code, count) -%}
{{ name }}_items as (
    select
        {{ keys | join(', ') }},
        {%- for edge in edges %}
        coefficient_{{ edge.edge_number }},
        {%- endfor %}
        {%- for component in components if component.component_type == 'item' %}
        (
            {%- for question in questions if question.item_id == component.item_id %}
            {%- set rating_count = count ~ question.question_number if count else '1' %}
            {{ '' if loop.first else '+ ' }}coalesce(
                {{ score_from_code(code ~ question.question_number, rating_count, question) }}
                - {{ rating_count }} * ratio_{{ component.component_number }},
                0
            )
            {%- endfor %}
        ) / {{ 3 * component.question_count }}e0 as influence_{{ component.component_number }},
        {%- endfor %}
    from {{ source }}
),
{%- for storey in [1, 2, 3] %}

{{ name }}_storey_{{ storey }} as (
    select
        *,
        {%- for parent, children in edges | selectattr('storey', 'equalto', storey) | groupby('parent_number') %}
        {%- for edge in children %}
        {{ '' if loop.first else '+ ' }}coefficient_{{ edge.edge_number }} * influence_{{ edge.child_number }}
        {%- endfor %} as influence_{{ parent }},
        {%- endfor %}
    from {{ name }}_{{ 'items' if storey == 1 else 'storey_' ~ (storey - 1) }}
){{ ',' if not loop.last }}
{%- endfor %}
{%- endmacro %}

{#
    One storey of the score's tree (method.md 3): each parent is the weighted mean of its children that
    have a value, NULL where these carry less than min_weight_share of the weight. The bound of the
    influence is carried up by the same weights. `children` has cycle_id, weighting_mode, domain_number,
    component_number, score, bound.
#}
{% macro roll_up(children, storey) -%}
    select
        means.*,
        case when means.weight_share >= settings.min_weight_share - 1e-12 then means.mean_score end as score,
        case when means.weight_share >= settings.min_weight_share - 1e-12 then means.mean_bound end as bound,
    from (
        select
            children.cycle_id,
            children.weighting_mode,
            children.domain_number,
            edges.parent_number as component_number,
            {{ stable_sum('edges.weight') }} as weight_with_value,
            {{ stable_sum('edges.weight') }} / edges.weight_of_children as weight_share,
            {{ stable_sum('edges.weight * children.score') }} / {{ stable_sum('edges.weight') }} as mean_score,
            {{ stable_sum('edges.weight * children.bound') }} / {{ stable_sum('edges.weight') }} as mean_bound,
        from {{ children }} as children
        inner join edges
            on edges.cycle_id = children.cycle_id
            and edges.child_number = children.component_number
            and edges.storey = {{ storey }}
        where children.score is not null
        group by
            children.cycle_id,
            children.weighting_mode,
            children.domain_number,
            edges.parent_number,
            edges.weight_of_children
    ) as means
    inner join settings
        on settings.cycle_id = means.cycle_id
{%- endmacro %}
