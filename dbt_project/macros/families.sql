{#
    The rows of `tests`, which have a p_value, with p_adjusted and false_discovery_q within their `family`
    (columns), as a query. `counted`: whether a row is in it; `tie`: what orders equal ones.

    Holm (1979): the k-th smallest of m probabilities times m - k + 1, and none below one before it.
    Benjamini & Hochberg (1995, JRSS B 57, 289-300): times m / k, and none above one after it.
#}
{% macro adjusted_by_family(tests, family, tie, counted) -%}
    {%- set in_order = "partition by " ~ family ~ " order by p_value nulls last, " ~ tie -%}
    select
        * exclude (p_value_count, place),
        case when {{ counted }} and p_value is not null then least(1e0, max(
            p_value * (p_value_count - place + 1)
        ) over ({{ in_order }})) end as p_adjusted,
        case when {{ counted }} and p_value is not null then least(1e0, min(
            p_value * p_value_count / place
        ) over ({{ in_order }} rows between current row and unbounded following)) end as false_discovery_q,
    from (
        select
            *,
            count(p_value) over (partition by {{ family }}) as p_value_count,
            row_number() over ({{ in_order }}) as place,
        from {{ tests }}
    ) as ranked
{%- endmacro %}
