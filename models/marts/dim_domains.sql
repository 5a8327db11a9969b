with
placed as (
    select * from {{ ref('scores_domains_placed') }}
),

unit_levels as (
    select *, rank as level_rank from {{ ref('unit_levels') }}
),

regions as (
    select * from {{ ref('regions') }}
),

roles as (
    select * from {{ ref('roles') }}
),

recipient_categories as (
    select * from {{ ref('recipient_categories') }}
),

domain_types as (
    select * from {{ domain_types() }}
),

named as (
    select
        placed.*,
        {%- for language, rates in {'id': 'menilai', 'en': 'rates'}.items() %}
        coalesce(
            case placed.domain_type
                when 'provider_unit' then placed.unit_name
                when 'provider_level' then levels.name_{{ language }}
                when 'direction' then raters.name_{{ language }} || ' {{ rates }} ' || levels.name_{{ language }}
                when 'provider_region' then regions.name
                when 'provider_region_level' then regions.name || ' · ' || levels.name_{{ language }}
                when 'role' then roles.name_{{ language }}
                when 'role_provider_level' then roles.name_{{ language }} || ' {{ rates }} ' || levels.name_{{ language }}
                when 'recipient_category' then recipient_categories.name_{{ language }}
            end,
            case when placed.domain_id = 'national' then domain_types.name_{{ language }} end,
            placed.domain_id
        ) as name_{{ language }},
        {%- endfor %}
        case placed.domain_type
            when 'provider_unit' then
                case when placed.region_id is null then 'provider_level' else 'provider_region_level' end
            when 'provider_region_level' then 'provider_region'
            when 'direction' then 'provider_level'
            when 'role_provider_level' then 'role'
            when 'role' then null
            else case when placed.domain_id <> 'national' then 'national' end
        end as parent_domain_type,
        domain_types.sort_order as type_order,
        levels.level_rank,
        raters.level_rank as rater_rank,
    from placed
    left join domain_types
        on domain_types.domain_type = placed.domain_type
    left join unit_levels as levels
        on levels.unit_level_id = placed.unit_level_id
    left join unit_levels as raters
        on raters.unit_level_id = placed.rater_level_id
    left join regions
        on regions.region_id = placed.region_id
    left join roles
        on roles.role_id = placed.role_id
    left join recipient_categories
        on recipient_categories.recipient_category_id = placed.recipient_category_id
),

shown_domains as (
    select distinct
        cycle_id,
        domain_type,
        domain_id,
    from {{ ref('shown_scores') }}
),

final as (
    select
        cycle_id,
        domain_type,
        domain_id,
        name_id,
        name_en,
        parent_domain_type,
        case parent_domain_type
            when 'national' then 'national'
            when 'provider_level' then unit_level_id
            when 'provider_region' then region_id
            when 'provider_region_level' then region_id || '|' || unit_level_id
            when 'role' then role_id
        end as parent_domain_id,
        cast(
            row_number() over (
                partition by cycle_id
                order by type_order, region_id nulls first, level_rank nulls first, rater_rank nulls first, name_id, domain_id
            ) as integer
        ) as sort_order,
        unit_id,
        unit_level_id,
        region_id,
        role_id,
        recipient_category_id,
    from named
    -- Groups that respondents' own words make have rows of scores or none here: one that is all hidden
    -- would tell that somebody of it answered.
    where
        domain_type not in ('recipient_category' {%- for name in demographic_names() %}, '{{ name }}' {%- endfor %})
        or exists (
            select 1 from shown_domains
            where
                shown_domains.cycle_id = named.cycle_id
                and shown_domains.domain_type = named.domain_type
                and shown_domains.domain_id = named.domain_id
        )
)

select * from final
