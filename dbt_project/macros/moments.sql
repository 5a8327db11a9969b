{#
    The sample covariance of two variables (of one with itself: its variance) from the sums of their
    products and values over n respondents; NULL for fewer than 2.
#}
{% macro sample_covariance(product_sum, one_sum, other_sum, n) -%}
    ({{ product_sum }} - {{ one_sum }} * {{ other_sum }} / {{ n }}) / nullif({{ n }} - 1, 0)
{%- endmacro %}

{# A person's mean rating over these questions, in whole parts of a point, `parts_per_step` to a step; NULL where he rated none. #}
{% macro mean_in_parts(questions, parts_per_step) -%}
    cast(
        cast({{ parts_per_step }} as bigint) * (
            {%- for question in questions %}{{ ' + ' if not loop.first }}rating_{{ question.question_number }}{% endfor -%}
        ) / nullif(
            {%- for question in questions %}{{ ' + ' if not loop.first }}cast(rating_{{ question.question_number }} > 0 as smallint){% endfor -%}
        , 0)
        as integer
    )
{%- endmacro %}

{# A person's mean over the items that he rated, a row of ratings_by_item, on 1-4; NULL where he rated none. #}
{% macro mean_of_items(items) -%}
    (0
    {%- for item in items %} + coalesce(item_{{ item.component_number }}, 0){% endfor %})
    / nullif(cast(parts_per_point as double) * (0
    {%- for item in items %} + cast(item_{{ item.component_number }} is not null as integer){% endfor %}), 0)
{%- endmacro %}

{# The correlation from a covariance and two variances; NULL where one does not vary. #}
{% macro correlation(covariance, one_variance, other_variance) -%}
    {{ covariance }} / nullif(sqrt(greatest({{ one_variance }} * {{ other_variance }}, 0e0)), 0)
{%- endmacro %}

{#
    Cronbach's alpha (1951, Psychometrika 16, 297-334): k / (k - 1) (1 - sum of the items' variances /
    variance of their total); NULL for one item, or where the total does not vary.
#}
{% macro cronbach_alpha(item_variance_sum, total_variance, item_count) -%}
    {{ item_count }} / nullif({{ item_count }} - 1e0, 0)
    * (1 - {{ item_variance_sum }} / nullif({{ total_variance }}, 0))
{%- endmacro %}
