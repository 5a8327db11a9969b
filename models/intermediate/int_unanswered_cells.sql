-- What was asked of a place and nobody answered. Published as hidden beside what few answered: else a row
-- that is missing would tell who of a few did, and what they left blank.
{%- set component = ['component_type', 'service_id', 'perspective_id', 'item_id'] %}
{{ by_cycle() }}
with
scores as (
    select * from {{ ref('int_scores') }}
    where cycle_id = '{{ cycle_id() }}'
),

-- Not where published counts tell that nobody can have answered.
places as (
    select
        placed.domain_type,
        placed.domain_id,
        placed.unit_level_id,
    from {{ ref('int_domains_placed') }} as placed
    inner join {{ ref('int_told_counts') }} as told_counts
        on told_counts.cycle_id = placed.cycle_id
        and told_counts.domain_type = placed.domain_type
        and told_counts.domain_id = placed.domain_id
    where
        placed.cycle_id = '{{ cycle_id() }}'
        and placed.domain_type in ('provider_unit', 'provider_region', 'provider_region_level')
        and told_counts.most is distinct from 0
),

-- What anybody answered of a level's places was asked of each of them.
asked as (
    select distinct
        scores.weighting_mode,
        scores.method_id,
        places.domain_type,
        places.unit_level_id,
        {%- for key in component %}
        scores.{{ key }},
        {%- endfor %}
    from scores
    inner join places
        using (domain_type, domain_id)
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        asked.weighting_mode,
        asked.method_id,
        places.domain_type,
        places.domain_id,
        {%- for key in component %}
        asked.{{ key }},
        {%- endfor %}
    from places
    inner join asked
        on asked.domain_type = places.domain_type
        and asked.unit_level_id is not distinct from places.unit_level_id
    where not exists (
        select 1 from scores
        where
            scores.weighting_mode = asked.weighting_mode
            and scores.domain_type = places.domain_type
            and scores.domain_id = places.domain_id
            {%- for key in component %}
            and scores.{{ key }} is not distinct from asked.{{ key }}
            {%- endfor %}
    )
)

select * from final
