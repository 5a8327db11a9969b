-- What the instrument asks somebody who speaks for a domain, and every part of the score above it.
{%- set component = ['component_type', 'service_id', 'perspective_id', 'item_id'] %}
{{ by_cycle() }}
with
components as (
    select * from {{ ref('design_components') }}
    where cycle_id = '{{ cycle_id() }}'
),

routes as (
    select * from {{ ref('sums_domain_routes') }}
    where cycle_id = '{{ cycle_id() }}'
),

told_counts as (
    select * from {{ ref('disclosure_told_counts') }}
    where cycle_id = '{{ cycle_id() }}'
),

category_audiences as (
    select * from {{ ref('category_audiences') }}
),

questions as (
    select questions.*
    from {{ ref('stg_seeds__questions') }} as questions
    inner join {{ ref('design_settings') }} as settings
        on settings.instrument_id = questions.instrument_id
    where settings.cycle_id = '{{ cycle_id() }}' and questions.asks = 'performance'
),

-- The levels that each domain's answers are about, and the audience where it is one's own.
spoken_of as (
    {%- for rank in provider_level_ranks() %}
    select
        domain_type,
        domain_id,
        case when domain_type = 'recipient_category' then domain_id end as recipient_category_id,
        {{ rank }} as provider_level_rank,
    from routes
    group by all
    having bool_or(is_level_{{ rank }})
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

asked_items as (
    select distinct
        spoken_of.domain_type,
        spoken_of.domain_id,
        questions.service_id,
        questions.perspective_id,
        questions.item_id,
    from spoken_of
    inner join questions
        on questions.provider_level_rank = spoken_of.provider_level_rank
    left join told_counts
        on told_counts.domain_type = spoken_of.domain_type
        and told_counts.domain_id = spoken_of.domain_id
    where
        -- Where published counts tell that nobody can have answered, no row tells more.
        told_counts.most is distinct from 0
        and (
            spoken_of.recipient_category_id is null
            or exists (
                select 1 from category_audiences
                where
                    category_audiences.recipient_category_id = spoken_of.recipient_category_id
                    and category_audiences.audience_id = questions.audience_id
            )
        )
),

final as (
    select distinct
        '{{ cycle_id() }}' as cycle_id,
        asked_items.domain_type,
        asked_items.domain_id,
        {%- for key in component %}
        components.{{ key }},
        {%- endfor %}
    from asked_items
    inner join components
        on coalesce(components.service_id, asked_items.service_id) = asked_items.service_id
        and coalesce(components.perspective_id, asked_items.perspective_id) = asked_items.perspective_id
        and coalesce(components.item_id, asked_items.item_id) = asked_items.item_id
)

select * from final
