-- Attributes of each response with the export's codes translated and its times read; nothing judged.
-- depends_on: {{ ref('export_profiles') }}
{%- set profiles = profiles_as_read() %}
{#- Profiles whose times are written alike. #}
{%- set read_alike = dict() %}
{%- for profile in profiles %}
{%- do read_alike.setdefault((profile.timezone, profile.date_order), []).append(profile.profile_id) %}
{%- endfor %}
{%- set coded = coded_attribute_names() %}
{%- set own, shared = [], [] %}
{%- for attribute in attribute_names() if attribute != 'unit_id' %}
{%- do (shared if attribute in coded else own).append('responses.' ~ attribute) %}
{%- endfor %}
with
exported as (
    select * from {{ ref('stg_raw__survey_responses') }}
),

responses as (
    select
        response_key,
        cycle_id,
        profile_id,
        source,
        _file_sha256,
        _source_row,
        is_labelled_total,
        {%- for attribute in attribute_names() if attribute != 'respondent_identifier' %}
        nullif({{ trim_blanks(attribute) }}, '') as {{ attribute }},
        {%- endfor %}
        {{ own_identifier(profiles) }} as respondent_identifier,
    from exported
),

mapped as (
    select
        profile_id,
        target,
    from {{ ref('export_columns') }}
    where target_kind = 'attribute'
),

mapped_attributes as (
    select
        profile_id,
        {%- for attribute in attribute_names() %}
        bool_or(target = '{{ attribute }}') as has_{{ attribute }},
        {%- endfor %}
        count(*) as attribute_count,
    from mapped
    group by profile_id
),

attribute_values as (
    {%- for attribute in coded %}
    select distinct
        profile_id,
        '{{ attribute }}' as target,
        coalesce({{ trim_blanks(attribute) }}, '') as value,
    from exported
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

codes as (
    select
        profile_id,
        target,
        {{ trim_blanks('source_value') }} as source_value,
        trim(code) as code,
        1 as precedence,
    from {{ ref('export_codes') }}
    union all
    select
        profiles.profile_id,
        known.target,
        known.source_value,
        known.code,
        known.precedence,
    from {{ ref('export_profiles') }} as profiles
    cross join (
        {#- Ids need no code, nor do the names that units bear when the cycle opens. #}
        {%- for target, seed in [('unit_id', 'units'), ('recipient_category_id', 'recipient_categories'), ('role_id', 'roles')] %}
        select
            '{{ target }}' as target,
            {{ target }} as source_value,
            {{ target }} as code,
            2 as precedence,
        from {{ ref(seed) }}
        union all
        {%- endfor %}
        select
            'unit_id' as target,
            {{ trim_blanks('unit_name') }} as source_value,
            unit_id as code,
            3 as precedence,
        from {{ ref('units') }}
        where (select opens_on from {{ ref('survey_cycles') }} where cycle_id = '{{ cycle_id() }}')
            between valid_from and coalesce(valid_to, date '9999-12-31')
    ) as known
),

translated as (
    select * from {{ codes_of_values('attribute_values', 'codes') }}
),

only_category as (
    -- No category column: the index has one category. With more than one it stays unknown.
    select min(recipient_category_id) as recipient_category_id
    from {{ ref('recipient_categories') }}
    having count(*) = 1
),

final as (
    select
        responses.response_key,
        responses.cycle_id,
        responses.profile_id,
        responses.source,
        responses._file_sha256,
        responses._source_row,
        responses.response_id,
        {{ pseudonym('responses.respondent_identifier') }} as respondent_key,
        coalesce(mapped_attributes.has_respondent_identifier, false) as has_identifiers,
        {%- for attribute in coded %}
        {%- set translated = 'coalesce(' ~ attribute ~ '_codes.code, responses.' ~ attribute ~ ')' %}
        {%- if attribute == 'recipient_category_id' %}
        case
            when mapped_attributes.has_recipient_category_id then {{ translated }}
            else only_category.recipient_category_id
        end as recipient_category_id,
        {%- elif attribute == 'role_id' %}
        case
            when mapped_attributes.has_role_id then {{ translated }} else {{ headline_role() }}
        end as role_id,
        {%- elif attribute == 'is_complete' %}
        -- A tool that knows completion only by a time of submission says so by leaving it empty.
        (
            not mapped_attributes.has_is_complete
            or coalesce(lower({{ translated }}) in ('1', 'true', 'yes', 'y'), false)
        )
        and (not mapped_attributes.has_submitted_at or responses.submitted_at is not null) as is_complete,
        {%- elif attribute == 'is_test' %}
        coalesce(lower({{ translated }}) in ('1', 'true', 'yes', 'y'), false) as is_test,
        {%- else %}
        {{ translated }} as {{ attribute }},
        {%- endif %}
        {%- endfor %}
        {%- set times = "columns(['submitted_at', 'started_at'])" %}
        case
            -- LimeSurvey writes this where a response is complete and its date was not kept.
            when {{ times }} like '1980-01-01 00:00%' then null
            {%- for (timezone, date_order), alike in read_alike.items() %}
            when responses.profile_id in ('{{ alike | join("', '") }}') then {{ parse_instant(times, timezone, date_order) }}
            {%- else %}
            when null then null::timestamp
            {%- endfor %}
        end,
        coalesce(responses.submitted_at like '1980-01-01 00:00%', false)
            or not mapped_attributes.has_submitted_at as is_date_unknown,
        {{ is_summary_row(
            own,
            'nullif(responses.unit_id, responses.profile_id)',
            'unit_id_codes.code is not null',
            'responses.is_labelled_total',
            shared,
            'mapped_attributes.attribute_count > 1',
        ) }} as is_summary_row,
        profiles.timezone,
    from responses
    inner join {{ ref('export_profiles') }} as profiles
        on profiles.profile_id = responses.profile_id
    inner join mapped_attributes
        on mapped_attributes.profile_id = responses.profile_id
    left join only_category
        on true
    {%- for attribute in coded %}
    left join translated as {{ attribute }}_codes
        on {{ attribute }}_codes.profile_id = responses.profile_id
        and {{ attribute }}_codes.target = '{{ attribute }}'
        and {{ attribute }}_codes.value = coalesce(responses.{{ attribute }}, '')
    {%- endfor %}
)

select * from final
