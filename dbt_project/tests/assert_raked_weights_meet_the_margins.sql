-- Raking keeps its word: over the respondents of a role the weights add up to the frame's staff of each
-- region x level, category and gender (those without a known gender keep their base weights' total).
-- A difference means that raking ended too early, or that weights were joined to the wrong people.
{{ config(meta={'dagster': {'ref': {'name': 'weights_by_cell'}}}) }}
with
cells as (
    {%- for margin, column in {
        'region_level': 'region_level_id',
        'recipient_category': 'recipient_category_id',
        'gender': 'gender',
    }.items() %}
    select
        weight_cells.cycle_id,
        weight_cells.role_id,
        '{{ margin }}' as margin,
        weight_cells.{{ column }} as margin_category_id,
        weight_cells.respondent_count * weight_cells.stratum_weight as base_staff,
        weight_cells.respondent_count * cell_weights.weight as raked_staff,
    from {{ ref('weights_cells') }} as weight_cells
    inner join {{ ref('weights_by_cell') }} as cell_weights
        on cell_weights.cycle_id = weight_cells.cycle_id
        and cell_weights.weight_cell_number = weight_cells.weight_cell_number
    where cell_weights.weighting_mode = 'rake'
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

margins as (
    select
        *,
        cast(staff_count as double) / sum(staff_count) over (partition by cycle_id, role_id, margin)
            as staff_share,
    from {{ ref('weights_rake_margins') }}
),

known as (
    select
        cells.cycle_id,
        cells.role_id,
        cells.margin,
        sum(cells.base_staff) as staff_count,
    from cells
    inner join margins using (cycle_id, role_id, margin, margin_category_id)
    group by all
),

raked as (
    select
        cycle_id,
        role_id,
        margin,
        margin_category_id,
        sum(raked_staff) as staff_count,
    from cells
    group by all
)

select
    margins.cycle_id,
    margins.role_id,
    margins.margin,
    margins.margin_category_id,
    margins.staff_share * known.staff_count as staff_count_of_frame,
    raked.staff_count as staff_count_raked,
from margins
inner join known using (cycle_id, role_id, margin)
inner join {{ ref('design_settings') }} as settings using (cycle_id)
left join raked using (cycle_id, role_id, margin, margin_category_id)
where
    margins.staff_share > 0
    and abs(coalesce(raked.staff_count, 0) / (margins.staff_share * known.staff_count) - 1)
    > settings.rake_tolerance + 1e-9
