{#
    The smallest sufficient sample of Krejcie & Morgan (1970, Educational and Psychological Measurement
    30, 607-610): X^2 N P (1 - P) / (d^2 (N - 1) + X^2 P (1 - P)), rounded half up; of
    nobody, NULL: the frame doesn't know them.
#}
{% macro required_sample(population, settings) -%}
    {%- set spread = settings ~ ".km_chi_square * " ~ settings ~ ".km_proportion * (1 - " ~ settings ~ ".km_proportion)" -%}
    nullif(cast(floor(
        {{ spread }} * {{ population }}
        / ({{ settings }}.km_margin * {{ settings }}.km_margin * ({{ population }} - 1) + {{ spread }})
        + 0.5e0
    ) as bigint), 0)
{%- endmacro %}

{# How many are missing to a sample; NULL where it is not known. #}
{% macro shortfall(required_sample, respondent_count) -%}
    case when {{ required_sample }} is not null then greatest(0, {{ required_sample }} - {{ respondent_count }}) end
{%- endmacro %}
