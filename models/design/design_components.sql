-- The parts of a cycle's score: every node of the tree index, service, perspective across services,
-- perspective within a service, item. Numbered, because figures lie in one column a component.
{%- set types = ['index', 'service', 'perspective', 'service_perspective', 'item'] %}
with
settings as (
    select * from {{ ref('design_settings') }}
),

items as (
    select
        settings.cycle_id,
        questions.service_id,
        questions.perspective_id,
        questions.item_id,
        count(*) as question_count,
    from settings
    inner join {{ ref('stg_seeds__questions') }} as questions
        on questions.instrument_id = settings.instrument_id
    where questions.asks = 'performance'
    group by all
),

components as (
    {%- for component_type in types %}
    select distinct
        cycle_id,
        {{ loop.index }} as component_type_number,
        '{{ component_type }}' as component_type,
        {{ 'service_id' if component_type in ('service', 'service_perspective', 'item') else 'null::varchar' }} as service_id,
        {{ 'perspective_id' if component_type in ('perspective', 'service_perspective', 'item') else 'null::varchar' }} as perspective_id,
        {{ 'item_id' if component_type == 'item' else 'null::varchar' }} as item_id,
        {{ 'question_count' if component_type == 'item' else 'null::bigint' }} as question_count,
    from items
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

final as (
    select
        cycle_id,
        cast(
            row_number() over (
                partition by cycle_id
                order by component_type_number, service_id, perspective_id, item_id
            ) as integer
        ) as component_number,
        component_type,
        service_id,
        perspective_id,
        item_id,
        cast(question_count as integer) as question_count,
    from components
)

select * from final
