{#
    Wilson's interval of a score, taken as the share p = (score - 1) / 3 of what it could be (method.md 5).
    Its sample size n*: that of a share whose variance is the score's, p (1 - p) / (se / 3)^2 (Korn & Graubard 1998,
    Survey Methodology 24, 193-201), but
    - of n persons no error is taken for less than one of them makes who differs by half a point, 1 / 2n, and no p for
      nearer to an end than he moves it: that all say the same tells nothing of fewer than one in n;
    - nothing on 1-4 varies more than answers of 1 and 4 alone: n* is n at least.
    Of a rounded score (`lowest` to `highest`), error and size (`fewest` to `most`): the smallest that could be.
#}
{% macro wilson_size(lowest, highest, se, fewest, most) -%}
    greatest(
        least({{ variance_of_share(lowest, most) }}, {{ variance_of_share(highest, most) }})
        * 9e0 / pow(greatest({{ se }}, 1e0 / (2 * ({{ fewest }}))), 2),
        {{ fewest }}
    )
{%- endmacro %}

{% macro variance_of_share(score, n) -%}
    {%- set share = "least(greatest((" ~ score ~ " - 1) / 3, 1e0 / (6 * (" ~ n ~ "))), 1e0 - 1e0 / (6 * (" ~ n ~ ")))" -%}
    {{ share }} * (1e0 - {{ share }})
{%- endmacro %}

{# An end of it: `sign` - or +, `size` n*, `t` the quantile of Student's t in place of the normal's. #}
{% macro wilson_end(score, size, t, sign) -%}
    {%- set share = "least(greatest((" ~ score ~ " - 1) / 3, 0e0), 1e0)" -%}
    least(greatest(1e0 + 3e0 * (
        {{ share }} + {{ t }} * {{ t }} / (2e0 * {{ size }})
        {{ sign }} {{ t }} * sqrt(
            {{ share }} * (1e0 - {{ share }}) / {{ size }} + {{ t }} * {{ t }} / (4e0 * {{ size }} * {{ size }})
        )
    ) / (1e0 + {{ t }} * {{ t }} / {{ size }}), 1e0), 4e0)
{%- endmacro %}
