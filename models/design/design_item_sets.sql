-- The sets of items whose reliability is told: those of a service, of a perspective, of an audience. Of
-- an audience, its own questions alone: a person may hear two.
{%- set sets = {
    'service': 'service_id', 'perspective': 'perspective_id', 'audience': 'audience_id',
} %}
with
settings as (
    select cycle_id, instrument_id from {{ ref('design_settings') }}
),

questions as (
    select * from {{ ref('stg_seeds__questions') }}
    where asks = 'performance'
),

items as (
    select * from {{ ref('design_components') }}
    where component_type = 'item'
),

final as (
    {%- for set_type, set_id in sets.items() %}
    select
        settings.cycle_id,
        '{{ set_type }}' as set_type,
        questions.{{ set_id }} as set_id,
        items.component_number,
        items.item_id,
        'item_' || items.component_number
            {%- if set_type == 'audience' %} || '_' || min(questions.question_number) {%- endif %} as item_column,
    from settings
    inner join questions
        on questions.instrument_id = settings.instrument_id
    inner join items
        on items.cycle_id = settings.cycle_id
        and items.item_id = questions.item_id
        and items.service_id = questions.service_id
        and items.perspective_id = questions.perspective_id
    group by settings.cycle_id, questions.{{ set_id }}, items.component_number, items.item_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from final
