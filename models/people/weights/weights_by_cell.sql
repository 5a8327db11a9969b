-- The weight of every respondent, by weight cell, in each weighting mode of the cycle.
{{ by_cycle() }}
with
weight_cells as (
    select distinct
        weight_cell_number,
        stratum_number,
        stratum_staff_count,
        stratum_respondent_count,
    from {{ ref('weights_cells') }}
    where cycle_id = '{{ cycle_id() }}'
),

stratum_weights as (
    select * from {{ ref('weights_by_stratum') }}
    where cycle_id = '{{ cycle_id() }}'
),

raked_weights as (
    select * from {{ ref('weights_raked') }}
    where cycle_id = '{{ cycle_id() }}'
),

weights as (
    select
        stratum_weights.weighting_mode,
        weight_cells.weight_cell_number,
        stratum_weights.weight,
    from weight_cells
    inner join stratum_weights
        on stratum_weights.stratum_number = weight_cells.stratum_number
    union all
    select
        'rake' as weighting_mode,
        weight_cell_number,
        weight,
    from raked_weights
),

final as (
    select
        '{{ cycle_id() }}' as cycle_id,
        weights.weighting_mode,
        weights.weight_cell_number,
        weight_cells.stratum_number,
        weight_cells.stratum_staff_count,
        weight_cells.stratum_respondent_count,
        weights.weight,
    from weights
    inner join weight_cells
        on weight_cells.weight_cell_number = weights.weight_cell_number
)

select * from final
