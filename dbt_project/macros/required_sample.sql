{#
    The smallest sufficient sample of Krejcie & Morgan (1970, Educational and Psychological Measurement
    30, 607-610): X^2 N P (1 - P) / (d^2 (N - 1) + X^2 P (1 - P)), rounded half up; of nobody, 0.
#}
{% macro required_sample(population, settings) -%}
    {%- set spread = settings ~ ".km_chi_square * " ~ settings ~ ".km_proportion * (1 - " ~ settings ~ ".km_proportion)" -%}
    cast(floor(
        {{ spread }} * {{ population }}
        / ({{ settings }}.km_margin * {{ settings }}.km_margin * ({{ population }} - 1) + {{ spread }})
        + 0.5e0
    ) as bigint)
{%- endmacro %}
