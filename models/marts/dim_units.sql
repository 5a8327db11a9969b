with
units as (
    select * from {{ ref('stg_seeds__units') }}
),

unit_ancestors as (
    select * from {{ ref('design_unit_ancestors') }}
),

ancestors_by_rank as (
    select
        as_of_on,
        unit_id,
        {%- for rank in range(1, 6) %}
        max(ancestor_unit_id) filter (where ancestor_level_rank = {{ rank }}) as ancestor_{{ rank }}_unit_id,
        {%- endfor %}
    from unit_ancestors
    group by as_of_on, unit_id
),

final as (
    select
        units.unit_key,
        units.unit_id,
        units.unit_name,
        units.unit_level_id,
        units.unit_type,
        units.region_id,
        units.parent_unit_id,
        units.valid_from,
        units.valid_to,
        units.valid_to is null as is_current,
        ancestors_by_rank.ancestor_1_unit_id,
        ancestors_by_rank.ancestor_2_unit_id,
        ancestors_by_rank.ancestor_3_unit_id,
        ancestors_by_rank.ancestor_4_unit_id,
        ancestors_by_rank.ancestor_5_unit_id,
    from units
    left join ancestors_by_rank
        on ancestors_by_rank.unit_id = units.unit_id
        and ancestors_by_rank.as_of_on = coalesce(units.valid_to, date '9999-12-31')
)

select * from final
