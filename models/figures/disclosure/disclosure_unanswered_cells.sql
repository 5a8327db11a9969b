-- What was asked and nobody answered. Published as hidden beside what few answered: else a row that is
-- missing would tell who of a few did, and what they left blank.
{%- set cell = ['domain_type', 'domain_id', 'component_type', 'service_id', 'perspective_id', 'item_id'] %}
{{ by_cycle() }}
with
scores as (
    select * from {{ ref('scores_with_errors') }}
    where cycle_id = '{{ cycle_id() }}'
),

asked as (
    select * from {{ ref('disclosure_asked_cells') }}
    where cycle_id = '{{ cycle_id() }}'
),

modes as (
    select distinct
        weighting_mode,
        method_id,
    from scores
),

final as (
    select
        asked.cycle_id,
        modes.weighting_mode,
        modes.method_id,
        {%- for key in cell %}
        asked.{{ key }},
        {%- endfor %}
    from asked
    cross join modes
    where not exists (
        select 1 from scores
        where
            scores.weighting_mode = modes.weighting_mode
            {%- for key in cell %}
            and scores.{{ key }} is not distinct from asked.{{ key }}
            {%- endfor %}
    )
)

select * from final
