-- Every response as it was judged, with its stratum, weight cell and weight.
{%- set asked = ['gender'] + (demographic_names() | reject('equalto', 'gender') | list) %}
{{ by_cycle() }}
with
responses as (
    select * from {{ ref('responses_read') }}
),

settings as (
    select cycle_id, weighting_mode, poststrata from {{ ref('design_settings') }}
),

judged as (
    select
        responses_judged.*,
        {{ base_stratum_id('responses_judged', 'settings') }} as base_stratum_id,
    from {{ ref('responses_judged') }} as responses_judged
    inner join settings
        on settings.cycle_id = responses_judged.cycle_id
    where responses_judged.cycle_id = '{{ cycle_id() }}'
),

strata as (
    select * from {{ ref('weights_strata') }}
    where cycle_id = '{{ cycle_id() }}'
),

weight_cells as (
    select * from {{ ref('weights_cells') }}
    where cycle_id = '{{ cycle_id() }}'
),

cell_weights as (
    select * from {{ ref('weights_by_cell') }}
    where cycle_id = '{{ cycle_id() }}'
),

final as (
    select
        responses.response_key,
        responses.cycle_id,
        responses.profile_id,
        responses.response_id,
        responses.respondent_key,
        responses.unit_id,
        responses.recipient_category_id,
        responses.role_id,
        {%- for attribute in asked %}
        responses.{{ attribute }},
        {%- endfor %}
        responses.submitted_at,
        responses.started_at,
        judged.is_accepted,
        judged.rejection_reason,
        judged.is_straight_lining,
        judged.is_speeding,
        judged.is_category_mismatch,
        strata.stratum_id,
        strata.stratum_number,
        weight_cells.weight_cell_number,
        cell_weights.weight as respondent_weight,
        judged.routed_question_count,
        judged.valid_count,
        judged.not_available_count,
        judged.not_used_count,
        judged.blank_count,
        judged.rejected_count,
        responses._file_sha256,
        responses._source_row,
    from responses
    inner join judged
        on judged.response_key = responses.response_key
    inner join settings
        on settings.cycle_id = responses.cycle_id
    left join strata
        on judged.is_accepted
        and strata.role_id = judged.role_id
        and strata.base_stratum_id = judged.base_stratum_id
    left join weight_cells
        on judged.is_accepted
        and weight_cells.role_id = judged.role_id
        and weight_cells.base_stratum_id = judged.base_stratum_id
        and coalesce(weight_cells.gender, '') = coalesce(judged.gender, '')
    left join cell_weights
        on cell_weights.weight_cell_number = weight_cells.weight_cell_number
        and cell_weights.weighting_mode = settings.weighting_mode
)

select * from final
