{#
    A score on 1-4 as it is read off a band scheme: times 25, half up to two decimals. The hair keeps
    an exact half that arithmetic left a few 1e-13 below from falling.
#}
{% macro score_for_band(score) -%}
    floor(25e0 * {{ score }} * 100 + 0.5e0 + 1e-9) / 100
{%- endmacro %}

{# The band of a score, from the joined rows of a scheme's bands: used as a scalar subquery. #}
{% macro band_of(score, scheme) -%}
    (
        select band_schemes.band
        from {{ ref('band_schemes') }} as band_schemes
        where
            band_schemes.band_scheme_id = {{ scheme }}
            and {{ score_for_band(score) }} between band_schemes.lower_100 - 1e-6 and band_schemes.upper_100 + 1e-6
    )
{%- endmacro %}
