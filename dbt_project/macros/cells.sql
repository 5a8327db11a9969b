{#
    What a cell of an export means: numbers, values, times, identifiers. One definition each, for the
    warehouse and, as Jinja called from Python (orchestration/engine_macros.py), for the border of the
    raw zone and for forgetting.
#}

{# A whole number ('5.0', '5,0', '+5', ' 05 ') as it is plainly written ('5'); any other text as it is. #}
{% macro plain_number(text) -%}
    regexp_replace({{ text }}, '^[{{ white_space() }}]*[+]?(-?)0{0,3}([0-9]{1,4})([.,]0*)?[{{ white_space() }}]*$', '\1\2')
{%- endmacro %}

{# A text that is a whole number however it is written, as a number, else NULL. #}
{% macro whole_number(text) -%}
    case
        when regexp_full_match({{ plain_number(text) }}, '-?[0-9]{1,4}')
            then cast({{ plain_number(text) }} as smallint)
    end
{%- endmacro %}

{# A count as it is plainly written: `1.234`, with a thousands separator of either kind, is 1234. #}
{% macro plain_count(text) -%}
    case
        when regexp_full_match({{ trim_blanks(text) }}, '[0-9]{1,3}([.,][0-9]{3})+')
            then regexp_replace({{ trim_blanks(text) }}, '[.,]', '', 'g')
        else {{ trim_blanks(text) }}
    end
{%- endmacro %}

{# A value as it is compared: Unicode composed, small letters, every run of white space one blank. #}
{% macro fold_value(text) -%}
    lower({{ fold_blanks(text) }})
{%- endmacro %}

{#
    A time as people and tools write it, brought into few forms: capitals, plain blanks, no day of the
    week, no 'pukul' or 'at', no name of a zone in brackets, the day before the month's name.
#}
{% macro tidy_time(text) -%}
    {%- set tidy = namespace(sql="upper(" ~ fold_blanks("regexp_replace(" ~ text ~ ", '[\\x{200E}\\x{200F}]', '', 'g')") ~ ")") -%}
    {%- for pattern, replacement in [
        ("^(SEN|SEL|RAB|KAM|JUM|SAB|MIN|AHA|SUN|MON|TUE|WED|THU|FRI|SAT)[A-Z'']*[.,]* ?", ""),
        (" ?[(][^)]*[)]$", ""),
        (",? (PUKUL|JAM|AT) ", " "),
        ("^([A-Z]{3,9})[.]? ([0-9]{1,2})(ST|ND|RD|TH)?,? ", "\\2 \\1 "),
    ] -%}
        {%- set tidy.sql = "regexp_replace(" ~ tidy.sql ~ ", '" ~ pattern ~ "', '" ~ replacement ~ "')" -%}
    {%- endfor -%}
    {{ tidy.sql }}
{%- endmacro %}

{#
    The instant in UTC of a survey tool's time: by the offset or zone it carries ('Z', '+07:00', 'GMT+7',
    'WIB'), else in the zone its tool writes in. Day and month are in the order that the profile says
    ('dmy', 'mdy', 'ymd'), never guessed; four digits first, or a month's name, settle it. Years of two
    digits are 20yy. NULL where it can't be read. Nearly all exports write plain times to the second,
    which are tried first: the rest takes ten times as long.
#}
{% macro parse_instant(text, timezone, date_order='dmy') -%}
    {%- set formats = ['%Y-%m-%d', '%Y/%m/%d'] + {
        'mdy': ['%m/%d/%Y', '%m-%d-%Y'], 'dmy': ['%d/%m/%Y', '%d-%m-%Y'],
    }.get(date_order, []) -%}
    {%- set plain = "try_strptime(" ~ text ~ ", ['" ~ formats | join(" %H:%M:%S', '") ~ " %H:%M:%S'])" -%}
    coalesce(
        {#- The year 25 is a year of two digits. #}
        case
            when {{ plain }} >= timestamp '1000-01-01' then {{ local_to_utc(plain, "'" ~ timezone ~ "'") }}
        end,
        list_transform(
            list_transform(
                list_transform([{{ tidy_time(text) }}], lambda tidy: {{ time_parts('tidy') }}),
                lambda part: struct_pack(at := {{ time_of_parts('part', date_order) }}, off := {{ offset_of_parts('part') }})
            ),
            lambda told: case
                when told.off is null then {{ local_to_utc('told.at', "'" ~ timezone ~ "'") }}
                else told.at - to_minutes(told.off)
            end
        )[1]
    )
{%- endmacro %}

{# The parts of a tidy time, by name; all are empty where it is none. #}
{% macro time_parts(tidy) -%}
    regexp_extract(
        {{ tidy }},
        '^([0-9]{1,2}|[0-9]{4})([-/. ])([0-9]{1,2}|[A-Z]{3,9})[-/., ]+([0-9]{1,2}|[0-9]{4})(?:(?:,? |T)([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2})(?:[.,][0-9]{1,9})?)?(?: ?([AP])[.]? ?M[.]?)?(?: ?(Z|UTC?|GMT|WIB|WITA|WIT|[ECMP][SD]T))?(?: ?([+-][0-9]{1,2})(?::?([0-9]{2}))?)?)?$',
        ['first', 'mark', 'middle', 'last', 'hour', 'minute', 'second', 'half', 'zone', 'hours', 'minutes']
    )
{%- endmacro %}

{# The time of day and date that the parts of a time say, whatever its zone. #}
{% macro time_of_parts(part, date_order) -%}
    {%- set is_named = "regexp_matches(" ~ part ~ ".middle, '^[A-Z]')" -%}
    {%- set year_first = "length(" ~ part ~ ".first) = 4" -%}
    {%- if date_order == 'ymd' -%}
        {%- set year_first = year_first ~ " or length(" ~ part ~ ".last) < 3" -%}
    {%- endif -%}
    try_cast(
        {%- for year, month, day, when in [
            ('first', 'middle', 'last', year_first), ('last', 'middle', 'first', is_named),
            ('last', 'first' if date_order == 'mdy' else 'middle', 'middle' if date_order == 'mdy' else 'first',
                'true' if date_order in ('dmy', 'mdy') else 'false'),
        ] %}
        {{ 'case' if loop.first }} when {{ when }}
            then case length({{ part }}.{{ year }}) when 4 then {{ part }}.{{ year }} when 2 then '20' || {{ part }}.{{ year }} end
                || '-' || {{ month_of(part ~ '.' ~ month, part ~ '.mark') }} || '-' || {{ part }}.{{ day }}
        {%- endfor %}
        end
        || ' ' || case
            when {{ part }}.hour = '' then '0'
            when {{ part }}.half = '' then {{ part }}.hour
            when cast({{ part }}.hour as integer) <= 12
                then cast(cast({{ part }}.hour as integer) % 12 + case {{ part }}.half when 'P' then 12 else 0 end as varchar)
        end
        || ':' || case {{ part }}.minute when '' then '00' else {{ part }}.minute end
        || ':' || case {{ part }}.second when '' then '00' else {{ part }}.second end
        as timestamp
    )
{%- endmacro %}

{#
    A month's number, written as one (not after a blank: '27 10 2025' is no date) or by its name,
    Indonesian or English, of which three letters tell.
#}
{% macro month_of(month, mark) -%}
    {%- set numbers = {
        'JAN': 1, 'FEB': 2, 'PEB': 2, 'MAR': 3, 'APR': 4, 'MEI': 5, 'MAY': 5, 'JUN': 6, 'JUL': 7,
        'AGU': 8, 'AGT': 8, 'AGS': 8, 'AUG': 8, 'SEP': 9, 'OKT': 10, 'OCT': 10, 'NOV': 11, 'NOP': 11,
        'DES': 12, 'DEC': 12,
    } -%}
    case
        when regexp_matches({{ month }}, '^[0-9]') then case when {{ mark }} <> ' ' then {{ month }} end
        else {{ looked_up('left(' ~ month ~ ', 3)', numbers, 'varchar') }}
    end
{%- endmacro %}

{#
    How many minutes a time is ahead of UTC; NULL where it doesn't say. Zones have Indonesia's names and
    RFC 2822's; under any other name the time can't be read.
#}
{% macro offset_of_parts(part) -%}
    {%- set hours_ahead = {
        'Z': 0, 'UT': 0, 'UTC': 0, 'GMT': 0, 'WIB': 7, 'WITA': 8, 'WIT': 9,
        'EST': -5, 'EDT': -4, 'CST': -6, 'CDT': -5, 'MST': -7, 'MDT': -6, 'PST': -8, 'PDT': -7,
    } -%}
    case
        when {{ part }}.zone <> '' or {{ part }}.hours <> ''
            then 60 * case {{ part }}.zone when '' then 0 else {{ looked_up(part ~ '.zone', hours_ahead, 'integer') }} end
                + case when {{ part }}.hours = '' then 0 else 60 * cast({{ part }}.hours as integer) end
                + case
                    when {{ part }}.minutes = '' then 0
                    else cast(left({{ part }}.hours, 1) || {{ part }}.minutes as integer)
                end
    end
{%- endmacro %}

{#
    What the values of exports stand for: a relation with the code of each row of `values` (profile_id,
    target, value: trimmed, '' where blank), NULL where no row of `codes` (profile_id, target,
    source_value: trimmed, code, precedence: 1 wins) is spelled so. As it stands first, then folded,
    then as a plain number; spellings that only folding makes one, and that mean different things, are
    left out.
#}
{% macro codes_of_values(values, codes) -%}
    (
    with
    spelled_codes as (
        select profile_id, target, precedence, false as is_folded, source_value as spelling, min(code) as code
        from {{ codes }}
        group by all
        having min(code) = max(code)
        union all
        select profile_id, target, precedence, true, {{ fold_value('source_value') }} as spelling, min(code)
        from {{ codes }}
        group by all
        having min(code) = max(code)
    ),

    spelled_values as (
        select profile_id, target, value, 1 as step, false as is_folded, value as spelling from {{ values }}
        union all
        select profile_id, target, value, 2, true, {{ fold_value('value') }} from {{ values }}
        union all
        select profile_id, target, value, 3, true, {{ plain_number('value') }} from {{ values }}
    )

    select
        spelled_values.profile_id,
        spelled_values.target,
        spelled_values.value,
        arg_min(spelled_codes.code, spelled_values.step * 10 + spelled_codes.precedence) as code,
    from spelled_values
    left join spelled_codes
        on spelled_codes.profile_id = spelled_values.profile_id
        and spelled_codes.target = spelled_values.target
        and spelled_codes.is_folded = spelled_values.is_folded
        and spelled_codes.spelling = spelled_values.spelling
    group by spelled_values.profile_id, spelled_values.target, spelled_values.value
    )
{%- endmacro %}

{#
    What a question's columns say together, where an export has several: the one that is filled, NULL for
    none. Filled differently, all of it, which is no code: off_scale.
#}
{% macro one_answer(cells) -%}
    {%- if cells | length == 1 -%}
        {{ cells[0] }}
    {%- else -%}
        list_transform(
            [list_filter([{{ cells | join(', ') }}], lambda cell: {{ fold_value('cell') }} <> '')],
            lambda filled: case
                when len(list_distinct(list_transform(filled, lambda cell: {{ plain_number(fold_value('cell')) }}))) > 1
                    then array_to_string(filled, ' <> ')
                else filled[1]
            end
        )[1]
    {%- endif -%}
{%- endmacro %}

{#
    An identifier as the person is known by, however it is spelled: of an e-mail address small letters;
    of ten digits and more (`kind` nip: of any) the digits alone, without blanks, points, hyphens, 'NIP.'
    before them or '.0' behind; of anything else the text. Around all of them go blanks, quotation marks,
    apostrophes, ="..." and characters without width; of a `kind` token blanks and those alone. '' is nobody.
#}
{% macro normal_identifier(text, kind='') -%}
    {%- set seen = "regexp_replace(" ~ text ~ ", '[\\x{AD}\\x{200B}-\\x{200F}\\x{202A}-\\x{202E}\\x{2060}\\x{FEFF}]', '', 'g')" -%}
    {%- if kind == 'token' -%}
        {{ fold_blanks(seen) }}
    {%- else -%}
        {%- set marks = '["\'\'`\\x{B4}\\x{2018}\\x{2019}\\x{201C}\\x{201D}]' -%}
        {%- set bare = fold_blanks("regexp_replace(" ~ fold_blanks(seen) ~ ", '^=?" ~ marks ~ "+|" ~ marks ~ "+$', '', 'g')") -%}
        {%- set number = "regexp_replace(regexp_replace(bare, '(?i)^(?:no[. ]*)?nip(?: baru| lama)?[ .:=/-]*([0-9])', '\\1'), '^([0-9]+)[.,]0*$', '\\1')" -%}
        case
            when regexp_full_match({{ text }}, '[0-9]{10,}') then {{ text }}
            else list_transform(
                list_transform([{{ bare }}], lambda bare: struct_pack(bare := bare, number := {{ number }})),
                lambda told: case
                    when {{ 'true' if kind == 'email' else "contains(told.bare, '@')" }}
                        then regexp_replace(regexp_replace(lower(told.bare), ' ', '', 'g'), '^mailto:', '')
                    when regexp_full_match(told.number, '{{ '[0-9]' if kind == 'nip' else '(?:[0-9][ ./_\\x{2010}-\\x{2015}-]*){9}[0-9]' }}[0-9 ./_\x{2010}-\x{2015}-]*')
                        then regexp_replace(told.number, '[^0-9]', '', 'g')
                    else told.bare
                end
            )[1]
        end
    {%- endif -%}
{%- endmacro %}
