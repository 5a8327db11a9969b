{#
    What SQL engines write differently, one macro each; the models stay the same on all of them.
    A second engine adds its own `<engine>__<name>` beside the default.
#}

{#
    A sum that is the same on every run. Threads add doubles in another order each time, so the last
    bits differ; whole numbers add up alike in any order. 20 decimals keep 18 digits before the point.
    `digits` 18 is faster, for what is known to be small. `over` makes it a window's:
    '(partition by ...)'.
#}
{% macro stable_sum(expression, decimals=20, over=none, digits=38) -%}
    cast(sum(cast({{ expression }} as decimal({{ digits }}, {{ decimals }}))) {{ 'over ' ~ over if over }} as double)
{%- endmacro %}

{#
    What a text stands for: a literal table of texts and their values, NULL for any other text. DuckDB
    looks up each entry of a column's dictionary once, and not each row, as it would for a CASE.
#}
{% macro looked_up(text, values, kind) -%}
    map(
        [{% for key in values %}'{{ key | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor %}]::varchar[],
        [{{ values.values() | join(', ') }}]::{{ kind }}[]
    )[{{ text }}]
{%- endmacro %}

{# Blanks and non-breaking blanks at both ends, as method.md 11 trims. #}
{% macro trim_blanks(text) -%}
    trim({{ text }}, ' ' || chr(160) || chr(9) || chr(10) || chr(13))
{%- endmacro %}

{#
    Runs of white space, non-breaking and zero-width blanks too, as one blank: how headings are matched.
    Of `fold` in orchestration/exports/headers.py, which a test holds it to.
#}
{% macro fold_blanks(text) -%}
    trim(regexp_replace(
        {{ text }},
        '[\s\x{0B}\x{1C}-\x{1F}\x{85}\x{A0}\x{1680}\x{2000}-\x{200B}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}]+',
        ' ', 'g'
    ))
{%- endmacro %}

{# A local time without a zone as the instant in UTC. #}
{% macro local_to_utc(local_time, timezone) -%}
    timezone('UTC', timezone({{ timezone }}, {{ local_time }}))
{%- endmacro %}

{# An instant in UTC as the local time of a zone. #}
{% macro utc_to_local(instant, timezone) -%}
    timezone({{ timezone }}, timezone('UTC', {{ instant }}))
{%- endmacro %}

{# A text that is a whole number ('5', '5.0', with another decimal mark '5,0'), else NULL. #}
{% macro whole_number(text, decimal_mark='.') -%}
    case
        when regexp_full_match({{ text }}, '[+-]?[0-9]{1,4}([{{ decimal_mark }}]0*)?')
            then cast(split_part({{ text }}, '{{ decimal_mark }}', 1) as smallint)
    end
{%- endmacro %}

{# A whole number ('5.0', '+5', ' 05 ') as it is plainly written ('5'); any other text as it is. #}
{% macro plain_number(text, decimal_mark='.') -%}
    regexp_replace({{ text }}, '^[ \x{A0}\t\n\r]*[+]?(-?)0{0,3}([0-9]{1,4})([{{ decimal_mark }}]0*)?[ \x{A0}\t\n\r]*$', '\1\2')
{%- endmacro %}

{# HMAC-SHA-256 of an identifier; the padded keys are DuckDB variables (orchestration/pseudonyms.py). #}
{% macro pseudonym(identifier) -%}
    sha256(
        getvariable('pseudonym_outer')
        || unhex(sha256(getvariable('pseudonym_inner') || encode({{ identifier }})))
    )
{%- endmacro %}

{#
    A survey tool's time as text, read as the date_order of its profile says ('dmy', 'mdy', 'ymd'):
    an ambiguous day and month is settled by the profile, never guessed. NULL where it can't be read.
#}
{% macro parse_time(text, date_order='dmy') -%}
    try_strptime(
        replace(regexp_replace({{ text }}, '([0-9])[.][0-9]{3,9}', '\1'), 'T', ' '),
        [{{ time_formats(date_order, [
            ' %H:%M:%S', ' %H.%M.%S', ' %H:%M', ' %H.%M', ' %I:%M:%S %p', ' %I:%M %p', '',
        ]) }}]
    )
{%- endmacro %}

{# The formats of dates in this order, each with each of the times, as SQL texts. #}
{% macro time_formats(date_order, times) -%}
    {%- set dates = ['%Y-%m-%d', '%Y/%m/%d'] + {
        'mdy': ['%m/%d/%Y', '%m-%d-%Y'], 'dmy': ['%d/%m/%Y', '%d-%m-%Y'],
    }.get(date_order, []) -%}
    {%- for date in dates -%}
        {%- set dated = loop -%}
        {%- for time in times -%}
            '{{ date }}{{ time }}'{{ ', ' if not (loop.last and dated.last) }}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{#
    The instant in UTC of a survey tool's time: by the offset it carries ('Z', '+07:00', 'GMT+7'),
    else in the profile's time zone. The date of an offset follows a time of day, so that the last
    part of 2025-03-01 is no offset. Nearly all exports write plain times to the second, which are
    tried first: the patterns for all the others take four times as long.
#}
{% macro parse_instant(text, timezone, date_order='dmy') -%}
    {%- set plain = "try_strptime(" ~ text ~ ", [" ~ time_formats(date_order, [' %H:%M:%S']) ~ "])" -%}
    {%- set offset = "regexp_extract(" ~ text ~ ", ':[0-9]{2}(?:[.][0-9]+)?(?: ?[AP]M)?( ?(?:Z|(?:GMT|UTC)(?:[+-][0-9]{1,2}(?::?[0-9]{2})?)?|[+-][0-9]{2}(?::?[0-9]{2})?))$', 1)" -%}
    coalesce(
        {{ local_to_utc(plain, "'" ~ timezone ~ "'") }},
        case
            when {{ offset }} = '' then {{ local_to_utc(parse_time(text, date_order), "'" ~ timezone ~ "'") }}
            else
                {{ parse_time("trim(left(" ~ text ~ ", length(" ~ text ~ ") - length(" ~ offset ~ ")))", date_order) }}
                - to_minutes(
                    (case when {{ offset }} like '%-%' then -1 else 1 end) * (
                        60 * coalesce(try_cast(regexp_extract({{ offset }}, '[+-]([0-9]{1,2})', 1) as bigint), 0)
                        + coalesce(try_cast(regexp_extract({{ offset }}, '[+-][0-9]{1,2}:?([0-9]{2})$', 1) as bigint), 0)
                    )
                )
        end
    )
{%- endmacro %}

{# One row for each day from one date to another, both included: an expression of a select list. #}
{% macro each_day(first, last) -%}
    cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date)
{%- endmacro %}

{# One row for each whole number from 1 to the last: an expression of a select list. #}
{% macro each_number(last) -%}
    cast(unnest(range(1, cast({{ last }} as bigint) + 1)) as bigint)
{%- endmacro %}

{#
    A uniform number in (0, 1) out of a text: the first 52 bits of its MD5. The same on every engine,
    run and thread count, which no random() is. Name seed, cycle, what is drawn for, and the draw in it.
#}
{% macro hash_uniform(text) -%}
    ((cast('0x' || left(md5({{ text }}), 13) as bigint) + 0.5e0) / 4503599627370496e0)
{%- endmacro %}

{# One row for each element of a list: an expression of a select list. #}
{% macro each_element(list) -%}
    unnest({{ list }})
{%- endmacro %}

{# What may be an identifier (ten digits and more, twelve where blanks or hyphens part them) or an address. #}
{% macro identifier_pattern() -%}
    [0-9]{10,}|[0-9]([ -]?[0-9]){11,}
{%- endmacro %}

{% macro address_pattern() -%}
    [^\s@]+@[^\s@]+
{%- endmacro %}

{# Whether a text holds what may be an identifier or an e-mail address. #}
{% macro holds_identifier(text) -%}
    regexp_matches({{ text }}, '{{ identifier_pattern() }}|{{ address_pattern() }}')
{%- endmacro %}

{# A cell for people to look at, without identifiers, whatever column they were typed into. #}
{% macro without_identifiers(text) -%}
    left(
        regexp_replace(
            regexp_replace({{ text }}, '{{ identifier_pattern() }}', '[...]', 'g'),
            '{{ address_pattern() }}', '[...@...]', 'g'
        ),
        100
    )
{%- endmacro %}
