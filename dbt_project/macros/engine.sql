{#
    What DuckDB writes in its own way, one macro each: models read as plain SQL, and the border's
    checks use the same expressions (orchestration/engine_macros.py).
#}

{#
    A sum that is the same on every run. Threads add doubles in another order each time, so the last
    bits differ; whole numbers add up alike in any order. 20 decimals keep 18 digits before the point.
    `digits` 18 is faster, for what is known to be small. `over` makes it a window's:
    '(partition by ...)'.
#}
{% macro stable_sum(expression, decimals=20, over=none, digits=38) -%}
    cast({{ exact_sum(expression, decimals, over, digits) }} as double)
{%- endmacro %}

{# The same as the decimal that it is: those of two parts of the rows add up to that of all. #}
{% macro exact_sum(expression, decimals=20, over=none, digits=38) -%}
    sum(cast({{ expression }} as decimal({{ digits }}, {{ decimals }}))) {{ 'over ' ~ over if over }}
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
    trim(regexp_replace(nfc_normalize({{ text }}), '[{{ white_space() }}]+', ' ', 'g'))
{%- endmacro %}

{# White space as characters of a pattern. #}
{% macro white_space() -%}
    \s\x{0B}\x{1C}-\x{1F}\x{85}\x{A0}\x{1680}\x{2000}-\x{200B}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}
{%- endmacro %}

{# A local time without a zone as the instant in UTC. #}
{% macro local_to_utc(local_time, timezone) -%}
    timezone('UTC', timezone({{ timezone }}, {{ local_time }}))
{%- endmacro %}

{# An instant in UTC as the local time of a zone. #}
{% macro utc_to_local(instant, timezone) -%}
    timezone({{ timezone }}, timezone('UTC', {{ instant }}))
{%- endmacro %}

{# HMAC-SHA-256 of a text; the padded keys are DuckDB variables <key>_inner and _outer (orchestration/keyed_hash.py). #}
{% macro keyed_hash(text, key) -%}
    sha256(
        getvariable('{{ key }}_outer')
        || unhex(sha256(getvariable('{{ key }}_inner') || encode({{ text }})))
    )
{%- endmacro %}

{# What stands for an identifier (orchestration/pseudonyms.py). #}
{% macro pseudonym(identifier) -%}
    {{ keyed_hash(identifier, 'pseudonym') }}
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
