{#
    Planning the size of a sample of a finite population (method.md 9). Cochran (1977), Sampling Techniques,
    3rd ed., sections 4.6 to 4.8; for a change: Valliant, Dever & Kreuter (2013), Practical Tools for Designing
    and Weighting Survey Samples, ch. 4.
#}

{# The sample, not rounded, in which `reach` standard errors of a mean are `half_width` wide: reach^2 S^2 / (e^2 + reach^2 S^2 / N). #}
{% macro sample_within(reach, spread, half_width, population) -%}
    (
        ({{ reach }} * {{ spread }}) ** 2
        / ({{ half_width }} ** 2 + ({{ reach }} * {{ spread }}) ** 2 / {{ population }})
    )
{%- endmacro %}

{# A sample as whole persons, at least 2, since one tells no error, and no more than there are. #}
{% macro whole_sample(size, population) -%}
    cast(least({{ population }}, greatest(2, ceil({{ size }} - 1e-9))) as bigint)
{%- endmacro %}

{# Half the width of the interval of a mean of `size` persons; NULL of fewer than 5, whose error nobody knows. #}
{% macro half_width_of(size, t_quantile, spread, population) -%}
    case
        when {{ size }} >= {{ population }} then 0e0
        when {{ size }} >= 5
            then {{ t_quantile }} * {{ spread }} * sqrt(1e0 / {{ size }} - 1e0 / {{ population }})
    end
{%- endmacro %}
