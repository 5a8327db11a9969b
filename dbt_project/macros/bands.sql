{#
    A score on 1-4 as it is read off a band scheme: times 25, half up to two decimals. The hair keeps
    an exact half that arithmetic left a few 1e-13 below from falling.
#}
{% macro score_for_band(score) -%}
    floor(25e0 * {{ score }} * 100 + 0.5e0 + 1e-9) / 100
{%- endmacro %}

{#
    The band of a score in this cycle's scheme; NULL for no score. Bands meet on two decimals, so the
    lower ends alone decide.
#}
{% macro band_of(score) -%}
    {%- set bands = query_rows("
        select band_schemes.band, band_schemes.lower_100
        from " ~ ref('band_schemes') ~ " as band_schemes
        inner join " ~ ref('design_settings') ~ " as settings
            on settings.band_scheme_id = band_schemes.band_scheme_id
        where settings.cycle_id = '" ~ cycle_id() ~ "'
        order by band_schemes.lower_100 desc
    ") -%}
    case
        {%- for row in bands %}
        when {{ score_for_band(score) }} >= {{ row.lower_100 }}e0 - 1e-6 then '{{ row.band | replace("'", "''") }}'
        {%- else %}
        when false then null::varchar
        {%- endfor %}
    end
{%- endmacro %}

{#
    Whether a band lies below another of this cycle's scheme: by its place and not by its letter, since
    BB may lie above B. NULL where the scheme does not have the other.
#}
{% macro is_below_band(band, other) -%}
    (
        select own.lower_100 < others.lower_100
        from {{ ref('design_settings') }} as settings
        inner join {{ ref('band_schemes') }} as own
            on own.band_scheme_id = settings.band_scheme_id and own.band = {{ band }}
        inner join {{ ref('band_schemes') }} as others
            on others.band_scheme_id = settings.band_scheme_id and others.band = '{{ other }}'
        where settings.cycle_id = '{{ cycle_id() }}'
    )
{%- endmacro %}
