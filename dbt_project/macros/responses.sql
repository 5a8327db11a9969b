{#
    Which responses are one person's, or one response, and which of them counts (method.md 1.6 and
    1.8). Each rule is written here alone.
#}

{# Of one response's versions the last: a response's key is its file's number, in the order of pulls, then its row. #}
{% macro last_pulled(response_key) -%}
    max({{ response_key }})
{%- endmacro %}

{#
    A response id as it is compared: 12 where an export that went through a spreadsheet or a script has
    0012, +12, 12. or 12,00. Not for 12.000, which may be twelve thousand: the border warns where the
    rows say that it is not.
#}
{% macro plain_response_id(response_id) -%}
    regexp_replace({{ response_id }}, '^[+]?0*([0-9]+)([.,](0{0,2}|0{4,}))?$', '\1')
{%- endmacro %}

{# A response id that is a whole number, which a tool counts up; NULL for any other. #}
{% macro counted_id(response_id) -%}
    case
        when regexp_full_match({{ plain_response_id(response_id) }}, '[0-9]{1,38}')
            then cast({{ plain_response_id(response_id) }} as decimal(38, 0))
    end
{%- endmacro %}

{#
    Which base stratum staff and respondents of a unit and category stand in (method.md 2): the region x
    level x category of their unit, which a method with poststrata `unit` divides by unit. `of` names a
    relation with these columns, `settings` design_settings.
#}
{% macro base_stratum_id(of, settings) -%}
    coalesce({{ of }}.region_id, '') || '|' || {{ of }}.unit_level_id || '|' || {{ of }}.recipient_category_id
    || case when {{ settings }}.poststrata = 'unit' then '|' || {{ of }}.unit_id else '' end
{%- endmacro %}

{#
    A relation: respondent_key and response_key of each person's last submission. By instant, an unknown one before
    all others. Of equal or unknown instants: within a source the higher of the ids that are whole
    numbers; then the file pulled later, then the row further down. Source by source first, since
    pair by pair the rule could run in circles. `submissions`: respondent_key, profile_id, source,
    response_id, submitted_at, response_key; whoever sent once may be left out.
#}
{% macro last_submissions(submissions) -%}
    (
        select respondent_key, response_key
        from (
            select
                respondent_key,
                response_key,
                submitted_at,
                {{ counted_id('response_id') }} is not null
                and row_number() over (
                    partition by respondent_key, submitted_at, profile_id, source
                    order by {{ counted_id('response_id') }} desc nulls last, response_key desc
                ) > 1 as has_higher_id,
            from {{ submissions }}
        ) as placed
        qualify row_number() over (
            partition by respondent_key
            order by submitted_at desc nulls last, has_higher_id, response_key desc
        ) = 1
    )
{%- endmacro %}

{# Whether a cell holds what spreadsheets write beside totals ('Jumlah', 'Nilai maksimal', 'Rata-rata:'). #}
{% macro is_summary_word(cell) -%}
    {#- Short English words stand alone: Max Weber is a person. -#}
    {%- set words = '^((sub|grand)[ -]?)?(nilai|jumlah|total|rata[ -]?rata|rerata|average|maximum|minimum'
        ~ '|maksimum|maksimal|minimal|tertinggi|terendah|median|modus|nrr|ikm)([ :=(/]|$)'
        ~ '|^(avg|mean|sum|max|min|maks)[.]? *([:=(/]|$)' -%}
    {#- Letters alone: times and numbers, nearly all cells, are told by a comparison of their first. -#}
    case
        when {{ cell }} >= 'A' then regexp_matches(lower({{ cell }}), '{{ words }}')
        else false
    end
{%- endmacro %}

{#
    Whether a row is no response but a spreadsheet's total: one of the cells that each response has of
    its own (`own`, `unit`) holds such a word; or it has none of them, and its first cell holds one,
    mapped or not (`is_labelled_total`), or it has no attribute at all. `shared`: attributes that many
    have alike, where 'Minimal 5 tahun' is a tenure. A profile that maps the unit alone can't tell a
    total from a blank unit: `maps_more` is false there.
#}
{% macro is_summary_row(own, unit, is_unit_coded, is_labelled_total, shared, maps_more) -%}
    case
        when coalesce({{ (own + [unit]) | join(', ') }}) is not null
            then
                {%- for cell in own %}
                {{ is_summary_word(cell) }} or
                {%- endfor %}
                {{ is_summary_word(unit) }} and not {{ is_unit_coded }}
        when {{ is_labelled_total }} then true
        else
            {{ maps_more }}
            {%- for cell in shared %}
            and ({{ cell }} is null or {{ is_summary_word(cell) }})
            {%- endfor %}
    end
{%- endmacro %}
