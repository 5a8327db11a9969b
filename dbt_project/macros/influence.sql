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

{#
    What the network below multiplies with, as a query, one row a weighting mode and domain: the ratio
    of every item (ratio_<component_number>) and the share with which every node enters its parent
    (coefficient_<edge_number>), each node measured by its bound; 0 where a branch does not enter.
    `scores` has weighting_mode, domain_number, component_number, score, bound, weight_with_value;
    `edge_relation` edge_number, parent_number, child_number, weight; both of one cycle.
#}
{% macro influence_coefficients(scores, edge_relation, components, edges) -%}
with
ratios as (
    select
        weighting_mode,
        domain_number,
        {%- for component in components if component.component_type == 'item' %}
        max(score) filter (where component_number = {{ component.component_number }})
            as ratio_{{ component.component_number }},
        {%- endfor %}
    from {{ scores }} as scores
    group by weighting_mode, domain_number
),

shares as (
    select
        children.weighting_mode,
        children.domain_number,
        edges.edge_number,
        edges.weight / parents.weight_with_value * children.bound / parents.bound as coefficient,
    from {{ edge_relation }} as edges
    inner join {{ scores }} as children
        on children.component_number = edges.child_number
    inner join {{ scores }} as parents
        on parents.component_number = edges.parent_number
        and parents.weighting_mode = children.weighting_mode
        and parents.domain_number = children.domain_number
    where children.score is not null and parents.score is not null
),

coefficients as (
    select
        weighting_mode,
        domain_number,
        {%- for edge in edges %}
        coalesce(max(coefficient) filter (where edge_number = {{ edge.edge_number }}), 0)
            as coefficient_{{ edge.edge_number }},
        {%- endfor %}
    from shares
    group by weighting_mode, domain_number
),

final as (
    select
        ratios.*,
        {%- for edge in edges %}
        coalesce(coefficients.coefficient_{{ edge.edge_number }}, 0) as coefficient_{{ edge.edge_number }},
        {%- endfor %}
    from ratios
    left join coefficients
        on coefficients.weighting_mode = ratios.weighting_mode
        and coefficients.domain_number = ratios.domain_number
)

select * from final
{%- endmacro %}

{#
    The spread of influences, as a query, one row a weighting mode, domain, stratum and component: the
    sum of squares of the influences of all the stratum's respondents around their mean (the inner sum
    of method.md 5, unweighted and divided by the bound squared). Those who rated nothing in the domain
    have influence 0 and count in the mean. No row: all influences are the same. The relations are of
    one cycle: influence_coefficients, domain_answers, int_domain_sums and int_stratum_weights.
#}
{% macro influence_spreads(coefficients, answers, sums, stratum_weights, questions, components, edges) -%}
with
-- A raked score is no such sum of influences: its error is the bootstrap's (method.md 9).
linearised as (
    select * from {{ coefficients }} where weighting_mode <> 'rake'
),

answers_with_coefficients as (
    select *
    from {{ answers }} as domain_answers
    inner join linearised
        on linearised.domain_number = domain_answers.domain_number
),

stratum_sums as (
    select
        domain_number,
        stratum_number,
        {%- for question in questions %}
        {%- for name in ['code_sum_' ~ question.question_number, 'rating_count_' ~ question.question_number] %}
        cast(sum({{ name }}) as bigint) as {{ name }},
        {%- endfor %}
        {%- endfor %}
    from {{ sums }} as domain_sums
    group by domain_number, stratum_number
),

sums_with_coefficients as (
    select *
    from stratum_sums
    inner join linearised
        on linearised.domain_number = stratum_sums.domain_number
),

{{ influence_network(
    'one', 'answers_with_coefficients', ['weighting_mode', 'domain_number', 'stratum_number'],
    questions, components, edges, 'rating_', none
) }},

{{ influence_network(
    'all', 'sums_with_coefficients', ['weighting_mode', 'domain_number', 'stratum_number'],
    questions, components, edges, 'code_sum_', 'rating_count_'
) }},

squares as (
    select
        weighting_mode,
        domain_number,
        stratum_number,
        {%- for component in components %}
        sum(cast(
            influence_{{ component.component_number }} * influence_{{ component.component_number }}
            as decimal(18, 17)
        )) as square_sum_{{ component.component_number }},
        {%- endfor %}
    from one_storey_3
    group by weighting_mode, domain_number, stratum_number
),

spreads as (
    select
        squares.weighting_mode,
        squares.domain_number,
        squares.stratum_number,
        {%- for component in components %}
        cast(squares.square_sum_{{ component.component_number }} as double)
            as square_sum_{{ component.component_number }},
        cast(squares.square_sum_{{ component.component_number }} as double)
            - all_storey_3.influence_{{ component.component_number }}
            * all_storey_3.influence_{{ component.component_number }}
            / stratum_weights.stratum_respondent_count as spread_{{ component.component_number }},
        {%- endfor %}
    from squares
    inner join all_storey_3
        on all_storey_3.weighting_mode = squares.weighting_mode
        and all_storey_3.domain_number = squares.domain_number
        and all_storey_3.stratum_number = squares.stratum_number
    inner join {{ stratum_weights }} as stratum_weights
        on stratum_weights.weighting_mode = squares.weighting_mode
        and stratum_weights.stratum_number = squares.stratum_number
),

final as (
    {%- for component in components %}
    select
        weighting_mode,
        domain_number,
        stratum_number,
        {{ component.component_number }} as component_number,
        spread_{{ component.component_number }} as spread,
    from spreads
    -- Where everybody's influence is the same, what is left of the difference is rounding.
    where spread_{{ component.component_number }} > 1e-12 * square_sum_{{ component.component_number }}
    {{ 'union all' if not loop.last }}
    {%- else %}
    select null::varchar as weighting_mode, null::integer as domain_number,
        null::integer as stratum_number, null::integer as component_number, null::double as spread
    where false
    {%- endfor %}
)

select * from final
{%- endmacro %}

{#
    What strata add to the variance of a score, divided by its bound squared: the outer sum of
    method.md 5 over int_stratum_weights.
#}
{% macro weighted_spread(strata, spread) -%}
    {{ stable_sum("(1 - " ~ strata ~ ".sampling_fraction) * " ~ strata ~ ".stratum_respondent_count"
        ~ " / nullif(" ~ strata ~ ".stratum_respondent_count - 1, 0)"
        ~ " * " ~ strata ~ ".weight * " ~ strata ~ ".weight * " ~ spread) }}
{%- endmacro %}

{# Whether one of the strata holds a single respondent who speaks for others: no variance is known then. #}
{% macro has_lone_respondent(strata) -%}
    bool_or({{ strata }}.stratum_respondent_count = 1 and {{ strata }}.stratum_staff_count <> 1)
{%- endmacro %}
